"""From what an audit found to its document. Nothing is found out here; everything is counted, named and sorted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ... import __version__
from ..base import Edge, EdgeKind
from ..findings import AuditOptions, Findings
from ..git import regular_authors
from ..judging.answers import Answers
from ..reading.pool import total_lines
from ..structure.graph import isolation
from ..structure.null import Structure
from ..trace.merge import Recall
from .advice import advice, foreign_writes
from .candidates import candidate_facts, evidence, figure, touched_units
from .document import (
    SCHEMA_VERSION,
    Coverage,
    Document,
    Evidence,
    Figure,
    HistoryFacts,
    Measures,
    ModulePair,
    StructureFacts,
    TableFacts,
    TraceFacts,
    UnitEdge,
    UnitFacts,
    VerdictFacts,
)

_FOLLOWING: frozenset[EdgeKind] = frozenset({"name", "inherits"})


def build(found: Findings, options: AuditOptions) -> Document:
    """Make the document of an audit.

    Args:
        found: What `audit` returned.
        options: What it was called with.
    """
    cycles = _cycles(found)
    edges = [_unit_edge(pair, edges) for pair, edges in found.graph.cross.items()]
    return Document(
        schema_version=SCHEMA_VERSION,
        calve_version=__version__,
        project=Path(found.project.root).name,
        verdict=_verdict(found),
        coverage=_coverage(found),
        history=_history(found),
        measures=_measures(found, options.answers, cycles),
        units=[_unit(found, name, cycles) for name in found.graph.units],
        edges=edges,
        tables=_tables(found),
        candidates=[candidate_facts(found, candidate) for candidate in found.candidates],
        trace=None if found.recall is None else _trace(found.recall),
        groups=sorted(sorted(group) for group in found.groups),
        structure=_structure(found.structure),
        effort={name: getattr(options.effort, name) for name in options.effort.__struct_fields__},
        do_now=advice(found),
    )


def _structure(found: Structure) -> StructureFacts:
    return StructureFacts(modularity=found.modularity, null=found.null, clear=found.clear)


def _verdict(found: Findings) -> VerdictFacts:
    verdict = found.verdict
    return VerdictFacts(**{name: getattr(verdict, name) for name in VerdictFacts.__struct_fields__})


def _coverage(found: Findings) -> Coverage:
    relations = [r for m in found.models.all.values() for r in m.relations if r.kind != "relationship"]
    transactions, data = found.data.transactions, found.data
    files, facts = found.project.files, found.facts
    lines = dict.fromkeys(("code", "test", "migration", "script"), 0)
    for file in files:
        lines[file.role] += facts[file.path].code_lines if file.path in facts else 0
    writes = sum(access.write for access in data.accesses)
    return Coverage(
        files=(len(facts), len(files) + sum(gap.kind == "unreadable" for gap in found.project.gaps)),
        lines=total_lines(facts.values()),
        code_lines=lines["code"],
        test_lines=lines["test"],
        relations=(sum(r.confidence != "unresolved" for r in relations), len(relations)),
        transactions=(sum(bool(t.accesses) for t in transactions), len(transactions)),
        writes=(writes, writes + len(data.unresolved)),
        string_references=sum(edge.kind == "string" for edge in found.edges),
        raw_sql=sum(len(f.sql) for f in found.modules.facts.values()),
        http_calls=len(found.names.http),
        runtime="not run" if found.recall is None else "merged",
        gaps=found.gaps,
    )


def _trace(recall: Recall) -> TraceFacts:
    return TraceFacts(
        head=recall.head,
        transactions=(recall.known, recall.ran),
        accesses=(recall.accesses_known, recall.accesses_ran),
        never_ran=recall.never_ran,
        requests=recall.requests,
        requests_across=[evidence(note.place, note.what) for note in recall.requests_across],
        missed=[evidence(note.place, note.what) for note in recall.missed],
        unconfirmed=[evidence(note.place, note.what) for note in recall.unconfirmed],
    )


def _history(found: Findings) -> HistoryFacts:
    history = found.history
    return HistoryFacts(
        head=history.head,
        commits=len(history.commits),
        years=round(history.years, 2),
        ignored=history.ignored,
        regular_authors=regular_authors(history),
        tags_a_year=history.tags_a_year,
        co_change_used=found.co_change.used,
        co_change_why=found.co_change.why,
    )


def _unit(found: Findings, name: str, cycles: list[frozenset[str]]) -> UnitFacts:
    unit, history = found.graph.units[name], found.unit_histories.get(name)
    crossing, total = isolation(found.graph, frozenset({name}))
    return UnitFacts(
        name=name,
        lines=unit.lines,
        modules=len(unit.modules),
        kernel=name in found.graph.kernel,
        cycle=next((number for number, cycle in enumerate(cycles, 1) if name in cycle), 0),
        isolation=round(crossing / total, 4) if total else None,
        commits=history.commits if history else 0,
        lockstep=history.lockstep if history else 0,
        authors=history.authors if history else 0,
        regular_authors=history.regulars if history else [],
    )


def _cycles(found: Findings) -> list[frozenset[str]]:
    """Units that can all be reached from each other by imports, the largest set first; sets of one are none."""
    import networkx as nx  # takes a third of a second to load

    network: nx.DiGraph[str] = nx.DiGraph()
    network.add_edges_from(pair for pair, edges in found.graph.cross.items() if any(_imports(e) for e in edges))
    found_sets = (frozenset(part) for part in nx.strongly_connected_components(network) if len(part) > 1)
    return sorted(found_sets, key=lambda part: (-len(part), sorted(part)))


def _imports(edge: Edge) -> bool:
    return edge.kind in ("import", "string") and edge.scope != "types"


def _unit_edge(pair: tuple[str, str], edges: list[Edge]) -> UnitEdge:
    counts = Counter(edge.kind for edge in edges)
    pairs: dict[tuple[str, str], list[Edge]] = {}
    for edge in edges:
        if edge.kind not in _FOLLOWING:
            pairs.setdefault((edge.source, edge.target), []).append(edge)
    listed = []
    for (source, target), found in pairs.items():
        first = min(found, key=lambda edge: (edge.path, edge.line))
        listed.append(ModulePair(source, target, sorted({e.kind for e in found}), first.path, first.line))
    return UnitEdge(source=pair[0], target=pair[1], counts=dict(sorted(counts.items())), pairs=sorted(listed))


def _tables(found: Findings) -> list[TableFacts]:
    of, foreign = found.graph.of, foreign_writes(found)
    writers: dict[str, set[str]] = {}
    readers: dict[str, set[str]] = {}
    for access in found.data.accesses:
        if access.module in of:
            (writers if access.write else readers).setdefault(access.model.dotted, set()).add(of[access.module])
    tables = []
    for symbol, model in sorted(found.models.all.items()):
        owner = of.get(symbol.module)
        if model.abstract or not model.table or owner is None:
            continue
        relations = [r for ancestor in found.models.lineage(symbol) for r in found.models.all[ancestor].relations]
        targets = {r.target for r in relations if r.target is not None and r.kind != "relationship"}
        writes: list[Evidence] = []
        for unit in writers.get(symbol.dotted, set()) - {owner}:
            for access in foreign[symbol.dotted, unit]:
                writes.append(
                    Evidence(found.modules.files[access.module].path, access.line, f"{access.said} by {unit}")
                )
        tables.append(
            TableFacts(
                model=symbol.dotted,
                table=model.table,
                owner=owner,
                writers=sorted(writers.get(symbol.dotted, ())),
                readers=sorted(readers.get(symbol.dotted, ())),
                keys_to=sorted({t.dotted for t in targets if of.get(t.module, owner) != owner}),
                foreign_writes=sorted(writes),
            )
        )
    return tables


def _measures(found: Findings, answers: Answers, cycles: list[frozenset[str]]) -> Measures:
    graph = found.graph
    crossing = {(e.source, e.target) for edges in graph.cross.values() for e in edges if _imports(e)}
    inside = {(e.source, e.target) for edges in graph.inside.values() for e in edges if _imports(e)}
    total = len(crossing) + len(inside)
    touched = touched_units(found)
    writers: dict[str, set[str]] = {}
    for access in found.data.accesses:
        if access.write and access.module in graph.of:
            writers.setdefault(access.model.dotted, set()).add(graph.of[access.module])
    return Measures(
        cross_edges=len(crossing),
        cross_share=round(len(crossing) / total, 4) if total else 0.0,
        largest_cycle=len(cycles[0]) if cycles else 0,
        shared_tables=sum(len(units) > 1 for units in writers.values()),
        cross_unit_transactions=_cross_unit_transactions(found),
        lockstep_share=round(sum(len(units) > 1 for units in touched) / len(touched), 4) if touched else None,
        lead_time_days=answers.lead_time_days,
        deploys_a_week=answers.deploys_a_week,
        change_fail_percent=answers.change_fail_percent,
        restore_hours=answers.restore_hours,
    )


def _cross_unit_transactions(found: Findings) -> Figure:
    """Transactions of several units: low, those that certainly write to several; high, those that touch several."""
    low, places = 0, []
    for transaction in found.data.transactions:
        accesses = [(found.graph.of.get(a.model.module), a.write) for a in transaction.accesses]
        units = {unit for unit, _ in accesses if unit is not None}
        if len(units) > 1:
            low += len({unit for unit, write in accesses if write and unit is not None}) > 1
            path = found.modules.files[transaction.module].path
            places.append(Evidence(path, transaction.line, f"{transaction.function}: {', '.join(sorted(units))}"))
    blind = any(not t.accesses for t in found.data.transactions) and not places
    return figure(low, places, low=low, high=len(places), confidence="unresolved" if blind else "inferred")
