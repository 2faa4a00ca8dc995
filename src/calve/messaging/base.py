"""The port through which a consumer reads the log of a service, wherever that is."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..store.log import Record


class Feed(ABC):
    """The log of one service, read by another.

    Args:
        source: The service.
        consumer: Who reads.
    """

    def __init__(self, source: str, consumer: str) -> None:
        self.source, self.consumer = source, consumer

    @abstractmethod
    async def shards(self) -> int:
        """How many shards the log has. Raises CallError: the service cannot be reached."""

    @abstractmethod
    async def read(self, shard: int, after: int, limit: int, wait_seconds: float, done: int) -> list[Record]:
        """What follows an offset, without a gap, at most `limit` records; waits for something to come.

        Args:
            wait_seconds: How long, about; then the answer is empty.
            done: Everything up to this offset is done: the log need not keep it for this consumer.
        Raises:
            LogTruncated: the log does not have it any more.
            StoreError, CallError: it cannot be read now; asking again later may work.
        """

    @abstractmethod
    async def last(self, shard: int) -> int:
        """The highest offset that was ever committed. Raises as `read`."""
