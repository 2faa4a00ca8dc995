"""The blocks of `store.transaction()` and `store.read()`.

Every transaction is SERIALIZABLE: PostgreSQL lets them run side by side, and fails one (StoreConflict) when the result
could not have come from running them one after another. So that whoever lost once does not lose again and again, there
is a lock (`calve_turn`, an empty table) that every transaction holds shared, and one that runs again holds alone:

    BEGIN …; LOCK TABLE calve_turn IN ROW SHARE MODE      a first attempt: beside others
    BEGIN …; LOCK TABLE calve_turn IN EXCLUSIVE MODE      an attempt after a collision, or without anybody who would
                                                          run it again: after all others have ended, before new ones

It has to be a table lock: that is the only kind that is taken before the transaction's snapshot. These two modes do not
get in the way of backups, which take ACCESS SHARE. BEGIN and LOCK are one message to the server. What it costs, and
what was rejected: docs/decisions/0019-postgres-serializable-and-run-again.md.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterable, Mapping
from types import TracebackType
from typing import Any

import asyncpg

from ...core.crash import crash_point
from ..again import attempt_number, running_attempt
from ..base import Reader, Transaction
from ..errors import CommitUnknown, StatementError, StoreConflict, TransactionError
from ..log import Log
from .append import append_statement
from .block import Block, Home, select
from .errors import FOREIGN, is_lost, reason, translate
from .plan import Plan

TURN_TABLE = "calve_turn"
_BEGIN = "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE;{limits}"
_BESIDE = f"LOCK TABLE {TURN_TABLE} IN ROW SHARE MODE"
_ALONE = (
    f"SET LOCAL lock_timeout = '{{wait}}ms';LOCK TABLE {TURN_TABLE} IN EXCLUSIVE MODE;SET LOCAL lock_timeout TO DEFAULT"
)
_COUNTED = ("INSERT", "UPDATE", "DELETE", "MERGE")


class PostgresTransaction(Block, Transaction):
    """One transaction, once: entered, used and left."""

    def __init__(self, home: Home, log: Log) -> None:
        super().__init__(home, reading=False)
        self._log, self._entries = log, []

    async def __aenter__(self) -> PostgresTransaction:
        if self.task is not None:
            raise TransactionError("a transaction is entered once; ask the store for another one")
        task = asyncio.current_task()
        if any(block.task is task for block in self._home.blocks if isinstance(block, PostgresTransaction)):
            raise TransactionError(
                "a transaction inside a transaction of the same store could wait for itself; pass the outer one on"
            )
        self.enter()
        return self

    async def _open(self, connection: Any) -> None:
        options, begin = self._home.options, _BEGIN.format(limits=self._home.server.limits)
        attempt = attempt_number()
        if attempt != 1:
            seconds = options.turn_seconds if attempt else options.hold_seconds_max
            try:
                await connection.execute(begin + _ALONE.format(wait=int(seconds * 1000)))
            except asyncpg.LockNotAvailableError:
                if not attempt:
                    raise
                await connection.execute("ROLLBACK")
            else:
                return
        await connection.execute(begin + _BESIDE)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        if error is not None:
            await self._roll_back(wait=isinstance(error, Exception))
            return
        try:
            await self.settle()
        except BaseException:
            await self._roll_back(wait=False)
            raise
        if self.over:
            self._home.metrics.rollbacks += 1
            raise self.reason or TransactionError("the transaction has ended before")
        if self.failure is not None:
            await self._roll_back(wait=True)
            raise TransactionError(
                f"rolled back: a statement failed, and its error was caught inside the block: {self.failure}"
            ) from self.failure
        if self._entries:
            await self._append()
        connection = self.leave()
        if connection is None:
            self._home.metrics.transactions += 1
            return
        try:
            await asyncio.shield(self._home.pool.background(self._commit(connection)))
        finally:
            if self._entries:
                self._log.wake()

    async def _append(self) -> None:
        self.wrote = True
        try:
            crash_point("publish.before_append")
            sql, values = append_statement(self._entries)
            await self.run(sql, lambda connection: connection.execute(sql, *values))
            crash_point("publish.before_commit")
        except BaseException as error:
            await self._roll_back(wait=isinstance(error, Exception))
            raise

    async def _roll_back(self, *, wait: bool) -> None:
        metrics = self._home.metrics
        metrics.rollbacks += 1
        metrics.conflicts += isinstance(self.failure, StoreConflict)
        connection = self.leave()
        if connection is None:
            return
        undoing = self._home.give_back(connection, "ROLLBACK")
        if wait:
            await asyncio.wait([undoing])

    async def _commit(self, connection: Any) -> None:
        home, started = self._home, time.perf_counter()
        metrics = home.metrics
        try:
            status = await connection.execute("COMMIT")
        except FOREIGN as error:
            metrics.commit_failures += 1
            if is_lost(error):
                self._note_effect()
                home.pool.drop(connection)
                home.pool.drop_idle()
                raise CommitUnknown(
                    f"the connection was lost during the commit, which may have happened or not: {reason(error)}"
                ) from error
            metrics.rollbacks += 1
            home.pool.release(connection)
            failure = translate(error, "COMMIT")
            metrics.conflicts += isinstance(failure, StoreConflict)
            raise failure from error
        except BaseException:
            home.pool.drop(connection)
            raise
        home.pool.release(connection)
        if status != "COMMIT":
            metrics.rollbacks += 1
            raise TransactionError(f"the server rolled it back: {status}")
        self._note_effect()
        metrics.commits += 1
        metrics.transactions += 1
        metrics.batch_size_max = 1
        metrics.commit_seconds += time.perf_counter() - started

    def _note_effect(self) -> None:
        if self.wrote and (attempt := running_attempt()) is not None:
            attempt.had_effect()

    def _select(self, sql: str, into: Any, params: dict[str, Any], single: bool) -> Coroutine[Any, Any, list[Any]]:
        self._check_failure()
        return self.call(sql, lambda connection, plan: select(connection, plan, params, into, single), params)

    def execute(self, sql: str, /, **params: Any) -> Coroutine[Any, Any, int]:
        self._check_failure()
        return self.call(sql, lambda connection, plan: _execute(connection, plan, params), params)

    async def execute_many(self, sql: str, rows: Iterable[Mapping[str, Any]], /) -> int:
        self._check_failure()
        listed = list(rows)
        if not listed:
            return 0
        return await self.call(sql, lambda connection, plan: _execute_many(connection, plan, listed), listed[0])

    async def _set_savepoint(self, name: str) -> None:
        self._check_failure()
        await self.run("SAVEPOINT", lambda connection: connection.execute(f"SAVEPOINT {name}"))

    async def _end_savepoint(self, name: str, error: BaseException | None) -> None:
        if error is None:
            self._check_failure()
            await self.run("RELEASE", lambda connection: connection.execute(f"RELEASE SAVEPOINT {name}"))
            return
        lost = self._connection is None or isinstance(self.failure, StoreConflict)
        if lost or self.over or not isinstance(error, Exception) or isinstance(error, StoreConflict):
            return
        await self.settle()
        self.failure = None
        undo = f"ROLLBACK TO SAVEPOINT {name};RELEASE SAVEPOINT {name}"
        await self.run("ROLLBACK TO SAVEPOINT", lambda connection: connection.execute(undo))

    def _check_failure(self) -> None:
        if self.failure is not None:
            raise TransactionError(f"an earlier statement of this transaction failed: {self.failure}") from self.failure


class PlainTransaction(PostgresTransaction):
    """For single statements on our own tables, where reading before writing is no matter: it cannot collide."""

    async def _open(self, connection: Any) -> None:
        await connection.execute(f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;{self._home.server.limits}")


class Snapshot(Block, Reader):
    """The block of `store.read()`: a transaction that sees the state as of its first statement, and never collides."""

    def __init__(self, home: Home) -> None:
        super().__init__(home, reading=True)

    async def __aenter__(self) -> Snapshot:
        self.enter()
        return self

    async def _open(self, connection: Any) -> None:
        limits = self._home.server.limits
        await connection.execute(f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;{limits}SAVEPOINT calve")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        connection = self.leave()
        if connection is not None:
            self._home.give_back(connection, "ROLLBACK")

    async def _failed(self, connection: Any, error: BaseException, sql: str) -> Any:
        failure = await super()._failed(connection, error, sql)
        if self._connection is connection and not self.over:
            try:
                await connection.execute("ROLLBACK TO SAVEPOINT calve")  # keeps the state that it sees
            except FOREIGN:
                self._lose(connection)
        return failure

    def _select(self, sql: str, into: Any, params: dict[str, Any], single: bool) -> Coroutine[Any, Any, list[Any]]:
        return self.call(sql, lambda connection, plan: select(connection, plan, params, into, single), params)


async def _execute(connection: Any, plan: Plan, params: dict[str, Any]) -> int:
    status: str = await connection.execute(plan.text, *plan.bind(params))
    return int(status.rpartition(" ")[2]) if status.startswith(_COUNTED) else 0


async def _execute_many(connection: Any, plan: Plan, rows: list[Mapping[str, Any]]) -> int:
    values = []
    for number, params in enumerate(rows, 1):
        try:
            values.append(plan.bind(params))
        except StatementError as error:
            raise StatementError(f"row {number}: {error}") from error
    if plan.counted is not None:
        return len(await connection.fetchmany(plan.counted, values))
    changed = 0
    for row in values:
        status: str = await connection.execute(plan.text, *row)
        changed += int(status.rpartition(" ")[2]) if status.startswith(_COUNTED) else 0
    return changed
