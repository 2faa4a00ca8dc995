"""apsw's exceptions, each translated into one of ours; none crosses the border of this package."""

from __future__ import annotations

import re

import apsw

from ...core.errors import StoreError
from ..errors import ConstraintKind, ConstraintViolated, StatementError, StoreBusy, StoreUnavailable
from ..statement import shorten

_STATEMENT = (
    "AuthError",
    "BindingsError",
    "EmptyError",
    "ExecTraceAbort",
    "ExecutionCompleteError",
    "ExtensionLoadingError",
    "FormatError",
    "IncompleteExecutionError",
    "MismatchError",
    "NoFTS5Error",
    "NotFoundError",
    "RangeError",
    "SchemaChangeError",
    "SQLError",
    "TooBigError",
)
_BUSY = ("BusyError", "LockedError")
_UNAVAILABLE = (
    "AbortError",
    "CantOpenError",
    "ConnectionClosedError",
    "ConnectionNotClosedError",
    "CorruptError",
    "CursorClosedError",
    "Error",
    "ForkingViolationError",
    "FullError",
    "InternalError",
    "InterruptError",
    "InvalidContextError",
    "IOError",
    "MisuseError",
    "NoLFSError",
    "NoMemError",
    "NotADBError",
    "PermissionsError",
    "ProtocolError",
    "ReadOnlyError",
    "ThreadingViolationError",
    "VFSFileClosedError",
    "VFSNotImplementedError",
)
KINDS: dict[str, type[StoreError]] = {
    "ConstraintError": ConstraintViolated,
    **dict.fromkeys(_STATEMENT, StatementError),
    **dict.fromkeys(_BUSY, StoreBusy),
    **dict.fromkeys(_UNAVAILABLE, StoreUnavailable),
}
"""Name of apsw's class -> ours. By name, so that an older or newer apsw without one of them still imports."""

_CONSTRAINTS: dict[int, ConstraintKind] = {
    apsw.SQLITE_CONSTRAINT_UNIQUE: "unique",
    apsw.SQLITE_CONSTRAINT_PRIMARYKEY: "unique",
    apsw.SQLITE_CONSTRAINT_ROWID: "unique",
    apsw.SQLITE_CONSTRAINT_FOREIGNKEY: "foreign_key",
    apsw.SQLITE_CONSTRAINT_NOTNULL: "not_null",
    apsw.SQLITE_CONSTRAINT_CHECK: "check",
}
_FAILED = re.compile(r"constraint failed: (?P<name>.*)", re.DOTALL)
_FIX = {
    apsw.SQLITE_FULL: "free space on the disk",
    apsw.SQLITE_CORRUPT: "restore a backup, or rescue what is left with the `.recover` command of the sqlite3 shell",
    apsw.SQLITE_NOTADB: "restore a backup",
}


def translate(error: Exception, sql: str) -> StoreError:
    """Our error for an exception of apsw.

    Args:
        error: An `apsw.Error`, or a MemoryError raised inside apsw.
        sql: The statement, for the message.
    """
    kind = KINDS.get(type(error).__name__, StoreUnavailable)
    statement = shorten(sql)
    if kind is ConstraintViolated:
        return _constraint(error, statement)
    if kind is StatementError:
        return StatementError(f"{error}{_near(error, sql)} in {statement!r}")
    if kind is StoreBusy:
        return StoreBusy(f"another process holds the database ({error}); try again later")
    code = getattr(error, "result", None)
    fix = f"; {_FIX[code]}" if code in _FIX else ""
    detail = str(error) or type(error).__name__
    return StoreUnavailable(f"the database cannot be used: {detail} (in {statement!r}){fix}")


def _constraint(error: Exception, statement: str) -> ConstraintViolated:
    kind = _CONSTRAINTS.get(getattr(error, "extendedresult", 0), "other")
    match = _FAILED.search(str(error))
    return ConstraintViolated(f"{error} in {statement!r}", kind, match["name"] if match else None)


def _near(error: Exception, sql: str) -> str:
    offset = getattr(error, "error_offset", -1)
    if offset < 0 or "\n" not in sql.strip():
        return ""
    before = sql.encode()[:offset].decode(errors="replace")
    return f" at line {before.count(chr(10)) + 1}"
