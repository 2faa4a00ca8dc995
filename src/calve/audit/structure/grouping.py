"""Which units belong together, by what couples them: Louvain communities of the graph of units, by consensus.

    weight of an edge      its kind's weight x idf of the module it leads to: what everybody uses says little
                           idf = log(1 + n / (1 + importers)) / log(1 + n)
    per kind               scaled so that the median pair of units has 1, and cut off at 5: never to equal totals, or
                           a few hundred foreign keys would drown ten thousand imports
    groups                 pairs that are together in at least 80 % of the runs, over six resolutions and twenty seeds

One run of Louvain depends on the order it meets the nodes in; what is shown here does not.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations
from statistics import median

from ..base import module_pairs
from .graph import UnitGraph

WEIGHTS = {"import": 1.0, "string": 1.0, "relation": 1.0, "write": 1.0, "read": 0.25, "join": 0.5, "task": 0.5}
"""Per kind of edge; kinds that are not listed do not count."""
RESOLUTIONS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
SEEDS = 20
TOGETHER = 0.8
SCALED_MAX = 5.0

Pair = tuple[str, str]


def weights_between(graph: UnitGraph, extra: dict[Pair, float] | None = None) -> dict[Pair, float]:
    """How strongly each two units are coupled, kernel left out.

    Args: extra: Added as it is, such as what git says; pairs in alphabetical order.
    Returns: weights above zero by pair, names in alphabetical order.
    """
    importers = _importers(graph)
    modules = max(len(graph.of), 2)
    total: defaultdict[Pair, float] = defaultdict(float)
    for kind, weight in WEIGHTS.items():
        raw: defaultdict[Pair, float] = defaultdict(float)
        for pair, edges in graph.cross.items():
            if set(pair) & set(graph.kernel):
                continue
            for edge in {(e.source, e.target) for e in edges if e.kind == kind and e.scope != "types"}:
                raw[_ordered(*pair)] += _idf(importers[edge[1]], modules)
        if raw:
            middle = median(raw.values())
            for pair, value in raw.items():
                total[pair] += weight * min(value / middle, SCALED_MAX)
    for pair, value in (extra or {}).items():
        total[pair] += value
    return {pair: total[pair] for pair in sorted(total) if total[pair] > 0}


def groups(graph: UnitGraph, weights: dict[Pair, float]) -> list[frozenset[str]]:
    """Groups of at least two units that stay together whatever the resolution and the seed, the largest first."""
    import networkx as nx  # takes a third of a second to load

    nodes = [unit for unit in graph.units if unit not in graph.kernel]
    network: nx.Graph[str] = nx.Graph()
    network.add_nodes_from(nodes)
    network.add_weighted_edges_from((a, b, round(weight, 9)) for (a, b), weight in weights.items())
    together: Counter[Pair] = Counter()
    for resolution in RESOLUTIONS:
        for seed in range(SEEDS):
            found = nx.community.louvain_communities(network, resolution=resolution, seed=seed)
            for community in found:
                together.update(combinations(sorted(community), 2))
    runs = len(RESOLUTIONS) * SEEDS
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


def _importers(graph: UnitGraph) -> Counter[str]:
    pairs = {pair for edges in (*graph.cross.values(), *graph.inside.values()) for pair in module_pairs(edges)}
    return Counter(target for _, target in pairs)


def _idf(importers: int, modules: int) -> float:
    return math.log(1 + modules / (1 + importers)) / math.log(1 + modules)


def _ordered(a: str, b: str) -> Pair:
    return (a, b) if a < b else (b, a)
