"""What can go wrong in a store, told apart by what the caller would do about it.

    StoreError                     (calve.core.errors)
    ├── ConstraintViolated         the data breaks a rule of the schema; answer it, or raise a domain error
    ├── StatementError             the statement, its parameters or the type of its rows are wrong; fix the code
    ├── TransactionError           the block was misused, failed before, or held the store for too long
    ├── StoreBusy                  somebody outside holds the database; the same transaction may succeed later
    ├── StoreConflict              it collided with another transaction; run it again (an operation's call is)
    ├── CommitUnknown              the connection was lost during the commit: it had its effect, or none
    └── StoreUnavailable           disk full, I/O error, damaged file, closed store; somebody has to look
    SchemaError                    (a ConfigError) the schema files and the database do not fit; found at start

After any of them but CommitUnknown the transaction had no effect.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from ..core.errors import ConfigError, StoreError

ConstraintKind = Literal["unique", "foreign_key", "not_null", "check", "other"]


class ConstraintViolated(StoreError):
    """A row breaks a rule of the schema.

    Attributes:
        kind: Which sort of rule; a primary key counts as unique, a wrong type in a strict table and a trigger as other.
        constraint: What the database calls the rule: `table.column` (or several, comma-separated), the name or the
            expression of a CHECK; None for foreign keys, which SQLite does not name.
    """

    def __init__(self, message: str, kind: ConstraintKind = "other", constraint: str | None = None) -> None:
        super().__init__(message)
        self.kind, self.constraint = kind, constraint


class StatementError(StoreError):
    """A statement cannot be run as written: its syntax, a table, a parameter, or rows that do not fit `into`."""


class TransactionError(StoreError):
    """A transaction cannot go on: it is nested, has ended, has failed before, or took too long and was rolled back."""


class StoreBusy(StoreError):
    """Another process held the database for longer than the store waits; the same transaction may succeed later."""

    retryable: ClassVar[bool] = True


class StoreConflict(StoreError):
    """The transaction could not have run before or after all others (a lost update, a deadlock), and was rolled back.

    Within an operation nobody needs to catch it: the operation runs again. `Store.transact` does the same for other
    code.
    """

    retryable: ClassVar[bool] = True


class CommitUnknown(StoreError):
    """The connection to the server was lost between sending COMMIT and its answer.

    The transaction had its effect whole, or none of it. Repeat it only if that is harmless, as a command with an
    idempotency key is, or read first what is there.
    """

    may_have_committed: ClassVar[bool] = True


class StoreUnavailable(StoreError):
    """The database cannot be used right now: disk full, I/O error, damaged file, or the store is closed."""

    retryable: ClassVar[bool] = True


class SchemaError(ConfigError):
    """The schema files are not in order, or the database was made by others."""
