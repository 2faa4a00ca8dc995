"""The whole page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import resources

from ...judging.verdict import Reason
from ..baseline import TRANSACTIONS, numbers
from ..document import Advice, Document, TableFacts, TraceFacts
from ..words import count, gap_lines, percent, question_names
from .markup import Child, Element, el, style
from .matrix import matrix
from .parts import candidates, places

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_SECTIONS = (
    ("verdict", "Verdict"),
    ("now", "Worth doing now"),
    ("matrix", "What depends on what"),
    ("data", "Who owns which data"),
    ("candidates", "Candidates"),
    ("known", "What is known, and what is not"),
    ("method", "How this was made"),
)
_KINDS = {
    "one way": "Few lines that close a circle between two units: turn them round, and the dependency is one way",
    "foreign write": "Tables that are written from elsewhere in few places: let the owner do it",
    "nobody imports it": "Modules that nothing in the repository leads to: entry points, or dead",
    "leans elsewhere": "Modules that are coupled more to another unit: hints, right about half of the time",
}


def render(document: Document) -> str:
    """The page of an audit, as HTML that loads nothing and runs nothing."""
    css = resources.files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    title = f"Audit of {document.project}"
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        el("title", title),
        style(css),
    )
    links = el("nav", (el("a", name, href=f"#{anchor}") for anchor, name in _SECTIONS))
    bodies = (_verdict, _now, _matrix, _data, _candidates, _known, _method)
    sections = (
        el("section", el("h2", name), body(document), id=anchor)
        for (anchor, name), body in zip(_SECTIONS, bodies, strict=True)
    )
    page = el("html", head, el("body", el("header", el("h1", title), links), el("main", sections)), lang="en")
    return f"<!doctype html>\n{page.text}\n"


def _verdict(document: Document) -> Iterator[Element]:
    verdict = document.verdict
    yield el("p", verdict.sentence, class_=f"sentence {verdict.outcome.replace(' ', '-')}")
    if verdict.unfit:
        yield el("p", "Services do not suit it: ", "; ".join(verdict.unfit), ".")
    levels: tuple[tuple[str, str, list[Reason]], ...] = (
        ("Need", verdict.need, verdict.need_reasons),
        ("Separability", verdict.separability, verdict.separability_reasons),
        ("Readiness", verdict.readiness, verdict.readiness_reasons),
    )
    yield el("div", (_level(*level) for level in levels), class_="levels")
    if verdict.would_change:
        yield el("h3", "What would change it")
        yield el("ul", (el("li", change) for change in verdict.would_change))
    if verdict.unanswered:
        yield el("p", question_names(verdict.unanswered), ".")


def _level(name: str, level: str, reasons: Iterable[Reason]) -> Element:
    marks = {"yes": "✓", "no": "✗", "partly": "~", "unknown": "?"}
    items = (el("li", el("b", marks[r.counts]), f" {r.text}") for r in reasons)
    return el("div", el("h3", name, ": ", el("em", level)), el("ul", items))


def _now(document: Document) -> Iterator[Element]:
    yield el("p", "Each of these helps whether or not anything is ever split, and makes a later cut cheaper.")
    found: dict[str, list[Advice]] = {}
    for advice in document.do_now:
        found.setdefault(advice.kind, []).append(advice)
    for kind, text in _KINDS.items():
        if kind in found:
            yield el("h3", text)
            yield el("ul", (el("li", el("code", f"{a.path}:{a.line}"), f" {a.what}") for a in found[kind]))
    yield el(
        "p",
        "To keep what is good as it is: ",
        el("code", "calve audit --contracts contracts.toml"),
        " writes contracts for import-linter, and ",
        el("code", "calve audit --baseline old.json --fail-on new-cross-edge,new-shared-table"),
        " fails when it gets worse.",
    )


def _matrix(document: Document) -> Iterator[Element]:
    measures = document.measures
    kernel = [unit.name for unit in document.units if unit.kernel]
    cycle = f"{measures.largest_cycle} units are in one cycle" if measures.largest_cycle else "there is no cycle"
    crossing = f"{measures.cross_edges} dependencies of modules on another unit's are {percent(measures.cross_share)}"
    yield el("p", f"{crossing} of all; {cycle}.")
    if kernel:
        yield el("p", "Shared kernel, used by most and not counted as a tie of candidates: ", ", ".join(kernel), ".")
    yield el(
        "p",
        "A row uses the columns; numbers count pairs of modules. Shaded: in a cycle together. Below the diagonal: "
        "against the order.",
    )
    yield from matrix(document)


def _data(document: Document) -> Iterator[Element]:
    if not document.tables:
        yield el("p", "No model of Django or SQLAlchemy was found; data kept in another way is not seen.")
        return
    head = el("tr", (el("th", name) for name in ("model", "table", "owner", "written by", "read by", "keys to others")))
    crossing = [t for t in document.tables if set(t.writers) - {t.owner} or t.keys_to]
    rest = [t for t in document.tables if t not in crossing]
    if crossing:
        yield el("p", f"{count(len(crossing), 'table')} of {len(document.tables)} have ties to other units:")
        yield el("div", el("table", head, (_table(t) for t in crossing), class_="data"), class_="wide")
    if rest:
        summary = el("summary", f"{count(len(rest), 'table')} that only their owner writes, without keys to others")
        yield el(
            "details", summary, el("div", el("table", head, (_table(t) for t in rest), class_="data"), class_="wide")
        )


def _table(table: TableFacts) -> Element:
    writers: Child = ", ".join(table.writers) or "not seen"
    if table.foreign_writes:
        writers = places(table.foreign_writes, len(table.foreign_writes), writers)
    keys = ", ".join(table.keys_to)
    cells = (table.model, table.table, table.owner, writers, ", ".join(table.readers) or "not seen", keys)
    return el("tr", (el("td", cell) for cell in cells))


def _candidates(document: Document) -> Iterator[Element]:
    if not document.candidates:
        yield el("p", "No part is large enough to be one.")
        return
    yield el(
        "p",
        "In the order to take them, easiest to separate first. At most one next extraction is ever advised; the "
        "others are here to compare it with. Days are guesses per item, uncalibrated: see the end of this page.",
    )
    yield from candidates(document)
    if document.groups:
        yield el("h3", "Units that belong together by what couples them")
        yield el("ul", (el("li", ", ".join(group)) for group in document.groups))
    elif not document.structure.clear:
        yield el("p", "No groups of units: they divide no more clearly than they would by chance.")


def _trace(trace: TraceFacts) -> Iterator[Element]:
    for title, found in (
        ("Only seen at run time", trace.missed),
        ("Claimed by the source, but never seen at run time", trace.unconfirmed),
        ("Requests that write tables of several units", trace.requests_across),
    ):
        if found:
            yield el("h3", title)
            yield el("ul", (el("li", f"{item.what} ({item.path}:{item.line})") for item in found))


def _known(document: Document) -> Iterator[Element]:
    coverage, history = document.coverage, document.history
    rows = (
        ("files read", coverage.files),
        ("relations between models with a known target", coverage.relations),
        ("writes of models with a known model", coverage.writes),
        ("transactions with a known access", coverage.transactions),
    )
    yield el("table", (el("tr", el("th", name), el("td", f"{known} of {every}")) for name, (known, every) in rows))
    lines = f"{coverage.lines} lines read, {coverage.code_lines} of code, {coverage.test_lines} of tests."
    yield el(
        "p", f"{lines} {count(coverage.string_references, 'reference')} by string. Runtime trace: {coverage.runtime}."
    )
    if document.trace is not None:
        yield from _trace(document.trace)
    said = f"{count(history.commits, 'commit')} of {history.years:g} years" if history.commits else "no history"
    tags = "" if history.tags_a_year is None else f", {history.tags_a_year:g} tags in the last year"
    used = "used" if history.co_change_used else "not used"
    yield el("p", f"Git: {said}{tags}. Co-change was {used} to group units: {history.co_change_why}.")
    yield el("h3", "Today's numbers, for later audits to be held against")
    yield el("table", (el("tr", el("th", name), el("td", value)) for name, value in _numbers(document)))
    yield el("h3", "Not known")
    yield el("ul", (el("li", line) for line in gap_lines(document)))
    gaps = [
        el("tr", el("td", g.kind), el("td", el("code", f"{g.path}:{g.line}")), el("td", g.why)) for g in coverage.gaps
    ]
    if gaps:
        yield el("details", el("summary", count(len(gaps), "file or folder with a gap")), el("table", gaps))


def _numbers(document: Document) -> Iterator[tuple[str, Child]]:
    """What `--baseline` compares, with its places where it has some."""
    figure = document.measures.cross_unit_transactions
    for name, value in numbers(document.measures):
        torn = name == TRANSACTIONS and figure.evidence
        yield name, places(figure.evidence, figure.high, value) if torn else value


def _method(document: Document) -> Iterator[Element]:
    yield el(
        "p",
        "Every file was parsed, none was imported or run. A unit is a package as people named it. Isolation is "
        "the share of a part's dependencies that cross its boundary, kernel left out; parts that were really "
        "extracted elsewhere had 7% to 35%, two 50%. A saga is counted low when writes on both sides are certain, "
        "high when both sides are touched. Verdict: need, separability and readiness, where unknown never counts "
        "as yes.",
    )
    yield el("h3", "Days per item, lowest to highest: guesses")
    rates = (
        el("tr", el("th", name), el("td", f"{low:g} to {high:g}")) for name, (low, high) in document.effort.items()
    )
    yield el("table", rates)
    yield el("p", "They are set in ", el("code", "[audit.effort]"), " of calve.toml.")
    head = f", commit {document.history.head}" if document.history.head else ""
    yield el("p", f"Calve {document.calve_version}, schema {document.schema_version}{head}.")
