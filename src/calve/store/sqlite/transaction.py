"""The transaction block: what `async with store.transaction() as tx` gives."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from types import TracebackType
from typing import Any, TypeVar

from ...core.errors import StoreError
from ..base import Transaction
from ..errors import TransactionError
from .plan import Plan
from .writer import Turn, Writer

R = TypeVar("R")

MANY = 32
"""`execute_many` with more rows than this goes to a thread at once."""


class SqliteTransaction(Transaction):
    """One transaction, once: entered, used and left. Its fate is decided by `Writer`."""

    __slots__ = ("_failure", "_plans", "_turn", "_writer")
    _turn: Turn

    def __init__(self, writer: Writer, plans: Callable[[str], Plan]) -> None:
        self._writer, self._plans = writer, plans
        self._failure: StoreError | None = None

    async def __aenter__(self) -> SqliteTransaction:
        if hasattr(self, "_turn"):
            raise TransactionError("a transaction is entered once; ask the store for another one")
        self._turn = self._writer.turn()
        await self._writer.enter(self._turn)
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
            if self._failure is not None:
                writer.roll_back(turn)
                raise TransactionError(
                    f"rolled back: a statement failed, and its error was caught inside the block: {self._failure}"
                ) from self._failure
            acknowledged = writer.release(turn)
        if acknowledged is not None:
            await acknowledged

    async def _settle(self) -> None:
        try:
            await self._turn.settle()
        except BaseException:
            self._writer.roll_back(self._turn)
            raise

    def _select(self, sql: str, into: Any, params: dict[str, Any], single: bool) -> Coroutine[Any, Any, list[Any]]:
        return self._run(sql, self._turn.connection.select, params, into, single)

    def execute(self, sql: str, /, **params: Any) -> Coroutine[Any, Any, int]:
        return self._run(sql, self._turn.connection.execute, params)

    def execute_many(self, sql: str, rows: Iterable[Mapping[str, Any]], /) -> Coroutine[Any, Any, int]:
        listed = list(rows)
        return self._run(sql, self._turn.connection.execute_many, listed, many=len(listed) > MANY)

    async def _run(self, sql: str, work: Callable[..., R], *args: Any, many: bool = False) -> R:
        turn = self._turn
        if self._failure is not None:
            raise TransactionError(
                f"an earlier statement of this transaction failed: {self._failure}"
            ) from self._failure
        turn.touched = True
        try:
            return await turn.call(self._plans(sql), work, *args, many=many)
        except StoreError as error:
            self._failure = error
            self._writer.check_batch()
            raise
