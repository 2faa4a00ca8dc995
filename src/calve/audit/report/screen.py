"""The terminal screen: the verdict first, then what it rests on, what to do now, and what is not known.

Made to fit one screen, about 50 lines and 100 columns, for any project: lists are cut and say how much is left out. The
rest is in the HTML and JSON files. Names of the audited project are data: they are never taken for markup, and control
characters in them are not passed on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from textwrap import wrap
from typing import NamedTuple

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from ..structure.freeing import SEPARABLE
from .baseline import CHECKS, Comparison
from .document import CandidateFacts, Document
from .words import count, effort, gap_lines, percent, plain, question_names, saga_range

UNITS = 5
USES = 3
CANDIDATES = 4
HINGES = 3
ADVICE = 3
NEW = 10
GAPS = 7
_COLOURS = {
    "extract one": "green",
    "modularise in place": "yellow",
    "do not split": "bold",
    "insufficient evidence": "red",
}


def show(document: Document, console: Console) -> None:
    """Print the screen of an audit."""
    verdict = document.verdict
    first = _line(f"{document.project}: ", (verdict.sentence, _COLOURS[verdict.outcome]))
    parts = (_verdict(document), _units(document), _candidates(document), _do_now(document), _coverage(document))
    for part in (first, *chain.from_iterable(parts)):
        if isinstance(part, Places):
            part = part.fitted(console.width)
        console.print(part, no_wrap=True, overflow="ellipsis", crop=True)


def show_comparison(comparison: Comparison, console: Console) -> None:
    """Print what is new since the baseline, and whether the numbers moved."""
    numbers = Counter(new.check for new in comparison.new)
    shown = ", ".join(f"{numbers[check]} {check}" for check in CHECKS)
    lines: list[Text | Places] = [_title(f"Since the baseline: {shown}")]
    lines += [Places(f"{new.path}:{new.line}", new.what) for new in comparison.new[:NEW]]
    if len(comparison.new) > NEW:
        lines.append(_line((f"  and {len(comparison.new) - NEW} more", "dim")))
    for moved in comparison.moved:
        if (moved.before, moved.after) != ("?", "?"):
            change = moved.after if moved.before == moved.after else f"{moved.before} -> {moved.after}"
            lines.append(_line((f"  {moved.name:<32}", "dim"), change))
    for line in lines:
        part = line.fitted(console.width) if isinstance(line, Places) else line
        console.print(part, no_wrap=True, overflow="ellipsis", crop=True)


class Places(NamedTuple):
    """Something with a reason behind it: on two lines where one is too narrow."""

    first: str
    then: str

    def fitted(self, width: int) -> Text:
        """The text, for a console of so many columns."""
        first, then = plain(self.first), plain(self.then)
        if len(first) + len(then) + 4 <= width:
            return Text.assemble(f"  {first}  ", (then, "dim"))
        return Text.assemble(f"  {first}\n      ", (then, "dim"))


def _line(*parts: str | tuple[str, str]) -> Text:
    return Text.assemble(*(plain(part) if isinstance(part, str) else (plain(part[0]), part[1]) for part in parts))


def _title(text: str) -> Text:
    return _line((text, "bold cyan"))


def _grid(*columns: str, right: Iterable[str] = ()) -> Table:
    """A table without lines; the first column gives way when it does not fit."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    for name in columns:
        kind: JustifyMethod = "right" if name in right else "left"
        table.add_column(name, justify=kind, no_wrap=True, overflow="ellipsis", min_width=len(name))
    return table


def _verdict(document: Document) -> Iterator[Text]:
    verdict = document.verdict
    found = [r.text.partition(":")[0] for r in verdict.readiness_reasons if r.counts == "yes"]
    missing = [r.text for r in verdict.readiness_reasons if r.counts == "no"]
    hidden = [r.text.partition(":")[0] for r in verdict.readiness_reasons if r.counts == "unknown"]
    ready = [*missing, *_listed("has", found), *_listed("not seen here:", hidden)]
    rows = [
        ("need", verdict.need, "; ".join(r.text for r in verdict.need_reasons) or "nothing was said or seen"),
        ("separability", verdict.separability, "; ".join(r.text for r in verdict.separability_reasons)),
        ("readiness", verdict.readiness, "; ".join(ready)),
    ]
    if verdict.unfit:
        rows.insert(0, ("does not suit", "", "; ".join(verdict.unfit)))
    rows += [("would change it", "", change) for change in verdict.would_change[:3]]
    for name, level, why in rows:
        text = plain(f"{level}: {why}" if level else why)
        first, *rest = wrap(text, 82, max_lines=2, placeholder=" …") or [""]
        yield _line((f"  {name:<16}", "dim"), first)
        yield from (_line(f"{'':18}{line}") for line in rest)
    if verdict.unanswered:
        yield _line("  ", (question_names(verdict.unanswered), "dim"))


def _listed(what: str, names: list[str]) -> list[str]:
    return [f"{what} {', '.join(names)}"] if names else []


def _units(document: Document) -> Iterator[Text | Table]:
    measures, units = document.measures, document.units
    cycle = f", {measures.largest_cycle} of them in one cycle" if measures.largest_cycle else ", no cycle"
    crossing = f"{count(measures.cross_edges, 'dependency')} between them ({percent(measures.cross_share)} of all)"
    yield _title(f"What depends on what: {count(len(units), 'unit')}{cycle}; {crossing}")
    kernel = [unit.name for unit in units if unit.kernel]
    if kernel:
        yield _line("  shared kernel, used by most and not counted: ", ", ".join(kernel))
    uses: dict[str, list[tuple[int, str]]] = {}
    users: dict[str, set[str]] = {}
    for edge in document.edges:
        lines = edge.counts.get("import", 0) + edge.counts.get("string", 0)
        if lines:
            uses.setdefault(edge.source, []).append((-lines, edge.target))
            users.setdefault(edge.target, set()).add(edge.source)
    base = _base([unit.name for unit in units])
    largest = sorted((u for u in units if not u.kernel), key=lambda u: (-u.lines, u.name))
    table = _grid("  unit", "lines", "users", "uses, in so many lines", right=("lines", "users"))
    for unit in largest[:UNITS]:
        targets = sorted(uses.get(unit.name, ()))
        shown = ", ".join(f"{name.removeprefix(base)} {-lines}" for lines, name in targets[:USES])
        more = f", {len(targets) - USES} more" if len(targets) > USES else ""
        by = f"{len(users.get(unit.name, ()))}"
        table.add_row(
            _line(f"  {unit.name.removeprefix(base)}"),
            f"{unit.lines:,}".replace(",", " "),
            by,
            _line(shown + more or "-"),
        )
    yield table
    if len(largest) > UNITS:
        yield _line((f"  and {count(len(largest) - UNITS, 'smaller unit')}", "dim"))


def _base(names: list[str]) -> str:
    """The package that most names start with, and its dot: it need not be said each time."""
    (most, number), *_ = Counter(name.partition(".")[0] for name in names).most_common(1) or [("", 0)]
    return f"{most}." if 2 * number > len(names) and number > 1 else ""


def _candidates(document: Document) -> Iterator[Text | Table | Places]:
    if not document.candidates:
        yield _title("Candidates: no part is large enough to be one")
        return
    yield _title("Candidates in order, and what each cut takes (calls, keys: in/out; tables: own/shared)")
    columns = ("  candidate", "crosses", "ops", "calls", "keys", "joins", "tables", "sagas", "lockstep", "days*")
    table = _grid(*columns, right=columns[1:])
    for candidate in document.candidates[:CANDIDATES]:
        table.add_row(*_row(candidate))
    yield table
    left = len(document.candidates) - CANDIDATES
    more = f"and {left} more; " if left > 0 else ""
    yield _line((f"  {more}0? none seen, which is not none; * guesses of days per item, uncalibrated", "dim"))
    meant = (c for c in document.candidates if c.name == document.verdict.candidate)
    yield from _hinges(next(meant, document.candidates[0]))


def _row(candidate: CandidateFacts) -> Iterator[Text | str]:
    more = f" +{len(candidate.units) - 1}" if len(candidate.units) > 1 else ""
    yield _line(f"  {candidate.name}{more}")
    yield f"{percent(candidate.isolation.value)} of {candidate.all_edges}"
    yield f"{candidate.operations.value:g}"
    yield f"{candidate.calls_in.value:g}/{candidate.calls_out.value:g}"
    yield f"{candidate.keys_in.value:g}/{candidate.keys_out.value:g}"
    yield f"{candidate.joins.value:g}"
    yield f"{candidate.tables}/{candidate.shared_tables.value:g}"
    yield saga_range(candidate.sagas)
    yield f"{percent(candidate.lockstep.value)} of {candidate.commits}" if candidate.commits else "?"
    yield effort(candidate.days)


def _hinges(best: CandidateFacts) -> Iterator[Text | Places]:
    if not best.hinges:
        return
    broken, modules = sum(hinge.modules for hinge in best.hinges), count(len(best.hinges), "module")
    if best.edges_to_break:
        go = f"{count(best.edges_to_break, 'edge')} {'has' if best.edges_to_break == 1 else 'have'} to go"
        after = f"{percent(best.isolation.value)} -> {percent(best.hinges[-1].isolation_after)} crosses"
        yield _title(f"To free {best.name} ({percent(SEPARABLE)}), {go}; {modules} with {broken}: {after}")
    else:
        yield _title(f"{best.name} is separable; what still ties it to the rest: {count(broken, 'edge')} of {modules}")
    for hinge in best.hinges[:HINGES]:
        what = f"{hinge.module} {hinge.direction} {count(hinge.modules, 'module')}: -> {percent(hinge.isolation_after)}"
        first = hinge.evidence[0]
        yield Places(what, f"from {first.path}:{first.line}")
    if len(best.hinges) > HINGES:
        yield _line((f"  and {len(best.hinges) - HINGES} more", "dim"))


def _do_now(document: Document) -> Iterator[Text | Places]:
    if not document.do_now:
        return
    yield _title("Worth doing now, split or not")
    chosen = list({advice.kind: advice for advice in reversed(document.do_now)}.values())[::-1]
    chosen += [advice for advice in document.do_now if advice not in chosen]
    for advice in chosen[:ADVICE]:
        yield Places(f"{advice.path}:{advice.line}", advice.what)
    if len(document.do_now) > ADVICE:
        yield _line((f"  and {len(document.do_now) - ADVICE} more", "dim"))


def _coverage(document: Document) -> Iterator[Text]:
    yield _title("Not known")
    lines = list(gap_lines(document))
    for line in lines[:GAPS]:
        yield _line(f"  {line}")
    if len(lines) > GAPS:
        yield _line((f"  and {len(lines) - GAPS} more", "dim"))
