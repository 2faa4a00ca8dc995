"""asyncpg's exceptions, each translated into one of ours; none crosses the border of this package.

By SQLSTATE, longest match first: its class (the first two characters) tells the sort, some codes tell more.
"""

from __future__ import annotations

import asyncpg

from ...core.errors import StoreError
from ..errors import (
    ConstraintKind,
    ConstraintViolated,
    StatementError,
    StoreBusy,
    StoreConflict,
    StoreUnavailable,
)
from ..statement import shorten

FOREIGN = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What asyncpg raises. A TimeoutError is also an OSError, but asyncpg's own is listed to be seen."""

KINDS: dict[str, type[StoreError]] = {
    "0A": StatementError,  # feature not supported
    "20": StatementError,
    "21": StatementError,
    "22": StatementError,
    "23": ConstraintViolated,
    "24": StatementError,
    "25": StatementError,
    "25006": StoreUnavailable,  # a write to a standby
    "25P02": StatementError,
    "25P03": StoreUnavailable,  # the server ended an idle transaction, and the connection with it
    "25P04": StoreUnavailable,
    "26": StoreUnavailable,  # a prepared statement that the server does not know: a pooler between us
    "27": StatementError,
    "2B": StatementError,
    "2F": StatementError,
    "34": StatementError,
    "38": StatementError,
    "39": StatementError,
    "3B": StatementError,
    "3D": StoreUnavailable,
    "3F": StatementError,
    "40": StoreConflict,
    "40002": ConstraintViolated,
    "42": StatementError,
    "44": ConstraintViolated,
    "53300": StoreBusy,  # too many connections
    "54": StatementError,
    "55": StatementError,
    "55006": StoreBusy,
    "55P03": StoreBusy,
    "57014": StoreBusy,  # a statement took longer than allowed
    "P0": StatementError,
    "P0001": ConstraintViolated,  # RAISE in a trigger or function
}
"""SQLSTATE or its class -> ours; anything else means that the database cannot be used."""

LOST = ("08", "57P", "25P03", "25P04")
"""Beginnings of SQLSTATEs after which the connection is gone."""

_CONSTRAINTS: dict[str, ConstraintKind] = {
    "23505": "unique",
    "23503": "foreign_key",
    "23502": "not_null",
    "23514": "check",
}
_FIX = {
    "53100": "free space on the server's disk",
    "53200": "the server is out of memory",
    "57P03": "the server is starting or stopping; try again",
    "25006": "the server takes no writes; is it a standby?",
    "42501": "grant it to the role, or run `calve store create` again",
}


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone, so that nobody knows what became of the last request."""
    if isinstance(error, asyncpg.PostgresError):
        state = getattr(error, "sqlstate", None) or ""
        return state.startswith(LOST) or isinstance(error, asyncpg.ConnectionDoesNotExistError)
    return isinstance(error, OSError | TimeoutError | asyncpg.InterfaceError | asyncpg.InternalClientError)


def translate(error: BaseException, sql: str, *, reading: bool = False) -> StoreError:
    """Our error for an exception of asyncpg.

    Args:
        error: One of `FOREIGN`.
        sql: The statement, for the message.
        reading: Whether the transaction was one that may only read.
    """
    statement = shorten(sql)
    if isinstance(error, asyncpg.InvalidCachedStatementError):
        return StoreConflict(f"the schema has changed meanwhile; run again: {statement!r}")
    if not isinstance(error, asyncpg.PostgresError):
        return StoreUnavailable(f"the connection to the server was lost: {reason(error)} (in {statement!r})")
    state = getattr(error, "sqlstate", None) or ""
    kind = KINDS.get(state) or KINDS.get(state[:2]) or StoreUnavailable
    message = reason(error)
    if kind is ConstraintViolated:
        return ConstraintViolated(f"{message} in {statement!r}", _CONSTRAINTS.get(state, "other"), _constraint(error))
    if state == "25006" and reading:
        return StatementError(f"a read may not write; use store.transaction() for {statement!r}")
    if kind is StatementError:
        fix = f"; {_FIX[state]}" if state in _FIX else ""
        return StatementError(f"{message}{_near(error, sql)} in {statement!r}{fix}")
    if kind is StoreConflict:
        return StoreConflict(f"{message}; the transaction was rolled back and can be run again")
    if kind is StoreBusy:
        return StoreBusy(f"{message}; try again later")
    fix = f"; {_FIX[state]}" if state in _FIX else ""
    return StoreUnavailable(f"the database cannot be used: {message} (in {statement!r}){fix}")


def reason(error: BaseException) -> str:
    """What an exception says, in one line, or what it is called."""
    return " ".join(str(error).split()) or type(error).__name__


def _constraint(error: asyncpg.PostgresError) -> str | None:
    name: str | None = getattr(error, "constraint_name", None)
    table, column = getattr(error, "table_name", None), getattr(error, "column_name", None)
    return name or (f"{table}.{column}" if column else None)


def _near(error: asyncpg.PostgresError, sql: str) -> str:
    position = getattr(error, "position", None)
    if position is None or "\n" not in sql.strip():
        return ""
    return f" at line {sql.count(chr(10), 0, int(position) - 1) + 1}"
