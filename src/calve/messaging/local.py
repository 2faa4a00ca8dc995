"""The log of a service that is hosted in this process."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from ..store.log import Log, Record
from .base import Feed

LOOK_SECONDS = 0.25
"""How often a log is read that other processes write, too: their commits wake nobody here."""


class LocalFeed(Feed):
    """Reads a log of this process.

    Args:
        source: The service whose log it is.
        shared: Whether other processes write it, too.
    """

    def __init__(self, source: str, log: Log, *, shared: bool) -> None:
        super().__init__(source)
        self._log, self._shared = log, shared

    async def shards(self) -> int:
        return self._log.shards

    async def read(self, shard: int, after: int, limit: int, wait_seconds: float) -> list[Record]:
        until = time.monotonic() + wait_seconds
        while True:
            news = self._log.changed()
            if records := await self._log.read(shard, after, limit):
                return records
            left = until - time.monotonic()
            if left <= 0:
                return []
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, LOOK_SECONDS) if self._shared else left):
                    await asyncio.shield(news)

    async def last(self, shard: int) -> int:
        return await self._log.last(shard)
