"""Groups that stay together, and modules that lean elsewhere."""

from __future__ import annotations

import random

from calve.audit.base import Edge
from calve.audit.structure.agreement import agreement
from calve.audit.structure.graph import UnitGraph, unit_graph
from calve.audit.structure.grouping import Pair, coupling, groups, idf_of, misplaced, weights_of
from calve.audit.structure.units import Unit

CLUSTERS = ("abcde", "fghij", "klmno", "pqrst", "uvwxy")


def _graph(*pairs: tuple[str, str]) -> UnitGraph:
    modules = sorted({module for pair in pairs for module in pair})
    names = {module.split(".")[0] for module in modules}
    units = {n: Unit(n, tuple(m for m in modules if m.startswith(n + ".")), 10) for n in sorted(names)}
    return unit_graph(units, [Edge(a, b, "import", "exact", "", a, 1) for a, b in pairs])


def _weights(graph: UnitGraph, extra: dict[Pair, float] | None = None) -> dict[Pair, float]:
    return weights_of(graph, coupling(graph), idf_of(graph), extra)


def test_two_clusters_are_found_whatever_the_seed() -> None:
    dense = [(f"{a}.m", f"{b}.m") for group in CLUSTERS for a in group for b in group if a != b]
    graph = _graph(*dense, ("a.m", "f.m"))
    assert groups(graph, _weights(graph)) == [frozenset(cluster) for cluster in CLUSTERS]


def test_a_planted_module_is_found() -> None:
    own = [(f"home.m{n}", "home.base") for n in range(5)]
    away = [(f"home.m{n}", "away.lost") for n in range(5)]
    found = list(misplaced(_graph(*own, *away, ("away.other", "away.more"))))
    assert found == [("away.lost", "away", "home", 0, 5)]


def test_history_is_added_to_what_the_code_says() -> None:
    graph = _graph(("a.m", "b.m"))
    assert _weights(graph, {("a", "b"): 0.5}) == {("a", "b"): 1.5}


def test_a_tenth_of_the_edges_lost_moves_few_units() -> None:
    dense = [(f"{a}.m{n}", f"{b}.m{n}") for group in CLUSTERS for a in group for b in group if a != b for n in range(3)]
    bridges = [(f"{a}.m0", f"{b}.m0") for a, b in zip(CLUSTERS[0], CLUSTERS[1], strict=True)]
    whole = _groups_of(_graph(*dense, *bridges))
    for seed in range(5):
        kept = random.Random(seed).sample([*dense, *bridges], int(0.9 * len(dense + bridges)))
        assert agreement(whole, _groups_of(_graph(*kept))) >= 0.9


def _groups_of(graph: UnitGraph) -> dict[str, int]:
    return {unit: index for index, group in enumerate(groups(graph, _weights(graph))) for unit in group}
