"""A clock that a test owns.

    clock = VirtualClock()
    cache = Cache(clock)                 whatever asks for a `Clock`
    clock.advance(60)                    a minute later, at once; whoever sleeps until then wakes up

For code with timers of its own (deadlines, `asyncio.timeout`, `asyncio.sleep`) see loop.py, where time is the loop's
as well and advances by itself.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, tzinfo=UTC)


class VirtualClock:
    """Implements `Clock`; time stands still until `advance` is called.

    Args:
        start: What `now` says first; aware.
    """

    def __init__(self, start: datetime = START) -> None:
        if start.tzinfo is None:
            raise ValueError(f"start {start} has no time zone")
        self._start, self._elapsed = start.astimezone(UTC), 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def now(self) -> datetime:
        """Wall-clock time in UTC."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._elapsed

    @property
    def sleeping(self) -> int:
        """How many sleep on this clock right now."""
        return sum(not future.done() for _, _, future in self._sleepers)

    async def sleep(self, seconds: float) -> None:
        """Wait until `advance` has gone past; zero or less gives the other tasks one turn."""
        loop = asyncio.get_running_loop()
        if seconds <= 0 or getattr(loop, "clock", None) is self:  # a loop on this clock wakes its sleepers itself
            await asyncio.sleep(seconds)
            return
        future = loop.create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._numbers), future))
        await future

    def advance(self, seconds: float) -> None:
        """Let time pass. Sleepers become ready in the order of their times; they run when the caller next awaits.

        Raises: ValueError: negative; a monotonic clock never goes back.
        """
        if seconds < 0:
            raise ValueError(f"time cannot go back by {-seconds} seconds")
        self._elapsed += seconds
        while self._sleepers and self._sleepers[0][0] <= self._elapsed:
            future = heapq.heappop(self._sleepers)[2]
            if not future.done():  # else its task was cancelled
                future.set_result(None)
