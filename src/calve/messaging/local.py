"""The log of a service that is hosted in this process."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from ..core.clock import Clock
from ..store.log import Log, Record
from .base import Feed

NOTE_SECONDS = 5.0
"""How often a consumer's progress is noted in the log; until then the log keeps a little too much."""
LOOK_SECONDS = 0.25
"""How often a log is read that other processes write, too: their commits wake nobody here."""


class LocalFeed(Feed):
    """Reads a log of this process.

    Args:
        source: The service whose log it is.
        consumer: Who reads; '' for somebody who only looks, and for whom nothing is kept.
        shared: Whether other processes write it, too.
        clock: For noting how far the consumer is.
    """

    def __init__(self, source: str, consumer: str, log: Log, *, shared: bool, clock: Clock) -> None:
        super().__init__(source, consumer)
        self._log, self._shared, self._clock = log, shared, clock
        self._noted: dict[int, tuple[int, float]] = {}
        """By shard: the offset that was noted last, and when."""

    async def shards(self) -> int:
        return self._log.shards

    async def read(self, shard: int, after: int, limit: int, wait_seconds: float, done: int) -> list[Record]:
        until = self._clock.monotonic() + wait_seconds
        await self._note(shard, done)
        while True:
            news = self._log.changed()
            if records := await self._log.read(shard, after, limit):
                return records
            left = until - self._clock.monotonic()
            if left <= 0:
                return []
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, LOOK_SECONDS) if self._shared else left):
                    await asyncio.shield(news)

    async def _note(self, shard: int, done: int) -> None:
        if not self.consumer:
            return
        offset, at = self._noted.get(shard, (-1, -NOTE_SECONDS))
        if offset == done or self._clock.monotonic() - at < NOTE_SECONDS:
            return
        await self._log.note_reader(self.consumer, shard, done, int(self._clock.now().timestamp() * 1000))
        self._noted[shard] = done, self._clock.monotonic()

    async def last(self, shard: int) -> int:
        return await self._log.last(shard)
