"""The PostgreSQL store: one database, or one schema of it, with a role of its own for one service.

PostgresStore ─┬─ transaction() ──> PostgresTransaction ──┐
               ├─ read() ─────────> Snapshot ─────────────┼─> Pool ──> connections, opened when they are needed
               └─ one(), all() ───────────────────────────┘
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ...core.idempotency import Mark
from ...core.place import PostgresTarget, postgres_target
from ...core.secret import Secret
from ..base import Store
from ..errors import StoreUnavailable
from ..marks import EXPIRED, prune, write_answer
from ..metrics import StoreMetrics
from ..schema import SchemaFile
from . import lease
from .block import Home, select
from .connecting import Server
from .errors import FOREIGN, is_lost, translate
from .log import PostgresLog
from .migrate import migrate
from .options import PostgresOptions
from .plan import Plan
from .pool import Pool
from .transaction import PlainTransaction, PostgresTransaction, Snapshot

_PLANS_KEPT = 1024


class PostgresStore(Store):
    """A service's database, open. Belongs to the event loop it was opened on; made by `open`."""

    dialect = "postgres"

    def __init__(self, server: Server, options: PostgresOptions) -> None:
        self.target = server.target
        """Where it is."""
        self.metrics = StoreMetrics()
        self.pool = Pool(server.connect, options)
        """Its connections."""
        self._home = Home(server, self.pool, lru_cache(_PLANS_KEPT)(Plan), self.metrics, options)
        self.log = PostgresLog(self, self._home)
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        where: str | PostgresTarget,
        schema: Sequence[SchemaFile] = (),
        options: PostgresOptions | None = None,
        *,
        password: Secret | None = None,
    ) -> PostgresStore:
        """See what is at a place, and bring its schema up to date.

        Args:
            where: The URL of one service, see `postgres_target`.
            schema: From `load_schema(folder, "postgres")`.
            options: Defaults are fine.
            password: Of the role, if the server asks for it.
        Raises: ConfigError: no server, the wrong password, no database, a right that is missing, a server that is too
            old, or a schema that does not fit; with the next step.
        """
        target = postgres_target(where, service="store") if isinstance(where, str) else where
        options = options or PostgresOptions()
        server = Server(target, password, options)
        await server.probe()
        await migrate(server, schema)
        return cls(server, options)

    def _transaction(self) -> PostgresTransaction:
        return PostgresTransaction(self._home, self.log)

    def read(self) -> Snapshot:
        return Snapshot(self._home)

    async def _select(self, sql: str, into: Any, params: dict[str, Any], single: bool) -> list[Any]:
        home = self._home
        if home.closed:
            raise StoreUnavailable("the store is closed")
        plan = home.plans(sql)
        plan.check_names(params)
        if home.server.pooled:
            async with Snapshot(home) as snapshot:
                return await snapshot._select(sql, into, params, single)
        for last in (False, True):
            connection = await home.pool.acquire()
            try:
                if not plan.described:
                    await plan.describe(connection, params, in_transaction=False)
                rows = await select(connection, plan, params, into, single)
            except FOREIGN as error:
                if not is_lost(error):
                    home.give_back(connection, "SELECT 1")  # an error of the client's side leaves a request unfinished
                    raise translate(error, sql, reading=True) from error
                home.pool.drop(connection)
                home.pool.drop_idle()
                if last:
                    raise translate(error, sql, reading=True) from error
            except asyncio.CancelledError:
                home.give_back(connection, "SELECT 1")
                raise
            except BaseException:
                home.pool.release(connection)
                raise
            else:
                home.pool.release(connection)
                return rows
        raise AssertionError("the last attempt returns or raises")

    async def keep_answer(self, mark: Mark, answer: bytes | None, error: str | None = None) -> None:
        async with PlainTransaction(self._home, self.log) as tx:
            await write_answer(tx, mark, answer, error)

    async def prune_marks(self, now_ms: int, most: int) -> int:
        if await self.one(EXPIRED, int, now_ms=now_ms) is None:
            return 0
        async with PlainTransaction(self._home, self.log) as tx:
            return await prune(tx, now_ms, most)

    async def take_lease(self, name: str, owner: str, seconds: float) -> bool:
        async with PlainTransaction(self._home, self.log) as tx:
            return await lease.take(tx, name, owner, seconds)

    async def drop_lease(self, name: str, owner: str) -> None:
        async with PlainTransaction(self._home, self.log) as tx:
            await lease.drop(tx, name, owner)

    def forked(self) -> None:
        """In a process forked from this one: what the child said on a connection would be taken for the parent's."""
        self._home.closed = True
        self.pool.forked()

    async def close(self, grace_seconds: float = 10.0) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close(grace_seconds))
        await asyncio.shield(self._closing)

    async def _close(self, grace_seconds: float) -> None:
        home = self._home
        home.closed = True
        await home.empty(grace_seconds)
        for block in list(home.blocks):
            block.expire(StoreUnavailable("the store was closed during the transaction"))
        await self.pool.settle()
        await self.pool.close()
