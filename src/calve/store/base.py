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
- Transactions have the effect they would have had one after another, whoever else uses the database: what was read in
  one is still true when it commits. On a database that several processes share, one that cannot keep this raises
  StoreConflict; within an operation, the operation is then run again (`again.py`).
- In a command with an idempotency key, the first transaction carries the command's mark; see `marks.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar, overload

from ..contract import Event
from ..core.context import _current
from ..core.idempotency import Mark, MarkState, StoredMark
from .again import run_again
from .log.base import Log
from .log.outlet import Entry, Key
from .marks import EXPIRED, MarkedTransaction, find, place, prune, write_answer
from .metrics import StoreMetrics
from .rows import Row
from .schema import Dialect

T = TypeVar("T")
_MARKED = (MarkState.PLACED, MarkState.COMMITTING, MarkState.KEPT, MarkState.OVER)


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

    _log: Log
    _entries: list[Entry]
    """Events published so far; for adapters, which append them to the log as the last thing before the commit."""

    def publish(self, event: Event, *, key: Key | None = None) -> None:
        """Publish an event if, and only if, this transaction commits.

        Args:
            event: One that the service's contract promises (`publishes=[…]`).
            key: What it is about, such as the id of a wallet: events of one key reach every consumer in the order in
                which they were published. None for an event that has no order with any other.
        Raises: ConfigError, InvalidArgument: see `Outlet.entry`; the transaction can go on.
        """
        self._entries.append(self._log.entry(event, key))

    def savepoint(self) -> Savepoint:
        """`async with tx.savepoint():` what happens inside can fail without the rest of the transaction.

        An exception that leaves the block takes back what the block did, its events too, and goes on; whoever catches
        it outside of the block can go on using the transaction. Not so after a cancellation, a collision, or an error
        after which the database has given up the whole transaction.
        """
        return Savepoint(self)

    @abstractmethod
    async def _set_savepoint(self, name: str) -> None:
        """For adapters: begin a savepoint."""

    @abstractmethod
    async def _end_savepoint(self, name: str, error: BaseException | None) -> None:
        """For adapters: keep what happened since, or take it back if there was an error and that is possible."""

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

    async def answer(self, value: T) -> T:
        """Keep the command's answer together with what this transaction does, and return it.

            async with self._store.transaction() as tx:
                ...
                return await tx.answer(Balance(owner=owner, cents=left))

        A repeat under the same idempotency key gets this answer even if the process dies right after the commit, and
        the answer needs no commit of its own. A no-op in a call without a key, and in any but its first transaction.

        Raises: InvalidArgument: it cannot be encoded.
        """
        call = _current.get()
        if call is not None and (mark := call.mark) is not None and mark.transaction is self:
            await write_answer(self, mark, mark.encode(value), None)
            mark.answered = value
        return value


class Savepoint:
    """The block of `Transaction.savepoint`. They may be inside of each other."""

    __slots__ = ("_entries", "_name", "_tx")

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._name, self._entries = "", 0

    async def __aenter__(self) -> None:
        self._entries = len(self._tx._entries)
        self._name = f"calve_{id(self):x}"
        await self._tx._set_savepoint(self._name)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        if error is not None:
            del self._tx._entries[self._entries :]
        await self._tx._end_savepoint(self._name, error)


class Store(Reader):
    """A service's own database. `one` and `all` read what was last committed, each statement for itself."""

    metrics: StoreMetrics
    log: Log
    """The events that its service has published."""
    dialect: ClassVar[Dialect]
    """Which SQL it speaks, for the statements that differ; as in the names of schema files."""
    exclusive: ClassVar[bool] = False
    """Whether nobody else can have the database open, so that what an earlier process began is certainly over."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """`async with store.transaction() as tx`: a unit of work that is durable once the block has ended.

        In a command with an idempotency key, the first one carries its mark; if the command ran before, the block is
        not entered, and the caller gets the answer of then.

        Raises:
            TransactionError: a statement failed and its error was caught inside the block, or the block took too long,
                or the task is in a transaction of this store already.
            StoreBusy: another process holds the database.
            StoreConflict: it collided with another one; the operation's call is run again by itself.
            CommitUnknown: the connection was lost during the commit.
            StoreUnavailable: the store is closed, or the commit failed; nothing of the transaction is kept.
        """
        call = _current.get()
        if call is None or (mark := call.mark) is None or mark.state in _MARKED:
            return self._transaction()
        return MarkedTransaction(self._transaction(), mark, self._place)

    async def transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `await work(tx)` in a transaction, and again when that collides with another one; returns its result.

        For code outside of operations (a background task, somebody else's web framework) on a database that several
        processes share: there, a bare `transaction()` is never run again and so has to have the store for itself.

        Raises: as `transaction`, and what `work` raises.
        """

        async def once() -> T:
            async with self.transaction() as tx:
                return await work(tx)

        return await run_again(once)

    @abstractmethod
    def _transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """For adapters: the block of `transaction`, without anybody's mark."""

    async def _place(self, tx: Transaction, mark: Mark) -> None:
        """For adapters that need fewer round trips: write the mark into `calve_idempotency`, see `marks.place`.

        Raises: Repeated: there is one, which has not expired; it is in `mark.stored`.
        """
        await place(tx, mark)

    async def find_mark(self, mark: Mark) -> StoredMark | None:
        """What an earlier run of the command has left under the key of `mark`; None if nothing, or it has expired."""
        return await find(self, mark)

    async def keep_answer(self, mark: Mark, answer: bytes | None, error: str | None = None) -> None:
        """Write the answer of a command beside its mark, durably.

        Args:
            answer: Encoded; the fields of the error if it is one; None for a run that will give no answer.
            error: Class of the domain error.
        Raises: StoreError: it was not written.
        """
        async with self._transaction() as tx:
            await write_answer(tx, mark, answer, error)

    async def prune_marks(self, now_ms: int, most: int) -> int:
        """Delete up to `most` marks that had expired by `now_ms` (since 1970), the oldest first; returns how many."""
        if await self.one(EXPIRED, int, now_ms=now_ms) is None:
            return 0  # as nearly always; whoever writes need not wait for that
        async with self._transaction() as tx:
            return await prune(tx, now_ms, most)

    async def take_lease(self, name: str, owner: str, seconds: float) -> bool:
        """Take or prolong a lease, on the database's clock; whether `owner` has it now.

        It only saves processes that share a database from doing the same work; what they do has to be right without
        it, because a process may sleep through the end of its lease. On a database of one process always True.
        """
        return True

    async def drop_lease(self, name: str, owner: str) -> None:
        """Give a lease back, so that others need not wait for its end. No-op for somebody else's."""

    @abstractmethod
    def read(self) -> AbstractAsyncContextManager[Reader]:
        """`async with store.read() as reader`: all reads of the block see the state as of its first one."""

    @abstractmethod
    async def close(self, grace_seconds: float = 10.0) -> None:
        """Refuse new work, wait for transactions in progress, roll back those that take longer, let go of the database.

        No-op when closed already. Afterwards everything raises StoreUnavailable.
        """

    def forked(self) -> None:
        """In a process forked from this one: let go without a word to the database, which stays the parent's."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()
