"""A streaming operation: an async iterator on both sides, server-sent events on REST.

    $ calve run &
    $ calve call countdown.count start=3

The reader sets the pace: the service is only asked for the next item when there is room for it, and its `finally` runs
as soon as the reader goes away.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Protocol

from calve import Clock, Contract, Logger, Message, Meta, query


class Tick(Message):
    """One step."""

    left: int


class Countdown(Contract, Protocol, version="1.0"):
    """Counts down."""

    @query(http="GET /countdown")
    def count(self, start: Annotated[int, Meta(ge=0, le=1000)], pause_seconds: float = 0.01) -> AsyncIterator[Tick]:
        """From `start` to zero. A plain `def` in the contract: the iterator is there at once."""
        ...


class CountdownService(Countdown):
    """An async generator in the implementation."""

    def __init__(self, clock: Clock, log: Logger) -> None:
        self._clock, self._log = clock, log

    async def count(self, start: int, pause_seconds: float = 0.01) -> AsyncIterator[Tick]:
        left = start
        try:
            while left >= 0:
                yield Tick(left=left)
                left -= 1
                await self._clock.sleep(pause_seconds)
        finally:
            self._log.info("countdown over", left=left)
