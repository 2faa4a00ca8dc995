"""The few places to change so that a part stands on its own.

Hundreds of imports cross the boundary of a part that is entangled, but most of them meet in a few modules:

    outside        inside
    a.views  ─┐
    b.forms  ─┼──> orders.models      one hinge, three edges: what others use of one module
    c.tasks  ─┘

A hinge is one module and one direction. Putting what it is used for behind a contract breaks all of its edges at once,
so hinges are taken by how many edges that are not broken yet each of them breaks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from math import ceil
from typing import Literal

import msgspec

from ..base import Edge, Place, coupled
from .graph import UnitGraph, isolation

HINGES_MAX = 10
SEPARABLE = 0.4
"""Parts that were really extracted elsewhere had at most this share of their edges crossing, but for two with 0.5."""
Pair = tuple[str, str]


class Hinge(msgspec.Struct, frozen=True):
    """One module whose edges across the boundary are to be broken."""

    module: str
    direction: Literal["used by", "uses"]
    """`used by` modules of the other side, or `uses` them."""
    others: list[str]
    """Those modules, sorted; only where another hinge has not broken the edge before."""
    symbols: list[str]
    """What of the used modules is used, the most used first; dotted names."""
    places: list[Place]
    """One for each of `others`, in their order."""
    crossing: int
    """Edges that still cross when this hinge and all before it are broken."""
    all_edges: int
    """Edges of the part that are left then."""

    @property
    def isolation(self) -> float:
        """Share of the part's edges that cross its boundary when this hinge and all before it are broken."""
        return self.crossing / self.all_edges if self.all_edges else 0.0


def hinges(
    graph: UnitGraph, members: Collection[str], share: float = SEPARABLE, count: int = HINGES_MAX
) -> list[Hinge]:
    """Find the hinges to break, in that order, until few enough edges cross.

    Args:
        members: Units of the part.
        share: Enough is done when at most this share of the part's edges crosses its boundary, 0 to 1.
        count: How many at most; the last one's `isolation` says how far they lead.
    """
    inside = frozenset(members)
    edges = _crossing(graph, inside)
    left = set(edges)
    crossing, total = isolation(graph, inside)
    found: list[Hinge] = []
    while left and crossing > share * total and len(found) < count:
        weight = Counter(end for source, target in left for end in ((source, "uses"), (target, "used by")))
        (module, direction), _ = min(weight.items(), key=lambda item: (-item[1], item[0]))
        uses = direction == "uses"
        broken = sorted(pair for pair in left if pair[0 if uses else 1] == module)
        left.difference_update(broken)
        crossing, total = crossing - len(broken), total - len(broken)
        found.append(
            Hinge(
                module,
                "uses" if uses else "used by",
                [pair[1 if uses else 0] for pair in broken],
                _symbols(graph, broken),
                [Place(edges[pair].path, edges[pair].line) for pair in broken],
                crossing,
                total,
            )
        )
    return found


def edges_to_break(crossing: int, all_edges: int, share: float = SEPARABLE) -> int:
    """How many edges that cross have to go until at most this share of those that are left crosses."""
    return max(0, ceil((crossing - share * all_edges) / (1 - share) - 1e-9))


def _crossing(graph: UnitGraph, inside: frozenset[str]) -> dict[Pair, Edge]:
    """The first edge of each pair of modules that makes the part less isolated."""
    found: dict[Pair, Edge] = {}
    for pair, edges in graph.cross.items():
        if (pair[0] in inside) != (pair[1] in inside) and not any(u in graph.kernel and u not in inside for u in pair):
            for edge in edges:
                if coupled(edge):
                    found.setdefault((edge.source, edge.target), edge)
    return found


def _symbols(graph: UnitGraph, pairs: list[Pair]) -> list[str]:
    used: Counter[str] = Counter()
    for source, target in pairs:
        units = (graph.of.get(source, ""), graph.of.get(target, ""))
        for edge in graph.cross.get(units, []):
            # What a package re-exports is defined in one of its modules.
            defined = edge.target == target or edge.target.startswith(target + ".")
            if edge.kind == "name" and edge.source == source and defined and edge.symbol:
                used[f"{edge.target}.{edge.symbol.partition('.')[0]}"] += 1
    return [name for name, _ in sorted(used.items(), key=lambda item: (-item[1], item[0]))]
