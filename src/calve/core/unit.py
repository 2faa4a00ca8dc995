"""The unit that code runs in, for code that is no service: how an adopted application finds the contracts it calls.

    a request of an adopted application     ──> the context variable, which threads and tasks begun from it inherit
    a thread that inherited nothing         ──> the one unit that is published in this process
    a process forked from a unit            ──> none: it shares neither the loop nor the connections of its parent

A unit publishes itself while it runs and takes itself back when it stops, so nothing is left for a test to undo.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar

from .errors import CalveError, Unavailable

T = TypeVar("T")


class RunningUnit:
    """An event loop with the services of a unit on it. Made on that loop.

    Args:
        stubs: Contract -> its stub, for calls on the loop; raises ConfigError when there is none.
    """

    def __init__(self, stubs: Callable[[type[Any]], Any]) -> None:
        self.stub = stubs
        self.loop = asyncio.get_running_loop()
        self._pid, self._thread = os.getpid(), threading.get_ident()
        self._waiting: set[concurrent.futures.Future[Any]] = set()
        self._closed = False

    @property
    def here(self) -> bool:
        """Whether this process is the one the unit runs in, and not forked from it."""
        return os.getpid() == self._pid

    def publish(self) -> None:
        """Let every thread of the process find this unit."""
        _published.append(self)

    def close(self) -> None:
        """Take it back; threads that wait for an answer get Unavailable. Safe to call twice. On the loop only."""
        self._closed = True
        if self in _published:
            _published.remove(self)
        for waiting in tuple(self._waiting):
            waiting.cancel()

    def run(self, body: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the unit's loop, in the context of this thread, and wait for it.

        Raises:
            CalveError: this is the loop's own thread, which would wait for itself.
            Unavailable: the unit stops.
            Exception: what the coroutine raises.
        """
        if threading.get_ident() == self._thread:
            body.close()
            raise CalveError(
                "a synchronous call on the thread of the unit's event loop would wait for itself for ever; "
                "await calve.stub(...) here, or call from a thread (`def` instead of `async def`)"
            )
        if self._closed:
            body.close()
            raise Unavailable("the unit is stopping", may_have_run=False)
        waiting = asyncio.run_coroutine_threadsafe(body, self.loop)
        self._waiting.add(waiting)
        try:
            if self._closed:  # while this thread was on its way
                waiting.cancel()
            return waiting.result()
        except concurrent.futures.CancelledError:
            raise Unavailable("the unit is stopping", may_have_run=True) from None
        except BaseException:
            waiting.cancel()  # Ctrl-C while it waits; a no-op when the call itself failed
            raise
        finally:
            self._waiting.discard(waiting)

    def iterate(self, items: AsyncIterator[T]) -> Iterator[T]:
        """Iterate a stream from another thread; closing the iterator closes the stream. Raises as `run`."""
        try:
            while (item := self.run(_next(items))) is not _END:
                yield item
        finally:
            if (close := getattr(items, "aclose", None)) is not None:
                self.run(close())


async def _next(items: AsyncIterator[Any]) -> Any:
    return await anext(items, _END)


_END: Any = object()
_published: list[RunningUnit] = []
_unit: ContextVar[RunningUnit | None] = ContextVar("calve_unit", default=None)


def current_unit() -> RunningUnit | None:
    """The unit this code runs in; None outside of any, in a fork of one, and where several could be meant."""
    unit = _unit.get()
    if unit is None and len(_published) == 1:
        unit = _published[0]
    return unit if unit is not None and unit.here else None
