"""Candidates in HTML: what a cut takes, what to break first, and each transaction that it would tear apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..document import CandidateFacts, Document, Evidence, Figure, HingeFacts, SagaFacts
from ..words import count, effort, percent, saga_range
from .markup import Child, Element, el

PLACES_MAX = 60
SAGAS_MAX = 12
STEPS_MAX = 40
_BILL = (
    ("operations", "operations", "what others use of it: the contract to write"),
    ("calls_in", "calls in", "lines of others that use it"),
    ("calls_out", "calls out", "lines of it that use others"),
    ("keys_in", "foreign keys in", "become plain ids, and a check that they stay right"),
    ("keys_out", "foreign keys out", "the same, the other way"),
    ("identity", "keys to users", "every part keeps ids of users: done once, not per key"),
    ("joins", "joins", "queries across the boundary: two calls, or a copy to read from"),
    ("shared_tables", "shared tables", "written by both sides: one of them has to ask the other"),
    ("sagas", "transactions", "of both sides: certain to possible sagas"),
    ("inheritance", "inheritance", "classes across the boundary: have to be duplicated"),
    ("tasks", "tasks", "queued from the other side"),
    ("signals", "signals", "heard from the other side: become events"),
    ("urls", "routes", "mounted by the other side"),
    ("sql", "raw SQL", "names tables of the other side"),
)


def candidates(document: Document) -> Iterator[Element]:
    """All candidates, in order."""
    for number, candidate in enumerate(document.candidates, 1):
        yield el("section", _candidate(number, candidate), class_="card", id=f"candidate-{candidate.name}")


def places(evidence: Iterable[Evidence], total: float, summary: Child) -> Element:
    """A list of places that opens; says when there are more than it has."""
    listed = list(evidence)
    rows = [el("tr", el("td", el("code", f"{e.path}:{e.line}")), el("td", e.what)) for e in listed[:PLACES_MAX]]
    left = round(total) - len(rows)
    more = el("p", f"and {left} more, of which the JSON file has up to 200") if left > 0 else None
    return el("details", el("summary", summary), el("table", rows), more)


def _candidate(number: int, candidate: CandidateFacts) -> Iterator[Child]:
    yield el("h3", f"{number}. {candidate.name}")
    if len(candidate.units) > 1:
        yield el("p", f"Together, since they are coupled most: {', '.join(candidate.units)}.")
    kind = "" if candidate.tables else "; without a table of its own it is rather a library than a service"
    yield el(
        "p",
        f"{count(candidate.lines, 'line')}, {count(candidate.tables, 'table')}{kind}. "
        f"{candidate.crossing} of {count(candidate.all_edges, 'dependency')} cross its boundary "
        f"({percent(candidate.isolation.value)}). ",
        _lockstep(candidate),
    )
    yield el(
        "p",
        el("b", f"{effort(candidate.days)} days"),
        ", uncalibrated; after those in front of it: ",
        f"{effort(candidate.days_in_order)} days.",
    )
    yield el("table", (_row(candidate, *line) for line in _BILL), class_="bill")
    yield from _hinges(candidate)
    yield from _sagas(candidate.saga_list)


def _lockstep(candidate: CandidateFacts) -> str:
    if not candidate.commits:
        return "How often it changes together with others is not known: no commit touches it."
    with_ = ", ".join(f"{name} ({number})" for name, number in candidate.lockstep_with.items())
    share = f"{percent(candidate.lockstep.value)} of {count(candidate.commits, 'commit')} to it"
    return f"{share} touch other units, too{f': {with_}' if with_ else ''}."


def _row(candidate: CandidateFacts, field: str, name: str, why: str) -> Element:
    figure: Figure = getattr(candidate, field)
    value = saga_range(figure) if field == "sagas" else f"{figure.value:g}"
    shown: Child = el("small", "none seen; some could not be told" if figure.confidence == "unresolved" else why)
    if figure.evidence:
        total = max(figure.value, figure.high, len(figure.evidence))
        shown = places(figure.evidence, total, shown)
    return el("tr", el("th", name), el("td", value, class_="number"), el("td", shown))


def _hinges(candidate: CandidateFacts) -> Iterator[Element]:
    if not candidate.hinges:
        return
    yield el("h4", "What to break first")
    if candidate.edges_to_break:
        said = f"{count(candidate.edges_to_break, 'dependency')} have to go before a cut is possible (40%)."
    else:
        said = "It is separable as it is; this is what still ties it to the rest."
    yield el("p", said + " Most meet in a few modules: put what they are used for behind a contract.")
    rows = (_hinge(hinge) for hinge in candidate.hinges)
    yield el("table", el("tr", *(el("th", t) for t in ("module", "", "crosses then", "names", "places"))), rows)
    yield el("p", "The first ten edges:")
    yield el("ol", (el("li", el("code", f"{e.path}:{e.line}"), f" {e.what}") for e in candidate.first_edges))


def _hinge(hinge: HingeFacts) -> Element:
    return el(
        "tr",
        el("td", hinge.module),
        el("td", f"{hinge.direction} {count(hinge.modules, 'module')}"),
        el("td", percent(hinge.isolation_after), class_="number"),
        el("td", ", ".join(name.rpartition(".")[2] for name in hinge.symbols)),
        el("td", places(hinge.evidence, len(hinge.evidence), count(len(hinge.evidence), "place"))),
    )


def _sagas(sagas: list[SagaFacts]) -> Iterator[Element]:
    if not sagas:
        return
    yield el("h4", "Transactions that would become sagas")
    yield el(
        "p", "What happens in one transaction today, in the order of the code. How to undo each write is yours to say."
    )
    for saga in sagas[:SAGAS_MAX]:
        yield _saga(saga)
    if len(sagas) > SAGAS_MAX:
        rest = [Evidence(s.path, s.line, s.function) for s in sagas[SAGAS_MAX:]]
        yield places(rest, len(rest), f"and {len(rest)} more")


def _saga(saga: SagaFacts) -> Element:
    sure = "writes on both sides" if saga.certain else "touches both sides; whether it writes on both is not known"
    lanes = list(dict.fromkeys(step.unit for step in saga.steps))
    head = el("tr", el("th", ""), (el("th", lane) for lane in lanes), el("th", "undo"))
    rows = []
    for number, step in enumerate(saga.steps[:STEPS_MAX], 1):
        what = (el("b", step.verb), f" {step.model.rpartition('.')[2]} ", el("code", f"{step.path}:{step.line}"))
        cells = (
            el("td", what if lane == step.unit else None, class_=_lane(lane == step.unit, step.verb)) for lane in lanes
        )
        rows.append(
            el("tr", el("td", number, class_="number"), cells, el("td", "…" if step.verb == "writes" else None))
        )
    left = len(saga.steps) - STEPS_MAX
    more = el("p", f"and {count(left, 'more step')}") if left > 0 else None
    title = el(
        "summary", el("code", f"{saga.path}:{saga.line}"), f" {saga.function or 'module level'} ", el("small", sure)
    )
    return el("details", title, el("div", el("table", head, rows, class_="saga"), class_="wide"), more)


def _lane(here: bool, verb: str) -> str | None:
    return ("write" if verb == "writes" else "read") if here else None
