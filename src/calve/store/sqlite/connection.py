"""One connection to the database file: the only place that talks to apsw.

Used by one thread at a time, on the event loop's thread or in a worker; whoever has it on lease decides which. On the
loop a
read has a budget: the progress handler counts steps of SQLite's virtual machine and interrupts what takes too many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import apsw

from ..errors import ConstraintViolated, StatementError
from .errors import translate
from .options import SqliteOptions
from .plan import Plan
from .values import explain

_REFUSED_VALUE = (OverflowError, UnicodeEncodeError)
_STATEMENTS_CACHED = 256
_CACHE_KIB = 8192
_WAL_PAGES = 4000
_WAL_BYTES_KEPT = 64 * 1024 * 1024


class NotHere(Exception):
    """Internal: this run takes too long for the loop's thread, or would have to wait. Nothing happened; go to one."""


class Connection:
    """A configured connection.

    Args:
        path: The database file; made if it is missing, unless readonly.
        readonly: For readers. The first connection to a file must not be readonly.
    Raises: apsw.Error: the file cannot be used (`open.py` says what to do about it).
    """

    def __init__(self, path: Path, options: SqliteOptions, *, readonly: bool) -> None:
        flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        self._raw = raw = apsw.Connection(str(path), flags, options.vfs, _STATEMENTS_CACHED)
        self._busy_ms = int(options.busy_seconds * 1000)
        self._readonly = readonly
        self._limited = self._stopped = False
        self.over_budget = False
        """Whether the last statement took more steps than the loop allows."""
        # Text in double quotes that names no column is otherwise taken as a string, which hides typing errors.
        raw.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
        raw.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
        raw.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        raw.set_busy_timeout(self._busy_ms)
        if readonly:
            raw.execute("PRAGMA query_only = ON").fetchall()
        else:
            raw.execute("PRAGMA journal_mode = WAL").fetchall()
            raw.execute(f"PRAGMA synchronous = {'FULL' if options.durable else 'OFF'}").fetchall()
            raw.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES_KEPT}").fetchall()
            raw.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}").fetchall()
        raw.execute("PRAGMA temp_store = MEMORY").fetchall()
        raw.execute(f"PRAGMA cache_size = {-_CACHE_KIB}").fetchall()
        self._cursor = raw.cursor()
        raw.set_progress_handler(self._progress, options.loop_steps_max)

    def _progress(self) -> bool:
        self.over_budget = True
        return self._limited or self._stopped

    @property
    def raw(self) -> apsw.Connection:
        """apsw's own connection, for the schema and for closing."""
        return self._raw

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open; some errors end it behind our back."""
        return self._raw.in_transaction

    @property
    def changes(self) -> int:
        """How many rows were changed since it was opened, by triggers and foreign keys too; undone changes included."""
        return self._raw.total_changes()

    def patient(self, waits: bool) -> None:
        """Wait for other processes (in a thread), or give up at once (on the loop)."""
        self._raw.set_busy_timeout(self._busy_ms if waits else 0)

    def interrupt(self) -> None:
        """Stop the statement that another thread runs or is about to. A write that is stopped ends its transaction."""
        self._stopped = True
        self._raw.interrupt()

    def resume(self) -> None:
        """Let statements run again."""
        self._stopped = False

    def command(self, sql: str) -> None:
        """Run one of our own statements, such as BEGIN. Raises StoreError."""
        self._limited = False
        try:
            self._cursor.execute(sql)
        except (apsw.Error, MemoryError) as error:
            raise translate(error, sql) from error

    def select(self, plan: Plan, params: Mapping[str, Any], into: Any, single: bool, limited: bool) -> list[Any]:
        """Run a statement and return its rows as `into`.

        Args:
            single: Whether more than one row is an error.
            limited: Whether this is the loop's thread, where a read has a budget and nothing may wait.
        Raises:
            NotHere: only if limited and the statement only reads.
            StoreError: see `calve.store.errors`.
        """
        args = plan.bind(params)
        try:
            self._prepare(plan, limited)
            cursor = self._cursor
            cursor.execute(plan.sql, args)
            if not single:
                rows = cursor.fetchall()
            elif (first := cursor.fetchone()) is None:
                return []
            elif cursor.fetchone() is None:
                rows = [first]
            else:
                self._cursor.close(True)
                self._cursor = self._raw.cursor()
                raise StatementError(f"more than one row for one(): {plan.sql!r}")
        except (apsw.Error, MemoryError, *_REFUSED_VALUE) as error:
            raise self._translate(error, plan, args, limited) from error
        return plan.make(into)(rows) if rows else []

    def execute(self, plan: Plan, params: Mapping[str, Any], limited: bool) -> int:
        """Run a statement for its effect; returns the number of rows changed. Raises as `select`."""
        args = plan.bind(params)
        try:
            self._prepare(plan, limited)
            self._cursor.execute(plan.sql, args)
            if plan.columns:
                self._cursor.fetchall()
            return 0 if plan.readonly else self._raw.changes()
        except (apsw.Error, MemoryError, *_REFUSED_VALUE) as error:
            raise self._translate(error, plan, args, limited) from error

    def execute_many(self, plan: Plan, rows: Sequence[Mapping[str, Any]], limited: bool) -> int:
        """Run a statement for each row of parameters; returns the sum of the rows changed. Raises as `select`."""
        changed = 0
        for number, params in enumerate(rows, 1):
            try:
                changed += self.execute(plan, params, limited)
            except StatementError as error:
                raise StatementError(f"row {number}: {error}") from error
        return changed

    def append(self, plan: Plan, rows: Sequence[tuple[Any, ...]], limited: bool) -> None:
        """Run a statement of our own for rows whose values are known to fit, in the order of its parameters."""
        try:
            self._prepare(plan, limited)
            for row in rows:
                self._cursor.execute(plan.sql, row)
        except (apsw.Error, MemoryError) as error:
            raise translate(error, plan.sql) from error

    def _prepare(self, plan: Plan, limited: bool) -> None:
        if not plan.described:
            plan.describe(self._raw)
        self.over_budget = False
        self._limited = limited and plan.readonly

    def check_foreign_keys(self) -> None:
        """Raise ConstraintViolated if deferred foreign keys are broken now.

        SQLite itself looks when the outer transaction commits, that is when it is too late to tell which transaction of
        a batch is at fault.
        """
        if self._raw.status(apsw.SQLITE_DBSTATUS_DEFERRED_FKS)[0]:
            raise ConstraintViolated("FOREIGN KEY constraint failed at the end of the transaction", "foreign_key")

    def close(self) -> None:
        """Close; the last connection of a file writes the log back into it. Raises StoreUnavailable."""
        try:
            self._raw.close(True)
        except apsw.Error as error:
            raise translate(error, "close") from error

    def _translate(self, error: Exception, plan: Plan, args: list[Any], limited: bool) -> Exception:
        if (
            limited
            and (plan.readonly or not plan.described)
            and isinstance(error, apsw.InterruptError | apsw.BusyError)
        ):
            return NotHere()
        if isinstance(error, _REFUSED_VALUE):
            return explain(plan.names, args, error)
        if self._readonly and isinstance(error, apsw.ReadOnlyError):
            return StatementError(f"a read may not write; use store.transaction() for {plan.sql!r}")
        return translate(error, plan.sql)
