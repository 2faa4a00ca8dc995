"""The ports: what a service sees of its own database, and what an adapter implements.

    Store ──transaction()──> Transaction    reads and writes, all or nothing, durable once the block has ended
      ├────read()─────────> Reader          several reads of one state
      └────one(), all()                     a single read

SQL first. Parameters are named (`:owner`) and portable between the adapters, as are the types they may have:

    str int float bool None bytes           int within 64 bits, signed; no NaN
    UUID Decimal                            text. Keep a Decimal in a TEXT column where NUMERIC means a binary float
    Enum                                    its value
    datetime                                aware; stored in UTC so that text sorts by time
    date time                               ISO text

Rows come back as `Row` with what the database stores, or into a Struct, dataclass or TypedDict by column name (which
turns the text back into UUID, datetime, …), or, with one column, into a scalar type such as `int`.

The rules every adapter keeps (`calve.testing.store_suite` checks them):

- An acknowledged transaction, that is a block left without an exception, is durable, and every later read sees it.
- An exception that leaves the block rolls back, a cancellation too. A cancellation during the commit comes too late for
  that.
- A statement that fails or is cancelled ends the transaction: catching its error inside the block changes nothing, the
  block raises at its end.
- Statements of one transaction run one at a time, in the order they were started.
- Only await the transaction itself inside the block: everybody else who wants to write may be waiting for it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from .metrics import StoreMetrics
from .rows import Row

T = TypeVar("T")


class Reader(ABC):
    """Where rows can be read: a transaction, a snapshot, or the store itself."""

    @overload
    async def one(self, sql: str, /, **params: Any) -> Row | None: ...
    @overload
    async def one(self, sql: str, into: type[T], /, **params: Any) -> T | None: ...
    async def one(self, sql: str, into: Any = Row, /, **params: Any) -> Any:
        """Read at most one row; a statement that changes rows and ends in RETURNING counts too, in a transaction.

        Args:
            sql: One statement with parameters written `:name`.
            into: What a row becomes: `Row`, a Struct, dataclass, TypedDict, or a scalar type for a single column.
            params: One value for each parameter.
        Returns: the row, or None when there is none.
        Raises:
            StatementError: bad statement, parameters or `into`; or there is more than one row.
            ConstraintViolated, StoreBusy, StoreUnavailable: see `calve.store.errors`.
        """
        rows = await self._select(sql, into, params, True)
        return rows[0] if rows else None

    @overload
    async def all(self, sql: str, /, **params: Any) -> list[Row]: ...
    @overload
    async def all(self, sql: str, into: type[T], /, **params: Any) -> list[T]: ...
    async def all(self, sql: str, into: Any = Row, /, **params: Any) -> Any:
        """Read all rows, in the statement's order. Arguments and errors as for `one`; any number of rows is fine."""
        return await self._select(sql, into, params, False)

    @abstractmethod
    async def _select(self, sql: str, into: Any, params: dict[str, Any], single: bool) -> list[Any]:
        """For adapters: the rows, each made into `into`; more than one is a StatementError when `single`."""


class Transaction(Reader):
    """One unit of work: everything in it happens, or nothing."""

    @abstractmethod
    async def execute(self, sql: str, /, **params: Any) -> int:
        """Run one statement for its effect.

        Args: as for `one`.
        Returns: how many rows it inserted, updated or deleted; rows changed by its triggers do not count.
        Raises: as for `one`.
        """

    @abstractmethod
    async def execute_many(self, sql: str, rows: Iterable[Mapping[str, Any]], /) -> int:
        """Run one statement once for each mapping of parameters; cheaper than as many `execute`.

        Returns: the sum of the rows changed; no rows is fine and 0.
        """


class Store(Reader):
    """A service's own database. `one` and `all` read what was last committed, each statement for itself."""

    metrics: StoreMetrics

    @abstractmethod
    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """`async with store.transaction() as tx`: a unit of work that is durable once the block has ended.

        Raises:
            TransactionError: a statement failed and its error was caught inside the block, or the block took too long,
                or the task is in a transaction of this store already.
            StoreBusy: another process holds the database.
            StoreUnavailable: the store is closed, or the commit failed; nothing of the transaction is kept.
        """

    @abstractmethod
    def read(self) -> AbstractAsyncContextManager[Reader]:
        """`async with store.read() as reader`: all reads of the block see the state as of its first one."""

    @abstractmethod
    async def close(self, grace_seconds: float = 10.0) -> None:
        """Refuse new work, wait for transactions in progress, roll back those that take longer, let go of the database.

        No-op when closed already. Afterwards everything raises StoreUnavailable.
        """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()
