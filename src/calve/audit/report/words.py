"""How figures and gaps are said, the same on the screen and in HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..judging.answers import QUESTIONS
from .document import Coverage, Document, Figure, TraceFacts

GAPS_NAMED = 3
"""So many files of each kind of gap are named on one line."""


def plain(text: str) -> str:
    """Text of the audited project without control characters, which a terminal would obey."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def count(number: int, noun: str) -> str:
    """`no units`, `1 unit`, `12 units`, `3 dependencies`."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number or 'no'} {noun if number == 1 else plural}"


def percent(share: float) -> str:
    """A share, 0 to 1."""
    return f"{share:.0%}"


def effort(days: Figure) -> str:
    """A range of days."""
    return f"{days.low:.0f}-{days.high:.0f}"


def saga_range(sagas: Figure) -> str:
    """`2-5`; `0?` when nothing was found and that says little."""
    if sagas.confidence == "unresolved":
        return "0?"
    return f"{sagas.low:.0f}" if sagas.low == sagas.high else f"{sagas.low:.0f}-{sagas.high:.0f}"


def question_names(unanswered: list[str]) -> str:
    """What `calve assess` would ask."""
    if len(unanswered) == len(QUESTIONS):
        return f"none of the {len(QUESTIONS)} questions of `calve assess` is answered"
    return f"`calve assess` would still ask for: {', '.join(unanswered)}"


def gap_lines(document: Document) -> Iterator[str]:
    """Everything that is not known, as sentences; gaps, never noughts."""
    coverage = document.coverage
    yield from _files(coverage)
    for known, what, why in (
        (coverage.relations, "relations between models", "their target could not be told"),
        (coverage.writes, "writes of models", "what is saved or deleted could not be told"),
        (coverage.transactions, "transactions", "no model could be seen in them"),
    ):
        if known[0] < known[1]:
            yield f"{known[1] - known[0]} of {known[1]} {what}: {why}"
    if coverage.raw_sql:
        yield f"{count(coverage.raw_sql, 'raw SQL statement')}: tables were read off, by name only"
    if coverage.http_calls:
        yield f"{count(coverage.http_calls, 'HTTP call')}: followed only where a literal URL fits an own route"
    if coverage.runtime == "not run":
        yield "what happens at run time: `calve audit trace -- pytest` would show it under your own tests"
    if document.trace is not None:
        yield from _trace(document.trace)
    history = document.history
    if ignored := ", ".join(f"{number} ({why})" for why, number in history.ignored.items()):
        yield f"of {history.commits + sum(history.ignored.values())} commits, left out: {ignored}"


def _trace(trace: TraceFacts) -> Iterator[str]:
    known, ran = trace.transactions
    if not ran:
        yield "the trace has no transaction of this code: were its tests run with `calve audit trace`?"
        return
    seen, touched = trace.accesses
    yield (
        f"the tests ran {count(ran, 'transaction')}: the source shows {known} of them, "
        f"and {seen} of {touched} reads and writes in them"
    )
    if trace.never_ran:
        yield f"{count(trace.never_ran, 'transaction')} of the source no test ran"


def _files(coverage: Coverage) -> Iterator[str]:
    read, every = coverage.files
    if read < every:
        yield f"{every - read} of {every} files were not read"
    kinds = Counter(gap.kind for gap in coverage.gaps)
    for kind, number in sorted(kinds.items()):
        named = [gap.path if gap.path != "." else gap.why for gap in coverage.gaps if gap.kind == kind][:GAPS_NAMED]
        more = f" and {number - len(named)} more" if number > len(named) else ""
        yield f"{kind}: {', '.join(named)}{more}"
