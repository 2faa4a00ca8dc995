"""Reads: one statement on the spot, or a snapshot for several.

store.one(…)   ──> the loop's own connection, within a budget ──too slow──> a connection of the pool, in a thread
store.read()   ──> a connection of the pool for the whole block; its statements run on the loop or in a thread
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any

from ...core.errors import StoreError
from ..base import Reader
from ..errors import StoreUnavailable, TransactionError
from .connection import Connection
from .lease import MISSED, Lease, LoopShare
from .options import SqliteOptions
from .plan import Plans
from .workers import Workers


class Readers:
    """The readers of a database file.

    Args:
        connect: Opens a reader connection. Raises StoreUnavailable.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        workers: Workers,
        share: LoopShare,
        plans: Plans,
        options: SqliteOptions,
    ) -> None:
        self._connect, self._workers, self._share, self._plans, self.options = connect, workers, share, plans, options
        self._here = connect()
        self._here.patient(False)
        self._free: list[Connection] = []
        self._slots = asyncio.Semaphore(options.readers_max)
        self._leases: set[Lease] = set()
        self._closed = False
        self._drained: asyncio.Future[None] | None = None

    async def select(self, sql: str, into: Any, params: dict[str, Any], single: bool) -> list[Any]:
        """One read of what was last committed.

        Raises: StoreError: see `calve.store.errors`.
        """
        if self._closed:
            raise StoreUnavailable("the store is closed")
        connection, share, plan = self._here, self._share, self._plans(sql)
        rows: list[Any] = share.attempt(connection, plan, connection.select, params, into, single)
        if rows is not MISSED:
            if share.spent > share.limit:
                await share.give_way()
            return rows
        lease = await self.lease()
        try:
            return await lease.in_thread(plan, lease.connection.select, params, into, single)
        except asyncio.CancelledError:
            lease.connection.interrupt()
            raise
        finally:
            self.give_back(lease)

    async def lease(self) -> Lease:
        """Wait for a connection of the pool."""
        await self._slots.acquire()
        try:
            if self._closed:
                raise StoreUnavailable("the store is closed")
            connection = self._free.pop() if self._free else self._open()
        except BaseException:
            self._slots.release()
            raise
        lease = Lease(connection, self._workers, self._share, self._plans)
        self._leases.add(lease)
        return lease

    def _open(self) -> Connection:
        connection = self._connect()
        connection.patient(False)
        return connection

    def give_back(self, lease: Lease) -> None:
        """End a lease: now, or when the thread lets go of its connection. No-op if it is over."""
        if lease.over:
            return

        def finish() -> None:
            lease.connection.resume()
            if lease.connection.in_transaction:
                lease.connection.command("ROLLBACK")
            self._free.append(lease.connection)
            self._leases.discard(lease)
            self._slots.release()
            if self._drained is not None and not self._leases and not self._drained.done():
                self._drained.set_result(None)

        lease.end(finish)

    async def close(self, grace_seconds: float) -> None:
        """Refuse new reads, wait for those in progress, interrupt those that take longer, close the connections."""
        self._closed = True
        if self._leases:
            self._drained = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(grace_seconds):
                    await asyncio.shield(self._drained)
            except TimeoutError:
                for lease in list(self._leases):
                    lease.reason = StoreUnavailable("the store was closed during the read")
                    lease.connection.interrupt()
                    self.give_back(lease)
                await self._drained
        for connection in (self._here, *self._free):
            connection.close()
        self._free.clear()


class Snapshot(Reader):
    """The block of `store.read()`: a read transaction, which SQLite fixes at its first statement."""

    __slots__ = ("_lease", "_readers", "_watch")
    _lease: Lease
    _watch: asyncio.TimerHandle

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __aenter__(self) -> Snapshot:
        lease = await self._readers.lease()
        try:
            lease.connection.command("BEGIN")
        except StoreError:
            self._readers.give_back(lease)
            raise
        self._lease = lease
        # A snapshot keeps SQLite from truncating its log, so it may not last for ever.
        limit = self._readers.options.hold_seconds_max
        self._watch = asyncio.get_running_loop().call_later(limit, self._expire, limit)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._watch.cancel()
        if isinstance(error, asyncio.CancelledError):
            self._lease.connection.interrupt()
        self._readers.give_back(self._lease)

    def _expire(self, limit: float) -> None:
        self._lease.reason = TransactionError(
            f"the snapshot was ended after {limit:g} s; read what you need, then leave"
        )
        self._readers.give_back(self._lease)

    def _select(self, sql: str, into: Any, params: dict[str, Any], single: bool) -> Coroutine[Any, Any, list[Any]]:
        return self._lease.call(sql, self._lease.connection.select, params, into, single)
