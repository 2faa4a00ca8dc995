"""A statement as this store knows it: its parameters, its columns, and where it runs.

Statements run on the event loop's thread (a few microseconds; a thread hop costs ten times that) unless they are slow.
Which is which is learned, by the text of the statement:

    new (writer only) ──once in a thread──> loop ──took too long──> thread, for RETRIES_AFTER runs ──> loop

A read that takes too long on the loop is interrupted and runs again in a thread, so it needs no trial run. A write
cannot be interrupted (SQLite would roll back the whole batch with it), hence the trial.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import apsw

from ..errors import StatementError
from ..rows import Make, rows_into
from ..statement import parameter_names, shorten
from .values import PLAIN, to_sqlite

RETRIES_AFTER = 16


class Plan:
    """One statement of one store.

    Args:
        sql: The statement's text.
        trial: Whether the first run goes to a thread.
    Raises: StatementError: see `parameter_names`.
    """

    __slots__ = ("_makers", "columns", "described", "late", "names", "readonly", "sql", "thread_runs")

    def __init__(self, sql: str, trial: bool) -> None:
        self.sql = sql
        self.names = parameter_names(sql)
        self.thread_runs = int(trial)
        """How many of the next runs go to a thread."""
        self.late = False
        """Whether its last run on the loop took too much time."""
        self.described = False
        self.columns: tuple[str, ...] = ()
        """Names of the columns; empty for a statement that returns none."""
        self.readonly = False
        """Whether it changes nothing."""
        self._makers: dict[Any, Make] = {}

    def bind(self, params: Mapping[str, Any]) -> list[Any]:
        """Values in the order of `names`.

        Raises: StatementError: names the parameters that are missing or unknown, or the one that cannot be stored.
        """
        names = self.names
        if len(params) == len(names):
            try:
                return [value if type(value := params[name]) in PLAIN else to_sqlite(name, value) for name in names]
            except KeyError:
                pass
        missing = [name for name in names if name not in params]
        unknown = [name for name in params if name not in names]
        parts = [f"{what}: {', '.join(found)}" for what, found in (("missing", missing), ("unknown", unknown)) if found]
        takes = ", ".join(f":{name}" for name in names) or "no parameters"
        raise StatementError(f"parameters {'; '.join(parts)}; the statement takes {takes} ({shorten(self.sql)!r})")

    def describe(self, raw: apsw.Connection) -> None:
        """Prepare the statement without running it, and note what the engine says of it; once."""
        cursor = raw.cursor()

        def note(cursor: apsw.Cursor, sql: str, bindings: Any) -> bool:
            self.columns = tuple(column[0] for column in cursor.get_description())
            self.readonly = cursor.is_readonly
            return False

        cursor.exec_trace = note
        try:
            cursor.execute(self.sql, (None,) * len(self.names))
        except apsw.ExecTraceAbort:
            self.described = True
        except apsw.BindingsError as error:
            raise StatementError(f"not all parameters are of the form :name in {shorten(self.sql)!r}") from error

    def make(self, into: Any) -> Make:
        """How rows become `into`. Raises StatementError, see `rows_into`."""
        maker = self._makers.get(into)
        if maker is None:
            maker = self._makers[into] = rows_into(self.columns, into)
        return maker

    def slow(self) -> None:
        """It takes too long for the loop."""
        self.thread_runs, self.late = RETRIES_AFTER, False

    def ran_on_loop(self, late: bool) -> None:
        """Note the time of a run on the loop. Once may be the machine's fault, twice running is the statement's."""
        if late and self.late:
            self.slow()
        else:
            self.late = late

    def ran_in_thread(self, late: bool) -> None:
        """Note whether a run in a thread would have been too long for the loop."""
        if late:
            self.slow()
        elif self.thread_runs:
            self.thread_runs -= 1


Plans = Callable[[str], Plan]
"""From a statement's text to its plan; keeps those used lately."""
