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
from .local import LocalFeed

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
    async def calve_log_read(self, shard: int, after: int, limit: int, wait_seconds: float) -> LogPage:
        """Records after an offset; waits for some to come."""
        ...

    @query()
    async def calve_log_state(self) -> LogState:
        """How far it is."""
        ...


class LogService:
    """Answers for the log of one service that is hosted here."""

    def __init__(self, feed: LocalFeed) -> None:
        self._feed = feed

    async def calve_log_read(self, shard: int, after: int, limit: int, wait_seconds: float) -> LogPage:
        """See the contract."""
        try:
            records = await self._feed.read(shard, after, min(limit, RECORDS_MAX), min(wait_seconds, WAIT_SECONDS_MAX))
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
        shards = range(await self._feed.shards())
        return LogState(last=tuple(await asyncio.gather(*map(self._feed.last, shards))))


class Remote(Protocol):
    """What is needed of a wire."""

    async def call(self, service: str, operation: Operation, request: Any, context: CallContext) -> Any:
        """Send and wait; raises CallError."""
        ...


MakeEndpoint = Callable[[str, Operation, Callable[..., Any]], Endpoint]


def log_endpoints(service: str, feed: LocalFeed, make: MakeEndpoint) -> Mapping[str, Endpoint]:
    """What other units call to read the log of a service.

    Args:
        make: From service, operation and method to an endpoint.
    """
    server = LogService(feed)
    operations = describe(EventLog).operations
    return {name: make(service, operation, getattr(server, name)) for name, operation in operations.items()}


class RemoteFeed(Feed):
    """Reads the log of a service that another unit hosts.

    Args:
        source: The service.
        remote: Carries the calls.
        now: The monotonic clock.
    """

    def __init__(self, source: str, remote: Remote, now: Callable[[], float]) -> None:
        super().__init__(source)
        self._remote, self._now = remote, now
        self._operations = describe(EventLog).operations

    async def _call(self, name: str, **fields: Any) -> Any:
        operation = self._operations[name]
        context = CallContext("", min(NEVER, self._now() + operation.timeout_seconds))
        return await self._remote.call(self.source, operation, operation.request(**fields), context)

    async def shards(self) -> int:
        state: LogState = await self._call("calve_log_state")
        return len(state.last)

    async def read(self, shard: int, after: int, limit: int, wait_seconds: float) -> list[Record]:
        page: LogPage = await self._call(
            "calve_log_read", shard=shard, after=after, limit=limit, wait_seconds=wait_seconds
        )
        if page.floor is not None:
            raise LogTruncated(shard, after, page.floor)
        return list(page.records)

    async def last(self, shard: int) -> int:
        state: LogState = await self._call("calve_log_state")
        return state.last[shard]
