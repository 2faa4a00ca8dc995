"""The port of a log: what a store gives to whoever carries its events away.

A reader starts after an offset and gets what follows without a gap. What it cannot get is said: `LogTruncated` when the
log has let go of it, and a record of type `VOID` when an offset was given to a transaction that did not commit.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar, Protocol

import msgspec

from ...contract import Event
from ...core.errors import ConfigError, StoreError
from .outlet import Entry, Key, Outlet
from .record import Record

READERS = """CREATE TABLE IF NOT EXISTS calve_log_reader (
    consumer TEXT NOT NULL, shard INTEGER NOT NULL, number BIGINT NOT NULL, seen_ms BIGINT NOT NULL,
    PRIMARY KEY (consumer, shard))"""
_NOTE = """INSERT INTO calve_log_reader (consumer, shard, number, seen_ms) VALUES (:consumer, :shard, :offset, :now_ms)
ON CONFLICT (consumer, shard) DO UPDATE SET number = excluded.number, seen_ms = excluded.seen_ms"""
_READERS = 'SELECT consumer, shard, number AS "offset", seen_ms FROM calve_log_reader ORDER BY consumer, shard'
_FORGET = "DELETE FROM calve_log_reader WHERE consumer = :consumer"


class LogReader(msgspec.Struct, frozen=True):
    """How far a consumer is in a shard of the log, as it said itself a few seconds ago."""

    consumer: str
    shard: int
    offset: int
    """Everything up to here is done."""
    seen_ms: int
    """When it said so, milliseconds since 1970."""


class _Reads(Protocol):
    async def all(self, sql: str, into: type[Any], /, **params: Any) -> list[Any]:
        """See `Reader.all`."""
        ...


class _Writes(Protocol):
    async def execute(self, sql: str, /, **params: Any) -> int:
        """See `Transaction.execute`."""
        ...


class LogTruncated(StoreError):
    """Records that somebody asks for are not kept any more.

    Attributes:
        shard: Where.
        floor: The last offset that is gone; reading after it works.
    """

    def __init__(self, shard: int, after: int, floor: int) -> None:
        super().__init__(
            f"the log does not have offsets {after + 1} to {floor} of shard {shard} any more; "
            "they were older than its retention and were not asked for until now"
        )
        self.shard, self.floor = shard, floor


class Log(ABC):
    """The log of one store; `store.log`."""

    shards: ClassVar[int]
    """How many it has; fixed, because a key's shard must not change."""
    _reader: _Reads

    def __init__(self) -> None:
        self.outlet: Outlet | None = None
        """What the service may publish; set by whoever opened the store for a service."""
        self._news: asyncio.Future[None] | None = None

    def entry(self, event: Event, key: Key | None) -> Entry:
        """See `Outlet.entry`. Raises ConfigError, too, when the store belongs to no service."""
        if self.outlet is None:
            raise ConfigError(
                f"{type(event).__name__} cannot be published: this store was opened without saying for which service",
                fix="set store.log.outlet = Outlet('wallet', describe(Wallet), SystemClock())",
            )
        return self.outlet.entry(event, key)

    @abstractmethod
    async def read(self, shard: int, after: int, limit: int) -> list[Record]:
        """Committed records with offsets from `after + 1` on, without a gap, at most `limit`; empty at the end.

        Raises: LogTruncated; StoreError: the database cannot be read.
        """

    @abstractmethod
    async def last(self, shard: int) -> int:
        """The highest offset that was ever committed, 0 for none."""

    @abstractmethod
    async def floor(self, shard: int) -> int:
        """The highest offset that is not kept any more, 0 while all are."""

    @abstractmethod
    async def prune(self, shard: int, before_ms: int, upto: int, most: int) -> int:
        """Let go of records published before `before_ms` with offsets up to `upto`, the oldest first, at most `most`.

        The last record of a shard is always kept. Returns: how many went.
        """

    @abstractmethod
    def _writing(self) -> AbstractAsyncContextManager[_Writes]:
        """For adapters: a transaction for single statements on our own tables."""

    async def note_reader(self, consumer: str, shard: int, offset: int, now_ms: int) -> None:
        """A consumer has everything up to an offset: what comes after it is kept, however old it gets."""
        async with self._writing() as tx:
            await tx.execute(_NOTE, consumer=consumer, shard=shard, offset=offset, now_ms=now_ms)

    async def readers(self) -> list[LogReader]:
        """Who reads the log, and how far they are."""
        return await self._reader.all(_READERS, LogReader)

    async def forget_reader(self, consumer: str) -> bool:
        """Keep nothing for a consumer any more; whether it was known."""
        async with self._writing() as tx:
            return await tx.execute(_FORGET, consumer=consumer) > 0

    def changed(self) -> asyncio.Future[None]:
        """What to await for the next commit with events by this process. Ask before reading, await after."""
        if self._news is None or self._news.done():
            self._news = asyncio.get_running_loop().create_future()
        return self._news

    def wake(self) -> None:
        """A transaction with events may have been committed."""
        news, self._news = self._news, None
        if news is not None and not news.done():
            news.set_result(None)
