"""Idempotency marks in a service's database: placed in the transaction of the command's effect, read when it is there.

    calve_idempotency
    scope | key | fingerprint | owner | answer | error | due_ms | expires_ms          primary key (scope, key)

    before the command runs: FIND ── there already ──> the stored answer

    store.transaction() in a command with a key, the first one
      enter    begin, INSERT the mark ── done ──> the author's statements
                     └── there by now (two at once) ──> roll back, raise Repeated (the handler is unwound)
      leave    commit: mark and effect together; or roll back: neither

What every adapter does (`calve.testing.store_suite` checks it): make the table when it opens, with `TABLE` or its own
types; write `_transaction`. The statements here are portable. An adapter may do `place` in fewer round trips by
overriding `Store._place`. Where several processes share the database, an insert may have to wait for the end of another
transaction that has the same key; that wait has to end when the task is cancelled.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Protocol, TypeVar

from ..core.crash import crash_point
from ..core.errors import StoreError
from ..core.idempotency import Mark, MarkState, StoredMark

TABLE = """CREATE TABLE IF NOT EXISTS calve_idempotency (
    scope TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, owner TEXT NOT NULL, answer {bytes}, error TEXT,
    due_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL, PRIMARY KEY (scope, key)
)"""
INDEX = "CREATE INDEX IF NOT EXISTS calve_idempotency_expires ON calve_idempotency (expires_ms)"

PLACE = """INSERT INTO calve_idempotency (scope, key, fingerprint, owner, answer, error, due_ms, expires_ms)
VALUES (:scope, :key, :fingerprint, :owner, :answer, NULL, :due_ms, :expires_ms)
ON CONFLICT (scope, key) DO UPDATE SET fingerprint = excluded.fingerprint, owner = excluded.owner,
    answer = excluded.answer, error = NULL, due_ms = excluded.due_ms, expires_ms = excluded.expires_ms
WHERE calve_idempotency.expires_ms <= :now_ms"""
"""Changes one row, or none when there is a mark that has not expired."""

FIND = """SELECT fingerprint, owner, due_ms, answer, error FROM calve_idempotency
WHERE scope = :scope AND key = :key AND expires_ms > :now_ms"""

ANSWER = """UPDATE calve_idempotency SET answer = :answer, error = :error, due_ms = 0
WHERE scope = :scope AND key = :key AND owner = :owner"""

PRUNE = """DELETE FROM calve_idempotency WHERE (scope, key) IN (
    SELECT scope, key FROM calve_idempotency WHERE expires_ms <= :now_ms ORDER BY expires_ms LIMIT :most)"""

EXPIRED = "SELECT 1 FROM calve_idempotency WHERE expires_ms <= :now_ms LIMIT 1"

_ATTEMPTS = 3


class Reads(Protocol):
    """What is needed of a reader (`calve.store.base` has it whole; that module builds on this one)."""

    async def one(self, sql: str, into: type[Any], /, **params: Any) -> Any:
        """See `Reader.one`."""
        ...


class Statements(Reads, Protocol):
    """What is needed of a transaction."""

    async def execute(self, sql: str, /, **params: Any) -> int:
        """See `Transaction.execute`."""
        ...


Tx = TypeVar("Tx", bound=Statements)


class MarkedTransaction(AbstractAsyncContextManager[Tx]):
    """A transaction block of a command with a key; the first to begin has the mark.

    Args:
        block: The adapter's.
        mark: Of the command.
        place: Places it.
    """

    __slots__ = ("_block", "_carries", "_mark", "_place")

    def __init__(self, block: AbstractAsyncContextManager[Tx], mark: Mark, place: Any) -> None:
        self._block, self._mark, self._place, self._carries = block, mark, place, False

    async def __aenter__(self) -> Tx:
        mark = self._mark
        if mark.stored is not None:
            raise mark.repeated(mark.stored)  # somebody caught it the first time, and goes on
        tx = await self._block.__aenter__()
        if mark.state is not MarkState.NEW:
            return tx  # another one was faster, while this one waited for its turn
        self._carries = True
        mark.placed(tx)
        crash_point("command.before_mark")
        try:
            await self._place(tx, mark)
        except BaseException as error:
            if mark.stored is None:
                mark.rolled_back()
            await self._block.__aexit__(type(error), error, error.__traceback__)
            raise
        return tx

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> bool | None:
        mark = self._mark
        if not self._carries:
            return await self._block.__aexit__(kind, error, tb)
        if error is not None:
            mark.rolled_back()
            return await self._block.__aexit__(kind, error, tb)
        crash_point("command.before_commit")
        mark.committing()
        try:
            await self._block.__aexit__(None, None, None)
        except StoreError as failed:
            if not failed.may_have_committed:
                mark.rolled_back()
            raise
        mark.state = MarkState.KEPT
        return None


async def place(tx: Statements, mark: Mark) -> None:
    """Write a mark.

    Raises: Repeated: there is one already; it is in `mark.stored`.
    """
    for _ in range(_ATTEMPTS):
        if await tx.execute(
            PLACE,
            scope=mark.scope,
            key=mark.key,
            fingerprint=mark.fingerprint,
            owner=mark.owner,
            answer=mark.answer,
            due_ms=mark.due_ms,
            expires_ms=mark.expires_ms,
            now_ms=mark.now_ms,
        ):
            return
        stored = await find(tx, mark)
        if stored is not None:
            raise mark.repeated(stored)
    raise StoreError(f"the mark of {mark.scope} under key {mark.key} came and went {_ATTEMPTS} times")


async def find(reader: Reads, mark: Mark) -> StoredMark | None:
    """The mark that another run has left under the same scope and key, unless it has expired."""
    found: StoredMark | None = await reader.one(FIND, StoredMark, scope=mark.scope, key=mark.key, now_ms=mark.now_ms)
    return found


async def write_answer(tx: Statements, mark: Mark, answer: bytes | None, error: str | None) -> None:
    """Write the answer beside the mark that this process placed, and that its run is over; a no-op when it has gone.

    Args:
        answer: Encoded answer, or the encoded fields of the domain error; None when there will be none.
        error: Class of the domain error.
    """
    await tx.execute(ANSWER, scope=mark.scope, key=mark.key, owner=mark.owner, answer=answer, error=error)


async def prune(tx: Statements, now_ms: int, most: int) -> int:
    """Delete up to `most` expired marks, those that expired first; returns how many."""
    return await tx.execute(PRUNE, now_ms=now_ms, most=most)
