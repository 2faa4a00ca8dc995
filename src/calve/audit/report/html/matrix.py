"""What depends on what, as a matrix: a row uses the columns.

Units stand in levels: those that use others above those that are used. In a project without cycles everything is then
above the diagonal; what is below it closes a circle. Cells of units that are in one cycle together are shaded.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..document import Document, UnitEdge
from ..words import count
from .markup import Element, el

UNITS_MAX = 60
"""Larger projects show their largest units; the lists below have everything."""


def matrix(document: Document) -> Iterator[Element]:
    """The matrix, and a list of places for each of its cells."""
    names = [name for name in levels(document) if name in _shown(document)]
    uses = {(edge.source, edge.target): edge for edge in document.edges}
    cycle = {unit.name: unit.in_cycle for unit in document.units}
    together = _cycles(document)
    numbers = {name: number for number, name in enumerate(names, 1)}
    head = el("tr", el("th", "uses"), (el("th", number, title=name) for name, number in numbers.items()))
    rows = []
    for row in names:
        cells = (_cell(uses.get((row, column)), row, column, together) for column in names)
        kernel = any(unit.kernel for unit in document.units if unit.name == row)
        title = (f"{numbers[row]} ", row, el("small", " kernel") if kernel else None)
        rows.append(el("tr", el("th", title, class_="cycle" if cycle[row] else None), cells))
    yield el("div", el("table", head, rows, class_="matrix"), class_="wide")
    if len(names) < len(document.units):
        yield el("p", f"The {len(names)} largest of {len(document.units)} units.")
    listed = [_places(edge) for edge in document.edges if edge.pairs]
    yield el("details", el("summary", f"Every dependency between two units ({len(listed)})"), listed)


def levels(document: Document) -> list[str]:
    """Units so that, as far as cycles let it be, what is used stands below what uses it."""
    targets: dict[str, set[str]] = {unit.name: set() for unit in document.units}
    for edge in document.edges:
        if edge.pairs:
            targets[edge.source].add(edge.target)
    left, order = set(targets), list[str]()
    users = {name: {source for source, found in targets.items() if name in found} for name in targets}
    while left:  # whoever is used least by those that are left, and uses most of them, comes next
        best = min(left, key=lambda name: (len(users[name] & left - {name}), -len(targets[name] & left), name))
        order.append(best)
        left.remove(best)
    return order


def _shown(document: Document) -> set[str]:
    largest = sorted(document.units, key=lambda unit: (-unit.lines, unit.name))
    return {unit.name for unit in largest[:UNITS_MAX]}


def _cycles(document: Document) -> set[tuple[str, str]]:
    """Pairs of units that can be reached from each other."""
    reach: dict[str, set[str]] = {unit.name: set() for unit in document.units}
    for edge in document.edges:
        if "import" in edge.counts or "string" in edge.counts:
            reach[edge.source].add(edge.target)
    for middle in reach:
        for start in reach:
            if middle in reach[start]:
                reach[start] |= reach[middle]
    return {(a, b) for a in reach for b in reach[a] if a in reach[b]}


def _cell(edge: UnitEdge | None, row: str, column: str, together: set[tuple[str, str]]) -> Element:
    if row == column:
        return el("td", class_="self")
    shade = "cycle" if (row, column) in together else None
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
        for pair in edge.pairs
    )
    # The name is inside: a link to it opens what is around it.
    return el("details", summary, el("table", rows, id=anchor(edge.source, edge.target)))
