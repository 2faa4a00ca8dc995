"""Groups that stay together, and modules that lean elsewhere."""

from __future__ import annotations

from calve.audit.base import Edge
from calve.audit.structure.graph import UnitGraph, unit_graph
from calve.audit.structure.grouping import groups, misplaced, weights_between
from calve.audit.structure.units import Unit

CLUSTERS = ("abcde", "fghij", "klmno", "pqrst", "uvwxy")


def _graph(*pairs: tuple[str, str]) -> UnitGraph:
    modules = sorted({module for pair in pairs for module in pair})
    names = {module.split(".")[0] for module in modules}
    units = {n: Unit(n, tuple(m for m in modules if m.startswith(n + ".")), 10) for n in sorted(names)}
    return unit_graph(units, [Edge(a, b, "import", "exact", "", a, 1) for a, b in pairs])


def test_two_clusters_are_found_whatever_the_seed() -> None:
    dense = [(f"{a}.m", f"{b}.m") for group in CLUSTERS for a in group for b in group if a != b]
    graph = _graph(*dense, ("a.m", "f.m"))
    assert groups(graph, weights_between(graph)) == [frozenset(cluster) for cluster in CLUSTERS]


def test_a_planted_module_is_found() -> None:
    own = [(f"home.m{n}", "home.base") for n in range(5)]
    away = [(f"home.m{n}", "away.lost") for n in range(5)]
    found = list(misplaced(_graph(*own, *away, ("away.other", "away.more"))))
    assert found == [("away.lost", "away", "home", 0, 5)]


def test_history_is_added_to_what_the_code_says() -> None:
    graph = _graph(("a.m", "b.m"))
    assert weights_between(graph, {("a", "b"): 0.5}) == {("a", "b"): 1.5}
