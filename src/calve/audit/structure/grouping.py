"""Which units belong together, by what couples them: Louvain communities of the graph of units, by consensus.

    weight of an edge      its kind's weight x idf of the module it leads to: what everybody uses says little
                           idf = log(1 + n / (1 + importers)) / log(1 + n)
    per kind               scaled so that the median pair of units has 1, and cut off at 5: never to equal totals, or
                           a few hundred foreign keys would drown ten thousand imports
    groups                 pairs that are together in at least 80 % of the runs, over six resolutions and ten seeds,
                           or fewer where there are very many edges

One run of Louvain depends on the order it meets the nodes in; what is shown here does not.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations
from statistics import median
from typing import TYPE_CHECKING

from ..base import module_pairs
from .graph import UnitGraph

if TYPE_CHECKING:
    import networkx as nx

WEIGHTS = {"import": 1.0, "string": 1.0, "relation": 1.0, "write": 1.0, "read": 0.25, "join": 0.5, "task": 0.5}
"""Per kind of edge; kinds that are not listed do not count."""
RESOLUTIONS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
SEEDS = 10
SEEDS_MIN = 2
_EDGES_TIMES_SEEDS = 50_000
"""Beyond this there are fewer seeds: the more edges a graph has, the less a run depends on the order, and the longer
it takes."""
TOGETHER = 0.8
SCALED_MAX = 5.0

Pair = tuple[str, str]


def coupling(graph: UnitGraph) -> dict[str, list[Pair]]:
    """The pairs of modules that couple two units, by kind of edge, kernel left out; sorted."""
    found: dict[str, set[Pair]] = {kind: set() for kind in WEIGHTS}
    for pair, edges in graph.cross.items():
        if not set(pair) & set(graph.kernel):
            for edge in edges:
                if edge.kind in found and edge.scope != "types" and edge.target in graph.of:
                    found[edge.kind].add((edge.source, edge.target))
    return {kind: sorted(pairs) for kind, pairs in found.items() if pairs}


def weights_of(
    graph: UnitGraph,
    pairs: Mapping[str, list[Pair]],
    idf: Mapping[str, float],
    extra: Mapping[Pair, float] | None = None,
) -> dict[Pair, float]:
    """How strongly each two units are coupled.

    Args:
        pairs: Of modules, by kind, as `coupling` gives them.
        idf: Weight of what leads to a module, as `idf_of` gives it.
        extra: Added as it is, such as what git says; pairs in alphabetical order.
    Returns: weights above zero by pair, names in alphabetical order.
    """
    total: defaultdict[Pair, float] = defaultdict(float)
    for kind, found in pairs.items():
        raw: defaultdict[Pair, float] = defaultdict(float)
        for source, target in found:
            if graph.of[source] != graph.of[target]:
                raw[_ordered(graph.of[source], graph.of[target])] += idf[target]
        if raw:
            middle = median(raw.values())
            for pair, value in raw.items():
                total[pair] += WEIGHTS[kind] * min(value / middle, SCALED_MAX)
    for pair, value in (extra or {}).items():
        if not set(pair) & set(graph.kernel):
            total[pair] += value
    return {pair: total[pair] for pair in sorted(total) if total[pair] > 0}


def network(graph: UnitGraph, weights: Mapping[Pair, float]) -> nx.Graph[str]:
    """The units as networkx wants them, kernel left out."""
    import networkx as nx  # takes a third of a second to load

    whole: nx.Graph[str] = nx.Graph()
    whole.add_nodes_from(unit for unit in graph.units if unit not in graph.kernel)
    whole.add_weighted_edges_from((a, b, round(weight, 9)) for (a, b), weight in weights.items())
    return whole


def groups(graph: UnitGraph, weights: Mapping[Pair, float]) -> list[frozenset[str]]:
    """Groups of at least two units that stay together whatever the resolution and the seed, the largest first."""
    import networkx as nx  # takes a third of a second to load

    whole = network(graph, weights)
    together: Counter[Pair] = Counter()
    seeds = max(SEEDS_MIN, min(SEEDS, _EDGES_TIMES_SEEDS // max(len(weights), 1)))
    for resolution in RESOLUTIONS:
        for seed in range(seeds):
            found = nx.community.louvain_communities(whole, resolution=resolution, seed=seed)
            for community in found:
                together.update(combinations(sorted(community), 2))
    runs = len(RESOLUTIONS) * seeds
    consensus: nx.Graph[str] = nx.Graph()
    consensus.add_edges_from(pair for pair, count in together.items() if count >= TOGETHER * runs)
    result = [frozenset(part) for part in nx.connected_components(consensus)]
    return sorted(result, key=lambda part: (-len(part), sorted(part)))


def misplaced(graph: UnitGraph) -> Iterator[tuple[str, str, str, int, int]]:
    """Modules that are coupled more to another unit than to their own: hints, right about half of the time.

    Yields: module, its unit, the other unit, pairs of modules with its own, pairs with the other.
    """
    own: Counter[str] = Counter()
    other: dict[str, Counter[str]] = {}
    for edges in graph.inside.values():
        for source, target in module_pairs(edges):
            own[source] += 1
            own[target] += 1
    for (source_unit, target_unit), edges in graph.cross.items():
        if {source_unit, target_unit} & set(graph.kernel):
            continue
        for source, target in module_pairs(edges):
            other.setdefault(source, Counter())[target_unit] += 1
            other.setdefault(target, Counter())[source_unit] += 1
    for module in sorted(other):
        unit, count = max(other[module].items(), key=lambda item: (item[1], item[0]))
        if count >= 4 and count >= 2 * own[module] and graph.of.get(module) not in (None, unit):
            yield module, graph.of[module], unit, own[module], count


def idf_of(graph: UnitGraph) -> dict[str, float]:
    """Module -> how much it says that something uses it, 0 to 1."""
    pairs = {pair for edges in (*graph.cross.values(), *graph.inside.values()) for pair in module_pairs(edges)}
    importers = Counter(target for _, target in pairs)
    modules = max(len(graph.of), 2)
    return {m: math.log(1 + modules / (1 + importers[m])) / math.log(1 + modules) for m in graph.of}


def _ordered(a: str, b: str) -> Pair:
    return (a, b) if a < b else (b, a)
