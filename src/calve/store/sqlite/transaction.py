"""The transaction block: what `async with store.transaction() as tx` gives."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Mapping
from types import TracebackType
from typing import Any

from ...core.crash import crash_point
from ..base import Transaction
from ..errors import TransactionError
from ..log import Log
from .log import APPEND
from .writer import Turn, Writer

MANY = 32
"""`execute_many` with more rows than this goes to a thread at once."""


class SqliteTransaction(Transaction):
    """One transaction, once: entered, used and left. Its fate is decided by `Writer`."""

    __slots__ = ("_entries", "_log", "_turn", "_writer")
    _turn: Turn

    def __init__(self, writer: Writer, log: Log) -> None:
        self._writer, self._log = writer, log
        self._entries = []

    async def __aenter__(self) -> SqliteTransaction:
        if hasattr(self, "_turn"):
            raise TransactionError("a transaction is entered once; ask the store for another one")
        self._turn = self._writer.turn()
        entering = self._writer.enter(self._turn)
        if entering is not None:
            await entering
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        turn, writer = self._turn, self._writer
        if error is not None:
            acknowledged = writer.roll_back(turn, isinstance(error, Exception))
        else:
            if turn.running:
                await self._settle()
            if turn.over:
                raise turn.reason or TransactionError("the transaction has ended before")
            if turn.failure is not None:
                writer.roll_back(turn)
                raise TransactionError(
                    f"rolled back: a statement failed, and its error was caught inside the block: {turn.failure}"
                ) from turn.failure
            if self._entries:
                await self._append()
            acknowledged = writer.release(turn)
        try:
            if acknowledged is not None:
                await acknowledged
        finally:
            if self._entries:
                self._log.wake()  # a cancellation comes too late for the commit

    async def _append(self) -> None:
        try:
            crash_point("publish.before_append")
            turn, entries = self._turn, self._entries
            await turn.call(APPEND, turn.connection.append, entries, many=len(entries) > MANY)
            crash_point("publish.before_commit")
        except BaseException:
            self._writer.roll_back(self._turn)
            raise

    async def _settle(self) -> None:
        try:
            await self._turn.settle()
        except BaseException:
            self._writer.roll_back(self._turn)
            raise

    def _select(self, sql: str, into: Any, params: dict[str, Any], single: bool) -> Coroutine[Any, Any, list[Any]]:
        turn = self._usable()
        return turn.call(sql, turn.connection.select, params, into, single)

    def execute(self, sql: str, /, **params: Any) -> Coroutine[Any, Any, int]:
        turn = self._usable()
        return turn.call(sql, turn.connection.execute, params)

    def execute_many(self, sql: str, rows: Iterable[Mapping[str, Any]], /) -> Coroutine[Any, Any, int]:
        turn, listed = self._usable(), list(rows)
        return turn.call(sql, turn.connection.execute_many, listed, many=len(listed) > MANY)

    async def _set_savepoint(self, name: str) -> None:
        turn = self._usable()
        await turn.settle()
        turn.connection.command(f"SAVEPOINT {name}")

    async def _end_savepoint(self, name: str, error: BaseException | None) -> None:
        turn = self._turn
        if error is not None and not isinstance(error, Exception):
            return
        await turn.settle()
        if turn.over or not turn.connection.in_transaction:
            return
        if error is None:
            self._usable()
        else:
            turn.connection.command(f"ROLLBACK TO {name}")
            turn.failure = None
        turn.connection.command(f"RELEASE {name}")

    def _usable(self) -> Turn:
        turn = self._turn
        if turn.failure is not None:
            raise TransactionError(f"an earlier statement of this transaction failed: {turn.failure}") from turn.failure
        return turn
