"""What can go wrong in a store, told apart by what the caller would do about it.

    StoreError                     (calve.core.errors)
    ├── ConstraintViolated         the data breaks a rule of the schema; answer it, or raise a domain error
    ├── StatementError             the statement, its parameters or the type of its rows are wrong; fix the code
    ├── TransactionError           the block was misused, failed before, or held the store for too long
    ├── StoreBusy                  somebody outside holds the database; the same transaction may succeed later
    └── StoreUnavailable           disk full, I/O error, damaged file, closed store; somebody has to look
    SchemaError                    (a ConfigError) the schema files and the database do not fit; found at start

After any of them the transaction had no effect.
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

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, kind: ConstraintKind = "other", constraint: str | None = None) -> None:
        super().__init__(message)
        self.kind, self.constraint = kind, constraint


class StatementError(StoreError):
    """A statement cannot be run as written: its syntax, a table, a parameter, or rows that do not fit `into`."""

    retryable: ClassVar[bool] = False


class TransactionError(StoreError):
    """A transaction cannot go on: it is nested, has ended, has failed before, or took too long and was rolled back."""

    retryable: ClassVar[bool] = False


class StoreBusy(StoreError):
    """Another process held the database for longer than the store waits; the same transaction may succeed later."""

    retryable: ClassVar[bool] = True


class StoreUnavailable(StoreError):
    """The database cannot be used right now: disk full, I/O error, damaged file, or the store is closed."""

    retryable: ClassVar[bool] = True


class SchemaError(ConfigError):
    """The schema files are not in order, or the database was made by others."""
