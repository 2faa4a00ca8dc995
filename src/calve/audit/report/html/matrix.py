"""What depends on what, as a matrix: a row uses the columns.

Units stand in levels: those that use others above those that are used. In a project without cycles everything is then
above the diagonal; what is below it closes a circle. Cells of units that are in one cycle together are shaded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from ..document import Document, UnitEdge
from ..words import count
from .markup import Element, el

UNITS_MAX = 60
"""Larger projects show their largest units; the lists below have everything."""
PAIRS_MAX = 200


def matrix(document: Document) -> Iterator[Element]:
    """The matrix, and a list of places for each of its cells."""
    largest = sorted(document.units, key=lambda unit: (-unit.lines, unit.name))[:UNITS_MAX]
    names = levels([unit.name for unit in largest], document.edges)
    uses = {(edge.source, edge.target): edge for edge in document.edges}
    cycle = {unit.name: unit.cycle for unit in largest}
    kernel = {unit.name for unit in largest if unit.kernel}
    numbers = {name: number for number, name in enumerate(names, 1)}
    head = el("tr", el("th", "uses"), (el("th", number, title=name) for name, number in numbers.items()))
    rows = []
    for row in names:
        cells = (_cell(uses.get((row, column)), row, column, 0 < cycle[row] == cycle[column]) for column in names)
        title = (f"{numbers[row]} ", row, el("small", " kernel") if row in kernel else None)
        rows.append(el("tr", el("th", title), cells))
    yield el("div", el("table", head, rows, class_="matrix"), class_="wide")
    if len(names) < len(document.units):
        yield el("p", f"The {len(names)} largest of {len(document.units)} units.")
    listed = [_places(edge) for edge in document.edges if edge.pairs]
    yield el("details", el("summary", f"Every dependency between two units ({len(listed)})"), listed)


def levels(names: Collection[str], edges: Iterable[UnitEdge]) -> list[str]:
    """Units so that, as far as cycles let it be, what is used stands below what uses it."""
    targets: dict[str, set[str]] = {name: set() for name in names}
    users: dict[str, set[str]] = {name: set() for name in names}
    for edge in edges:
        if edge.pairs and edge.source in targets and edge.target in targets:
            targets[edge.source].add(edge.target)
            users[edge.target].add(edge.source)
    left, order = set(targets), list[str]()
    while left:  # whoever is used least by those that are left, and uses most of them, comes next
        best = min(left, key=lambda name: (len(users[name] & left), -len(targets[name] & left), name))
        order.append(best)
        left.remove(best)
    return order


def _cell(edge: UnitEdge | None, row: str, column: str, together: bool) -> Element:
    if row == column:
        return el("td", class_="self")
    shade = "cycle" if together else None
    if edge is None or not edge.pairs:
        return el("td", class_=shade)
    title = f"{row} uses {column}: " + ", ".join(f"{number} {kind}" for kind, number in edge.counts.items())
    return el("td", el("a", len(edge.pairs), href=f"#{anchor(row, column)}", title=title), class_=shade)


def anchor(source: str, target: str) -> str:
    """Name of the list of a cell."""
    return f"{source}--{target}"


def _places(edge: UnitEdge) -> Element:
    kinds = ", ".join(f"{number} {kind}" for kind, number in edge.counts.items())
    small = el("small", f" {count(len(edge.pairs), 'pair')}: {kinds}")
    summary = el("summary", f"{edge.source} uses {edge.target}", small)
    rows = (
        el(
            "tr",
            el("td", el("code", f"{pair.path}:{pair.line}")),
            el("td", f"{pair.source} → {pair.target}"),
            el("td", ", ".join(pair.kinds)),
        )
        for pair in edge.pairs[:PAIRS_MAX]
    )
    left = len(edge.pairs) - PAIRS_MAX
    more = el("p", f"and {left} more, which the JSON file has") if left > 0 else None
    # The name is inside: a link to it opens what is around it.
    return el("details", summary, el("table", rows, id=anchor(edge.source, edge.target)), more)
