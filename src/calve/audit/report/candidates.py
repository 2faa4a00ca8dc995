"""Candidates as they are reported: their bills as figures with evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from ..base import Confidence, Place, coupled
from ..findings import Findings
from ..git import Commit
from ..pricing.bill import Bill, Item, Saga
from ..pricing.order import Candidate
from ..structure.freeing import Hinge, edges_to_break, hinges
from ..structure.graph import UnitGraph
from .document import EVIDENCE_MAX, CandidateFacts, Evidence, Figure, HingeFacts, SagaFacts, SagaStep

FIRST_EDGES = 10
SYMBOLS = 8
LOCKSTEP_UNITS = 5
"""So many of the units that change together with a candidate are named."""


def figure(
    value: float,
    evidence: Iterable[Evidence] = (),
    *,
    confidence: Confidence = "exact",
    low: float | None = None,
    high: float | None = None,
) -> Figure:
    """A figure with the first of its evidence, in order of place."""
    return Figure(
        value=value,
        low=value if low is None else low,
        high=value if high is None else high,
        confidence=confidence,
        evidence=sorted(evidence)[:EVIDENCE_MAX],
    )


def evidence(place: Place, what: str) -> Evidence:
    """A place, as it is reported."""
    return Evidence(place.path, place.line, what)


def candidate_facts(found: Findings, candidate: Candidate) -> CandidateFacts:
    """One candidate."""
    bill, members = candidate.bill, frozenset(candidate.units)
    # One that is separable has none to break first; what is left of its ties is shown all the same.
    listed = [_hinge(hinge) for hinge in candidate.hinges or hinges(found.graph, members, share=0.0)]
    lockstep, commits, together = _lockstep(found, members)
    low, high = candidate.days
    return CandidateFacts(
        name=candidate.name,
        units=candidate.units,
        lines=candidate.lines,
        tables=candidate.tables,
        isolation=figure(round(bill.isolation, 4), _crossing(found.graph, members)),
        crossing=bill.crossing,
        all_edges=bill.all_edges,
        operations=figure(len(bill.operations), _operations(bill)),
        calls_in=_counted(bill.calls_in),
        calls_out=_counted(bill.calls_out),
        keys_in=_counted(bill.keys_in),
        keys_out=_counted(bill.keys_out),
        identity=_counted(bill.identity),
        joins=_counted(bill.joins, "inferred"),
        shared_tables=figure(
            len(bill.shared_tables),
            (evidence(i.place, f"{model}: {i.what}") for model, items in bill.shared_tables.items() for i in items),
            confidence="inferred",
        ),
        sagas=_sagas(found, bill),
        saga_list=[_saga(found, saga) for saga in sorted(bill.sagas, key=lambda saga: (not saga.certain, saga.place))],
        inheritance=_counted(bill.inheritance),
        tasks=_counted(bill.tasks, "string"),
        signals=_counted(bill.signals, "string"),
        urls=_counted(bill.urls, "string"),
        sql=_counted(bill.sql, "inferred"),
        lockstep=lockstep,
        commits=commits,
        lockstep_with=together,
        days=_days(low, high),
        days_in_order=_days(*candidate.days_in_order),
        edges_to_break=edges_to_break(bill.crossing, bill.all_edges),
        hinges=listed,
        first_edges=[edge for hinge in listed for edge in hinge.evidence][:FIRST_EDGES],
    )


def _crossing(graph: UnitGraph, members: frozenset[str]) -> Iterable[Evidence]:
    """Every pair of modules that crosses, at its first line."""
    pairs: dict[tuple[str, str], Evidence] = {}
    for units, edges in graph.cross.items():
        if (units[0] in members) != (units[1] in members) and not (set(units) - members) & set(graph.kernel):
            for edge in filter(coupled, edges):
                what = f"{edge.source} -> {edge.target}"
                pairs.setdefault((edge.source, edge.target), Evidence(edge.path, edge.line, what))
    return pairs.values()


def _hinge(hinge: Hinge) -> HingeFacts:
    module, uses = hinge.module, hinge.direction == "uses"
    return HingeFacts(
        module=module,
        direction=hinge.direction,
        modules=len(hinge.others),
        symbols=hinge.symbols[:SYMBOLS],
        isolation_after=round(hinge.isolation, 4),
        evidence=[
            evidence(place, f"{module} -> {other}" if uses else f"{other} -> {module}")
            for other, place in zip(hinge.others, hinge.places, strict=True)
        ],
    )


def _counted(items: list[Item], confidence: Confidence = "exact") -> Figure:
    return figure(len(items), (evidence(item.place, item.what) for item in items), confidence=confidence)


def _operations(bill: Bill) -> Iterable[Evidence]:
    for symbol, places in bill.operations.items():
        more = f", and {len(places) - 1} more" if len(places) > 1 else ""
        yield evidence(places[0], f"{symbol} is used here{more}")


def _days(low: float, high: float) -> Figure:
    return figure(round((low + high) / 2, 1), confidence="inferred", low=round(low, 1), high=round(high, 1))


def _sagas(found: Findings, bill: Bill) -> Figure:
    """None found is not none: when transactions or writes could not be resolved, the figure is not known."""
    blind = bool(found.data.unresolved) or any(not t.accesses for t in found.data.transactions)
    return figure(
        bill.sagas_low,
        (evidence(s.place, f"{s.function or 'module'}: {', '.join(s.units)}") for s in bill.sagas),
        confidence="unresolved" if blind and not bill.sagas else "inferred",
        low=bill.sagas_low,
        high=len(bill.sagas),
    )


def _saga(found: Findings, saga: Saga) -> SagaFacts:
    owners = {symbol.dotted: found.graph.of.get(symbol.module, "") for symbol in found.models.all}
    return SagaFacts(
        path=saga.place.path,
        line=saga.place.line,
        function=saga.function,
        certain=saga.certain,
        units=saga.units,
        steps=[_step(step, owners) for step in saga.steps],
        confidence="runtime" if saga.runs else "inferred",
    )


def _step(step: Item, owners: Mapping[str, str]) -> SagaStep:
    verb, model, said = step.what.split(" ", 2)
    return SagaStep(
        path=step.place.path,
        line=step.place.line,
        verb="writes" if verb == "writes" else "reads",
        model=model,
        unit=owners.get(model, ""),
        said=said.strip("()"),
    )


def touched_units(found: Findings) -> list[frozenset[str]]:
    """The units that each commit of the history touches, kernel left out; commits that touch none are missing."""
    of = {found.modules.files[m].path: u for m, u in found.graph.of.items() if u not in found.graph.kernel}

    def units(commit: Commit) -> frozenset[str]:
        return frozenset(of[path] for path in commit.files if path in of)

    return [touched for commit in found.history.commits if (touched := units(commit))]


def _lockstep(found: Findings, members: frozenset[str]) -> tuple[Figure, int, dict[str, int]]:
    commits = [touched for touched in touched_units(found) if touched & members]
    if not commits:
        return figure(0, confidence="unresolved"), 0, {}
    others = Counter(unit for touched in commits for unit in touched - members)
    shared = sum(bool(touched - members) for touched in commits)
    most = sorted(others.items(), key=lambda item: (-item[1], item[0]))[:LOCKSTEP_UNITS]
    return figure(round(shared / len(commits), 4)), len(commits), dict(most)
