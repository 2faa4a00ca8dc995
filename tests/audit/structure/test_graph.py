"""Edges between units, isolation, and the kernel."""

from __future__ import annotations

from calve.audit.base import Edge
from calve.audit.findings import Findings
from calve.audit.structure.graph import isolation, unit_graph
from calve.audit.structure.units import Unit


def test_edges_are_sorted_by_the_units_of_both_ends(django: Findings) -> None:
    cross = django.graph.cross
    assert ("shop.orders", "shop.stock") in cross
    assert ("shop.stock", "shop.orders") not in cross
    kinds = {edge.kind for edge in cross["shop.orders", "shop.stock"]}
    assert kinds == {"import", "name", "relation"}


def test_isolation_counts_pairs_of_modules_once() -> None:
    units = {name: Unit(name, (f"{name}.x", f"{name}.y"), 10) for name in ("a", "b")}
    edges = [
        Edge("a.x", "a.y", "import", "exact", "", "a/x.py", 1),
        Edge("a.x", "a.y", "import", "exact", "other", "a/x.py", 2),
        Edge("a.x", "b.x", "import", "exact", "", "a/x.py", 3),
        Edge("a.x", "b.y", "import", "exact", "", "a/x.py", 4, "types"),
    ]
    assert isolation(unit_graph(units, edges), frozenset({"a"})) == (1, 2)
    assert isolation(unit_graph(units, edges), frozenset({"a", "b"})) == (0, 2)


def test_what_everybody_uses_and_uses_nobody_is_the_kernel() -> None:
    units = {name: Unit(name, (f"{name}.m",), 10) for name in ("a", "b", "c", "d", "base")}
    edges = [Edge(f"{u}.m", "base.m", "import", "exact", "", f"{u}/m.py", 1) for u in "abcd"]
    assert unit_graph(units, edges).kernel == ["base"]


def test_what_others_have_foreign_keys_to_and_what_two_of_three_use_is_no_kernel() -> None:
    units = {name: Unit(name, (f"{name}.m",), 10) for name in ("a", "b", "c", "d", "goods")}
    edges = [Edge(f"{u}.m", "goods.m", "import", "exact", "", f"{u}/m.py", 1) for u in "abcd"]
    key = Edge("a.m", "goods.m", "relation", "exact", "Line.item", "a/m.py", 2)
    assert unit_graph(units, [*edges, key]).kernel == []
    small = {name: units[name] for name in ("a", "b", "c", "goods")}
    assert unit_graph(small, edges[:2]).kernel == []
