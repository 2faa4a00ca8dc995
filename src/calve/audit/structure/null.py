"""Whether there is any structure to find: the graph of units against graphs that have none.

    modularity     of the best division of the units into communities: share of weight within them, less what chance gives
    null model     the same for graphs with the same number of partners per unit and the same weights, rewired at random

Louvain finds communities in noise, too. Groups are only worth showing where the units divide more clearly than nearly
all rewired copies do; otherwise the answer is "no structure beyond the packages".
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import networkx as nx

Pair = tuple[str, str]

COPIES = 40
SHARE = 0.95
"""Of the copies that have to be less modular."""
UNITS_MIN = 4
_SWAPS_PER_EDGE = 10


class Structure(msgspec.Struct, frozen=True):
    """How clearly the units divide into communities."""

    modularity: float
    null: float
    """What 95 % of the rewired copies stay below."""

    @property
    def clear(self) -> bool:
        """Whether there is more than chance would give."""
        return self.modularity > self.null


def structure(units: list[str], weights: dict[Pair, float]) -> Structure:
    """Compare a graph of units with its rewired copies; the same graph gets the same answer.

    Args: weights: By pair, as `weights_between` gives them.
    """
    if len(units) < UNITS_MIN or not weights:
        return Structure(0.0, 0.0)
    choice = random.Random(1)
    copies = sorted(_modularity(units, _rewired(weights, choice)) for _ in range(COPIES))
    return Structure(_modularity(units, weights), copies[int(SHARE * COPIES) - 1])


def _modularity(units: list[str], weights: dict[Pair, float]) -> float:
    import networkx as nx  # takes a third of a second to load

    network: nx.Graph[str] = nx.Graph()
    network.add_nodes_from(units)
    network.add_weighted_edges_from((a, b, round(weight, 9)) for (a, b), weight in weights.items())
    parts = [nx.community.louvain_communities(network, seed=seed) for seed in range(3)]
    return max(round(nx.community.modularity(network, part), 9) for part in parts)


def _rewired(weights: dict[Pair, float], choice: random.Random) -> dict[Pair, float]:
    """A copy in which every unit has as many partners as before, others, and the weights are dealt out anew."""
    pairs = list(weights)
    taken = set(pairs)
    for _ in range(_SWAPS_PER_EDGE * len(pairs)):
        first, second = choice.randrange(len(pairs)), choice.randrange(len(pairs))
        (a, b), (c, d) = pairs[first], pairs[second]
        if choice.random() < 0.5:
            c, d = d, c
        new = (min(a, d), max(a, d)), (min(c, b), max(c, b))
        if len({a, b, c, d}) == 4 and not taken & set(new):
            taken -= {pairs[first], pairs[second]}
            taken |= set(new)
            pairs[first], pairs[second] = new
    shuffled = choice.sample(list(weights.values()), len(weights))
    return dict(sorted(zip(pairs, shuffled, strict=True)))
