"""Threads that run blocking work and report to the event loop.

Leaner than an executor (no future on the thread's side, no condition variable): handing over a commit and hearing of
its end is the whole price of a durable transaction besides the disk itself.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

Done = Callable[[T | None, BaseException | None], None]
"""Called on the event loop with the result, or with None and the exception."""


class Workers:
    """Up to `most` threads, started when there is more work than idle ones.

    Args:
        loop: The loop that hears of results; `submit` is called on its thread.
        name: For the threads.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str, most: int) -> None:
        self._loop, self._name, self._most = loop, name, most
        self._queue: SimpleQueue[tuple[Callable[[], Any], Done[Any]] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._pending = 0

    def submit(self, work: Callable[[], T], done: Done[T]) -> None:
        """Run `work` in a thread, then `done` on the loop; if the loop is closed by then, nobody hears of it."""
        self._pending += 1
        if self._pending > len(self._threads) < self._most:
            thread = threading.Thread(target=self._run, name=f"{self._name}-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._queue.put((work, done))

    def _report(self, done: Done[Any], result: Any, error: BaseException | None) -> None:
        self._pending -= 1
        done(result, error)

    async def call(self, work: Callable[[], T]) -> T:
        """Run `work` in a thread and wait for it. A cancellation stops the waiting, not the work."""
        future: asyncio.Future[T | None] = self._loop.create_future()

        def done(result: T | None, error: BaseException | None) -> None:
            if not future.done():
                if error is None:
                    future.set_result(result)
                else:
                    future.set_exception(error)

        self.submit(work, done)
        return await future  # type: ignore[return-value]  # None only if that is what work returned

    def stop(self) -> None:
        """End the threads once they have done what was submitted; waits for them."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            work, done = job
            result, error = None, None
            try:
                result = work()
            except BaseException as caught:  # noqa: BLE001  (whatever it is belongs to the one who waits)
                error = caught
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._report, done, result, error)
            del job, work, done, result, error  # or they would live until the next job


class InlineWorkers(Workers):
    """No threads: work is done at once, and its end reported one turn of the loop later. For stores in memory."""

    def submit(self, work: Callable[[], T], done: Done[T]) -> None:
        """Run `work` here and now, then `done` in the loop's next turn."""
        result, error = None, None
        try:
            result = work()
        except BaseException as caught:  # noqa: BLE001  (as in a thread)
            error = caught
        self._loop.call_soon(done, result, error)
