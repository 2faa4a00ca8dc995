"""Whether the units divide into groups more clearly than chance would make them.

    modularity     of the best division of the units: share of their coupling within groups, less what chance gives
    null model     the same where every dependency between two units keeps its source and its target keeps as many
                   users, but who uses what is dealt out anew, up to 20 times

Louvain finds communities in noise, too. Groups are only worth showing where the units divide more clearly than nearly
all such copies do; otherwise the answer is "no structure beyond the packages".
"""

from __future__ import annotations

import math
import random

import msgspec

from .graph import UnitGraph
from .grouping import Pair, coupling, idf_of, network, weights_of

COPIES = 20
COPIES_MIN = 5
_PAIRS_TIMES_COPIES = 1_000_000
"""Beyond this there are fewer copies; those of large graphs differ little."""
SHARE = 0.95
"""Of the copies that have to be less modular."""
UNITS_MIN = 4
_TRIES = 20


class Structure(msgspec.Struct, frozen=True):
    """How clearly the units divide into groups."""

    modularity: float
    null: float
    """What 95 % of the copies stay below."""

    @property
    def clear(self) -> bool:
        """Whether there is more than chance would give."""
        return self.modularity > self.null


def structure(graph: UnitGraph) -> Structure:
    """Compare a graph of units with copies that have no structure; the same graph gets the same answer."""
    if len(graph.units) - len(graph.kernel) < UNITS_MIN:
        return Structure(0.0, 0.0)
    pairs, idf = coupling(graph), idf_of(graph)
    choice = random.Random(1)
    count = max(COPIES_MIN, min(COPIES, _PAIRS_TIMES_COPIES // max(sum(map(len, pairs.values())), 1)))
    copies = sorted(
        _modularity(graph, {kind: _dealt_anew(found, graph.of, choice) for kind, found in pairs.items()}, idf)
        for _ in range(count)
    )
    return Structure(_modularity(graph, pairs, idf), copies[math.ceil(SHARE * count) - 1])


def _modularity(graph: UnitGraph, pairs: dict[str, list[Pair]], idf: dict[str, float]) -> float:
    import networkx as nx  # takes a third of a second to load

    whole = network(graph, weights_of(graph, pairs, idf))
    if not whole.number_of_edges():
        return 0.0
    return round(nx.community.modularity(whole, nx.community.louvain_communities(whole, seed=1)), 9)


def _dealt_anew(pairs: list[Pair], of: dict[str, str], choice: random.Random) -> list[Pair]:
    """Every source gets another's target, in another unit than its own where there is one."""
    targets = [target for _, target in pairs]
    choice.shuffle(targets)
    for index, (source, _) in enumerate(pairs):
        for _ in range(_TRIES):
            if of[source] != of.get(targets[index]):
                break
            other = choice.randrange(len(targets))
            targets[index], targets[other] = targets[other], targets[index]
    return [(source, target) for (source, _), target in zip(pairs, targets, strict=True)]
