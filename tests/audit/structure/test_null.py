"""Structure is only seen where there is some."""

from __future__ import annotations

import random
from itertools import permutations

from calve.audit.base import Edge
from calve.audit.structure.graph import UnitGraph, unit_graph
from calve.audit.structure.null import Structure, structure
from calve.audit.structure.units import Unit

UNITS = [f"unit{n:02}" for n in range(24)]


def _graph(pairs: list[tuple[str, str]]) -> UnitGraph:
    units = {name: Unit(name, (f"{name}.a", f"{name}.b"), 100) for name in UNITS}
    return unit_graph(units, [Edge(a, b, "import", "exact", "", a, 1) for a, b in sorted(set(pairs))])


def _modules(units: list[str]) -> list[str]:
    return [f"{unit}.{half}" for unit in units for half in "ab"]


def test_edges_dealt_out_at_random_are_no_structure() -> None:
    clear = 0
    for seed in range(10):
        choice = random.Random(seed)
        pairs = [(choice.choice(_modules(UNITS)), choice.choice(_modules(UNITS))) for _ in range(300)]
        clear += structure(_graph(pairs)).clear
    assert clear <= 2


def test_groups_that_were_planted_are_structure_and_stay_so_without_a_tenth_of_the_edges() -> None:
    choice = random.Random(1)
    pairs = [pair for n in range(0, 24, 6) for pair in permutations(_modules(UNITS[n : n + 6]), 2)]
    pairs = choice.sample(pairs, len(pairs) // 3)
    pairs += [(choice.choice(_modules(UNITS)), choice.choice(_modules(UNITS))) for _ in range(40)]
    assert structure(_graph(pairs)).clear
    assert structure(_graph(choice.sample(pairs, int(0.9 * len(pairs))))).clear


def test_the_same_graph_gets_the_same_answer_and_a_few_units_none() -> None:
    pairs = [(a, b) for a, b in permutations(_modules(UNITS[:8]), 2) if hash((len(a), a[-3:])) or b]
    assert structure(_graph(pairs)) == structure(_graph(pairs))
    units = {name: Unit(name, (f"{name}.a",), 100) for name in "abc"}
    few = unit_graph(units, [Edge("a.a", "b.a", "import", "exact", "", "a", 1)])
    assert structure(few) == Structure(0.0, 0.0)
