"""Candidates, and the order to take them in: the easiest to separate first, each priced again after the others."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ..structure.freeing import Hinge, hinges
from ..structure.graph import UnitGraph, isolation
from .bill import Bill, Market
from .effort import Effort, Range, days

LINES_MIN = 100
LINES_SHARE = 0.002
"""Units with fewer lines, or with a smaller share of all code, are no services."""
MERGE_GAIN = 0.75
"""Units are offered as one when together they are isolated so much better than the best of them is alone."""
CANDIDATES_MAX = 10


class Candidate(msgspec.Struct):
    """A part that could become a service."""

    name: str
    """Of its only or largest unit."""
    units: list[str]
    lines: int
    bill: Bill
    days: Range
    bill_in_order: Bill
    """After everything in front of it has been extracted."""
    days_in_order: Range
    hinges: list[Hinge]
    """What to break first to make it separable; empty when it is."""
    tables: int
    """Of its own. One without any, in a project that has tables, is rather a library than a service."""


def candidates(
    graph: UnitGraph,
    market: Market,
    groups: Iterable[frozenset[str]],
    effort: Effort,
    wanted: frozenset[str] = frozenset(),
    count: int = CANDIDATES_MAX,
) -> list[Candidate]:
    """Every unit, and every group of units that belongs together, ranked.

    Args:
        wanted: Units that somebody asked for; they are in, wherever they rank.
        count: How many others at most.
    Returns: in the order to extract them; no unit is in two of them.
    """
    single = [frozenset({unit}) for unit in graph.units if unit not in graph.kernel]
    merged = [group for group in groups if len(group) <= max(len(graph.units) // 3, 1) and _belongs(graph, group)]
    lines = {option: sum(graph.units[unit].lines for unit in option) for option in (*single, *merged)}
    options = [option for option in lines if option & wanted or is_a_part(graph, option, lines[option])]
    ranked = sorted(options, key=lambda option: _rank(graph, option))
    taken: list[Candidate] = []
    gone: frozenset[str] = frozenset()
    for best in ranked:
        if best & gone or (len(taken) >= count and not best & wanted):
            continue
        alone = market.bill(best)
        after = market.bill(best, gone) if gone else alone
        name = max(best, key=lambda unit: (graph.units[unit].lines, unit))
        both = (alone, days(alone, effort), after, days(after, effort))
        taken.append(Candidate(name, sorted(best), lines[best], *both, hinges(graph, best), market.tables(best)))
        gone |= best
    return taken


def is_a_part(graph: UnitGraph, option: frozenset[str], lines: int) -> bool:
    """Whether some units are enough of a part to be offered at all."""
    _, total = isolation(graph, option)
    whole = sum(unit.lines for unit in graph.units.values())
    return lines >= max(LINES_MIN, LINES_SHARE * whole) and total > 0


def _belongs(graph: UnitGraph, group: frozenset[str]) -> bool:
    """Whether a group is better separable than any of its units: any two parts have a few edges less than each."""
    alone = min(_rank(graph, frozenset({unit}))[0] for unit in group)
    return _rank(graph, group)[0] <= MERGE_GAIN * alone


def _rank(graph: UnitGraph, option: frozenset[str]) -> tuple[float, list[str]]:
    """Isolation first, since it is what real extractions went by; equals in order of name."""
    crossing, total = isolation(graph, option)
    return round(crossing / total, 4) if total else 1.0, sorted(option)
