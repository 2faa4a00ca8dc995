"""The log of a service in another unit, read over the wire: no broker, and nothing to install.

    consumer's unit                                     publisher's unit
    RemoteFeed.read ──> calve_log_read, a query ──> LogService ──> store.log

A read waits at the publisher for something to come, so an event is on its way as soon as it is committed. The publisher
keeps no state about its readers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ..contract import Contract, Endpoint, Message, Operation, describe, query
from ..core.context import CallContext
from ..core.deadline import NEVER
from ..store.log import LogTruncated, Record
from .base import Feed

WAIT_SECONDS_MAX = 20.0
RECORDS_MAX = 1_000
BYTES_MAX = 4_000_000
"""A page is cut when it gets longer, so that it fits into a frame."""


class LogPage(Message):
    """What follows an offset."""

    records: tuple[Record, ...]
    floor: int | None = None
    """The last offset that is gone, when that is why there are no records."""


class LogState(Message):
    """How far a log is."""

    last: tuple[int, ...]
    """By shard: the highest offset that was ever committed."""


class EventLog(Contract, Protocol, version="1.0"):
    """What every service that publishes events answers to other units, beside its own contract."""

    @query(timeout_seconds=WAIT_SECONDS_MAX + 10)
    async def calve_log_read(
        self, consumer: str, shard: int, after: int, limit: int, wait_seconds: float, done: int
    ) -> LogPage:
        """Records after an offset, for a consumer that has everything up to `done`; waits for some to come."""
        ...

    @query()
    async def calve_log_state(self) -> LogState:
        """How far it is."""
        ...


LOG = describe(EventLog).operations
"""By name."""


class LogService:
    """Answers for the log of one service that is hosted here.

    Args:
        feed: From a consumer to what reads the log for it.
    """

    def __init__(self, feed: Callable[[str], Feed]) -> None:
        self._make_feed = feed
        self._feeds: dict[str, Feed] = {}

    def _feed(self, consumer: str) -> Feed:
        if consumer not in self._feeds:
            self._feeds[consumer] = self._make_feed(consumer)
        return self._feeds[consumer]

    async def calve_log_read(
        self, consumer: str, shard: int, after: int, limit: int, wait_seconds: float, done: int
    ) -> LogPage:
        """See the contract."""
        wait = min(wait_seconds, WAIT_SECONDS_MAX)
        try:
            records = await self._feed(consumer).read(shard, after, min(limit, RECORDS_MAX), wait, done)
        except LogTruncated as error:
            return LogPage(records=(), floor=error.floor)
        size, page = 0, list[Record]()
        for record in records:
            size += len(record.data) + len(record.headers) + 200
            if page and size > BYTES_MAX:
                break
            page.append(record)
        return LogPage(records=tuple(page))

    async def calve_log_state(self) -> LogState:
        """See the contract."""
        feed = self._make_feed("")
        shards = range(await feed.shards())
        return LogState(last=tuple(await asyncio.gather(*map(feed.last, shards))))


class Remote(Protocol):
    """What is needed of a wire."""

    async def call(self, service: str, operation: Operation, request: Any, context: CallContext) -> Any:
        """Send and wait; raises CallError."""
        ...


MakeEndpoint = Callable[[str, Operation, Callable[..., Any]], Endpoint]


def log_endpoints(service: str, feed: Callable[[str], Feed], make: MakeEndpoint) -> Mapping[str, Endpoint]:
    """What other units call to read the log of a service.

    Args:
        feed: From a consumer to what reads the log for it.
        make: From service, operation and method to an endpoint.
    """
    server = LogService(feed)
    return {name: make(service, operation, getattr(server, name)) for name, operation in LOG.items()}


class RemoteFeed(Feed):
    """Reads the log of a service that another unit hosts.

    Args:
        source: The service.
        consumer: Who reads.
        remote: Carries the calls.
        now: The monotonic clock.
    """

    def __init__(self, source: str, consumer: str, remote: Remote, now: Callable[[], float]) -> None:
        super().__init__(source, consumer)
        self._remote, self._now = remote, now

    async def _call(self, name: str, **fields: Any) -> Any:
        operation = LOG[name]
        context = CallContext("", min(NEVER, self._now() + operation.timeout_seconds))
        return await self._remote.call(self.source, operation, operation.request(**fields), context)

    async def shards(self) -> int:
        state: LogState = await self._call("calve_log_state")
        return len(state.last)

    async def read(self, shard: int, after: int, limit: int, wait_seconds: float, done: int) -> list[Record]:
        page: LogPage = await self._call(
            "calve_log_read",
            consumer=self.consumer,
            shard=shard,
            after=after,
            limit=limit,
            wait_seconds=wait_seconds,
            done=done,
        )
        if page.floor is not None:
            raise LogTruncated(shard, after, page.floor)
        return list(page.records)

    async def last(self, shard: int) -> int:
        state: LogState = await self._call("calve_log_state")
        return state.last[shard]
