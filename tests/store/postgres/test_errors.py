"""asyncpg's exceptions stay inside: each has a translation, whatever raises it."""

from __future__ import annotations

import asyncio
import ssl

import asyncpg
import pytest

from calve.core.errors import StoreError
from calve.store import ConstraintViolated, StatementError, StoreBusy, StoreConflict, StoreUnavailable
from calve.store.postgres.errors import FOREIGN, is_lost, translate

ASYNCPG = [
    kind
    for name in dir(asyncpg.exceptions)
    if isinstance(kind := getattr(asyncpg.exceptions, name), type)
    and issubclass(kind, Exception)
    and kind.__module__.startswith("asyncpg")
]


def test_asyncpg_has_exceptions_at_all() -> None:
    assert len(ASYNCPG) > 200


@pytest.mark.parametrize("kind", ASYNCPG, ids=lambda kind: kind.__name__)
def test_each_exception_has_its_translation(kind: type[Exception]) -> None:
    if issubclass(kind, Warning):
        return
    assert issubclass(kind, FOREIGN)
    error = translate(kind("it broke"), "SELECT 1")
    assert isinstance(error, StoreError)
    assert not isinstance(error, FOREIGN)
    assert "it broke" in str(error) or isinstance(error, StoreConflict)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (asyncpg.SerializationError, StoreConflict),
        (asyncpg.DeadlockDetectedError, StoreConflict),
        (asyncpg.InvalidCachedStatementError, StoreConflict),
        (asyncpg.LockNotAvailableError, StoreBusy),
        (asyncpg.QueryCanceledError, StoreBusy),
        (asyncpg.TooManyConnectionsError, StoreBusy),
        (asyncpg.UniqueViolationError, ConstraintViolated),
        (asyncpg.ExclusionViolationError, ConstraintViolated),
        (asyncpg.RaiseError, ConstraintViolated),
        (asyncpg.PostgresSyntaxError, StatementError),
        (asyncpg.UndefinedTableError, StatementError),
        (asyncpg.InsufficientPrivilegeError, StatementError),
        (asyncpg.DivisionByZeroError, StatementError),
        (asyncpg.DataError, StatementError),
        (asyncpg.DiskFullError, StoreUnavailable),
        (asyncpg.OutOfMemoryError, StoreUnavailable),
        (asyncpg.AdminShutdownError, StoreUnavailable),
        (asyncpg.CannotConnectNowError, StoreUnavailable),
        (asyncpg.ReadOnlySQLTransactionError, StoreUnavailable),
        (asyncpg.IdleInTransactionSessionTimeoutError, StoreUnavailable),
        (asyncpg.ConnectionDoesNotExistError, StoreUnavailable),
        (asyncpg.InterfaceError, StoreUnavailable),
        (asyncpg.PostgresIOError, StoreUnavailable),
        (ConnectionRefusedError, StoreUnavailable),
        (TimeoutError, StoreUnavailable),
        (ssl.SSLError, StoreUnavailable),
    ],
)
def test_by_what_the_caller_would_do(kind: type[Exception], expected: type[StoreError]) -> None:
    assert type(translate(kind("it broke"), "SELECT 1")) is expected


def test_a_write_where_only_reads_are_allowed() -> None:
    error = asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction")
    assert "may not write" in str(translate(error, "INSERT", reading=True))
    assert "is it a standby" in str(translate(error, "INSERT"))


def test_a_state_that_nobody_knows_means_unavailable() -> None:
    assert type(translate(asyncpg.exceptions.UnknownPostgresError("?"), "SELECT 1")) is StoreUnavailable


def test_a_full_disk_says_what_to_do() -> None:
    assert "free space" in str(translate(asyncpg.DiskFullError("no space left"), "COMMIT"))


def test_a_syntax_error_names_its_line() -> None:
    error = asyncpg.PostgresSyntaxError('syntax error at or near "WHER"')
    error.position = "16"
    assert "at line 2" in str(translate(error, "SELECT 1\nFROM t WHER 1"))
    assert "at line" not in str(translate(error, "SELECT 1 FROM t WHER 1"))


def test_a_constraint_is_named() -> None:
    error = asyncpg.UniqueViolationError("duplicate key")
    error.constraint_name = "account_pkey"
    translated = translate(error, "INSERT")
    assert isinstance(translated, ConstraintViolated)
    assert (translated.kind, translated.constraint) == ("unique", "account_pkey")
    missing = asyncpg.NotNullViolationError("null value")
    missing.table_name, missing.column_name = "account", "cents"
    translated = translate(missing, "INSERT")
    assert isinstance(translated, ConstraintViolated)
    assert (translated.kind, translated.constraint) == ("not_null", "account.cents")


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (asyncpg.ConnectionDoesNotExistError("closed"), True),
        (asyncpg.AdminShutdownError("shut down"), True),
        (asyncpg.CrashShutdownError("crash"), True),
        (asyncpg.IdleInTransactionSessionTimeoutError("idle"), True),
        (asyncpg.InterfaceError("connection is closed"), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (asyncpg.SerializationError("collided"), False),
        (asyncpg.QueryCanceledError("cancelled"), False),
        (asyncpg.UniqueViolationError("twice"), False),
        (asyncio.CancelledError(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_after_which_errors_the_connection_is_gone(error: BaseException, lost: bool) -> None:
    assert is_lost(error) is lost
