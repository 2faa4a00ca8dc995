"""Virtual time for a whole event loop: it never waits, it jumps.

    @virtual_time
    async def test_gives_up_after_a_minute() -> None:
        clock = virtual_clock()
        with pytest.raises(DeadlineExceeded):
            await client.fetch()                   takes no time at all
        assert clock.monotonic() == 60

When no task can run, the loop sets its clock to the moment of the next timer. Sleeps, `asyncio.timeout`, deadlines
(`TimerWheel`) and backoff take exactly as long as they say, in an order that is the same in every run.

What does not work here is everything that happens outside of the loop, because time does not wait for it: sockets,
pipes, child processes, and threads (hence `SqliteStore` and `asyncio.to_thread`). Use the fakes beside the ports.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from .clock import VirtualClock

P = ParamSpec("P")
T = TypeVar("T")

STALL_SECONDS = 1.0
"""Real time that the loop waits for other threads before it says that nothing will happen; closing a loop needs it."""


class Stalled(AssertionError):
    """Every task waits for something that nobody will do: the test would hang."""


class _JumpingSelector(selectors.DefaultSelector):
    """Waits by moving the clock."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0 if timeout is not None else STALL_SECONDS)
        if not events and timeout is None:
            waiting = ", ".join(sorted(task.get_name() for task in asyncio.all_tasks()))
            raise Stalled(f"no timer is set and no task can run; waiting: {waiting or 'none'}")
        if not events and timeout is not None and timeout > 0:
            self._clock.advance(timeout)
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on a virtual clock.

    Args:
        clock: Moved by this loop whenever it has nothing to do.
    """

    def __init__(self, clock: VirtualClock | None = None) -> None:
        self.clock = clock or VirtualClock()
        super().__init__(_JumpingSelector(self.clock))
        # Sums of floats must not leave a timer a hair in the future, with no time left to wait.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Virtual seconds."""
        return self.clock.monotonic()

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for threads without the limit that Python has from 3.12 on: in virtual time it would pass at once."""
        await super().shutdown_default_executor()


def run_virtual(main: Coroutine[Any, Any, T], clock: VirtualClock | None = None) -> T:
    """`asyncio.run` in virtual time.

    Args:
        main: The coroutine to run.
        clock: Read it afterwards to see how long it took; a new one unless given.
    Raises: Stalled: it would never end.
    """
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock)) as runner:
        return runner.run(main)


def virtual_clock() -> VirtualClock:
    """The clock of the running virtual loop.

    Raises: RuntimeError: the running loop is another one.
    """
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualLoop):
        raise RuntimeError("not in virtual time: decorate the test with @virtual_time, or use run_virtual")
    return loop.clock


def virtual_time(test: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Let an async test run in virtual time. It may use fixtures, but no async ones: those live on another loop."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return run_virtual(test(*args, **kwargs))

    return run
