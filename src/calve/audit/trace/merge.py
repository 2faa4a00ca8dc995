"""What a trace says about transactions: what the source did not say, and what it said that never happened.

    matched       a transaction of the source that ran: by file and line, else by file and function; for a view that is
                  one because of the settings, a request
    missed        what ran and the source did not show: transactions as a whole, and tables in those it did show
    unconfirmed   what the source claims of a transaction that ran, and that never happened while it did

Recall of the static pass is what it knew of all that ran. A transaction that no test runs is neither here nor there.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ..base import Place
from ..resolving.data import Access, Data, Transaction
from ..resolving.models import Models
from ..resolving.modules import Modules, Symbol
from .file import Span, Trace

SAID = "seen at run time"


class Note(msgspec.Struct, frozen=True, order=True):
    """A transaction, and one thing about it."""

    place: Place
    what: str


class Recall(msgspec.Struct, frozen=True, kw_only=True):
    """The static pass held against what ran."""

    head: str
    """Commit the trace was made at; `` when that is not known."""
    ran: int
    """Transactions that ran, each place counted once."""
    known: int
    """Of those, the ones the source shows."""
    accesses_ran: int
    """Reads and writes of tables in transactions that ran; each once for a transaction."""
    accesses_known: int
    missed: list[Note]
    unconfirmed: list[Note]
    never_ran: int
    """Transactions of the source that no test ran."""
    requests: int
    """Kinds of requests that touched a table."""
    requests_across: list[Note]
    """Those that write tables of several units."""
    elsewhere: int
    """Places that are in no code of the project that was audited."""


def merge(trace: Trace, modules: Modules, models: Models, data: Data, of: Mapping[str, str]) -> Recall:
    """Add what ran to the transactions of a project.

    Args:
        data: Its transactions are replaced; accesses stay those of the source.
        of: Module -> unit.
    """
    merger = _Merger(modules, models, data)
    for span in trace.spans:
        if span.kind == "transaction":
            merger.add(span)
    merger.add_requests(trace)
    data.transactions = sorted(merger.transactions(), key=lambda t: (t.module, t.line))
    requests, across = merger.requests(trace, of)
    return Recall(
        head=trace.head,
        ran=len(merger.courses),
        known=merger.known,
        accesses_ran=merger.accesses_ran,
        accesses_known=merger.accesses_known,
        missed=sorted(merger.missed),
        unconfirmed=sorted(merger.unconfirmed),
        never_ran=sum(not t.runs and not _nested(t, data.transactions) for t in data.transactions),
        requests=requests,
        requests_across=across,
        elsewhere=len(merger.elsewhere),
    )


class _Merger:
    def __init__(self, modules: Modules, models: Models, data: Data) -> None:
        self._modules, self._models, self._data = modules, models, data
        self._module_of = {file.path: module for module, file in modules.files.items()}
        self._tables = _tables(models)
        self._of_module: dict[str, list[Transaction]] = {}
        for transaction in data.transactions:
            self._of_module.setdefault(transaction.module, []).append(transaction)
        self.courses: dict[tuple[str, str, int], list[Span]] = {}
        """Module, function and line of the transaction that matches, else 0 -> what ran."""
        self.known = self.accesses_ran = self.accesses_known = 0
        self.missed: list[Note] = []
        self.unconfirmed: list[Note] = []
        self.elsewhere: set[str] = set()

    def add(self, span: Span) -> None:
        module = self._module_of.get(span.path)
        if module is None:
            self.elsewhere.add(span.path)
            return
        found = self._match(module, span)
        key = (module, span.function, 0) if found is None else (module, found.function, found.line)
        self.courses.setdefault(key, []).append(span)

    def add_requests(self, trace: Trace) -> None:
        """Where settings make every request a transaction, one that ran counts as such, whatever tests set."""
        found: dict[tuple[str, str, int], list[Span]] = {}
        for span in trace.spans:
            for t in self._of_module.get(self._module_of.get(span.path, ""), ()):
                if span.kind == "request" and t.kind == "request" and t.function == span.function:
                    found.setdefault((t.module, t.function, t.line), []).append(span)
        for key, spans in found.items():
            self.courses.setdefault(key, spans)

    def _match(self, module: str, span: Span) -> Transaction | None:
        """The transaction of the source that a span is: the one that begins on its line, else the nearest around it."""
        known = self._of_module.get(module, ())
        around = [t for t in known if t.line == span.line] or [t for t in known if t.line <= span.line <= t.end]
        named = [t for t in known if t.kind in ("function", "request") and t.function == span.function]
        return max(named or around, key=lambda t: t.line, default=None)

    def transactions(self) -> list[Transaction]:
        """Those of the source, with what ran; then those only the trace knows."""
        left, found = dict(self.courses), []
        for transaction in self._data.transactions:
            spans = left.pop((transaction.module, transaction.function, transaction.line), None)
            found.append(self._confirmed(transaction, spans) if spans else transaction)
        for (module, function, _), spans in left.items():
            line = min(span.line for span in spans)
            new = Transaction(module, line, line, function, "runtime", [])
            courses, accesses = self._accesses(new, spans)
            self.accesses_ran += len(accesses)
            if accesses:
                tables = ", ".join(sorted({access.model.name for access in accesses}))
                self.missed.append(Note(self._place(new), f"{function}: a transaction that touches {tables}"))
                found.append(msgspec.structs.replace(new, accesses=accesses, runs=_runs(spans), courses=courses))
        return found

    def _confirmed(self, transaction: Transaction, spans: list[Span]) -> Transaction:
        courses, accesses = self._accesses(transaction, spans)
        ran = {(access.write, access.model) for access in accesses}
        claimed = {(access.write, access.model) for access in transaction.accesses}
        self.known += 1
        self.accesses_ran += len(ran)
        self.accesses_known += len(ran & claimed)
        for notes, which in ((self.missed, ran - claimed), (self.unconfirmed, claimed - ran)):
            for write, model in which:
                what = f"{transaction.function or 'module'}: {'writes' if write else 'reads'} {model.dotted}"
                notes.append(Note(self._place(transaction), what))
        new = [access for access in accesses if (access.write, access.model) not in claimed]
        return msgspec.structs.replace(
            transaction, accesses=[*transaction.accesses, *new], runs=_runs(spans), courses=courses
        )

    def _accesses(self, transaction: Transaction, spans: list[Span]) -> tuple[list[list[Access]], list[Access]]:
        """What each course touched of the project's models, and all of them together."""
        courses = []
        for span in spans:
            course = [
                Access(transaction.module, transaction.line, model, verb == "write", "runtime", SAID)
                for verb, table in span.steps
                if (model := self._tables.get(table)) is not None
            ]
            courses.append(list(dict.fromkeys(course)))
        return courses, list(dict.fromkeys(access for course in courses for access in course))

    def _place(self, transaction: Transaction) -> Place:
        return Place(self._modules.files[transaction.module].path, transaction.line)

    def requests(self, trace: Trace, of: Mapping[str, str]) -> tuple[int, list[Note]]:
        """How many kinds of requests there were, and those that write tables of several units."""
        writes: dict[tuple[str, int, str], set[str]] = {}
        for span in trace.spans:
            if span.kind == "request":
                models = [self._tables.get(table) for verb, table in span.steps if verb == "write"]
                units = {of[model.module] for model in models if model is not None and model.module in of}
                writes.setdefault((span.path, span.line, span.function), set()).update(units)
        across = [
            Note(Place(path, line), f"{function or 'a request'}: writes tables of {', '.join(sorted(units))}")
            for (path, line, function), units in writes.items()
            if len(units) > 1
        ]
        return len(writes), sorted(across)


def _nested(transaction: Transaction, others: list[Transaction]) -> bool:
    """Whether it lies within another: a savepoint of that, which does not run on its own."""
    return any(
        other.module == transaction.module and other.line < transaction.line and transaction.end <= other.end
        for other in others
    )


def _runs(spans: list[Span]) -> int:
    return sum(span.runs for span in spans)


def _tables(models: Models) -> dict[str, Symbol]:
    """Table -> the model it is of; for one between two models, that of the model which declares it."""
    found = dict(models.by_table)
    for symbol, model in models.all.items():
        for relation in model.relations:
            if relation.kind == "many to many" and model.table:
                found.setdefault(f"{model.table}_{relation.name}".lower(), symbol)
    found.pop("", None)
    return found
