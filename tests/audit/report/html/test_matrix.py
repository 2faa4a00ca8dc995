"""The matrix: order of levels, shades, numbers."""

from __future__ import annotations

import msgspec
from audit_projects import FLASK

from calve.audit.report.document import Document, UnitFacts
from calve.audit.report.html.matrix import levels, matrix

from ..conftest import Documented


def test_what_is_used_stands_below_what_uses_it(document: Document) -> None:
    order = levels([unit.name for unit in document.units], document.edges)
    for edge in document.edges:
        assert order.index(edge.source) < order.index(edge.target), f"{edge.source} uses {edge.target}"


def test_a_cell_counts_pairs_and_leads_to_them(document: Document) -> None:
    html = "".join(element.text for element in matrix(document))
    title = "shop.orders uses shop.stock: 2 import, 2 name, 1 relation"
    assert f'<a href="#shop.orders--shop.stock" title="{title}">3</a>' in html
    assert '<table id="shop.orders--shop.stock">' in html
    assert "<code>shop/orders/models.py:15</code>" in html


def test_cells_of_a_cycle_are_shaded_and_others_are_not(document: Document, documented: Documented) -> None:
    assert 'class="cycle"' not in "".join(element.text for element in matrix(document))
    shaded = "".join(element.text for element in matrix(documented(FLASK)))
    assert shaded.count('<td class="cycle">') == 6, "all three units are in one cycle: every cell off the diagonal"


def test_long_lists_of_pairs_are_cut_and_say_so(document: Document) -> None:
    edge = next(edge for edge in document.edges if edge.target == "shop.stock")
    longer = msgspec.structs.replace(edge, pairs=edge.pairs * 100)
    html = "".join(element.text for element in matrix(msgspec.structs.replace(document, edges=[longer])))
    assert "and 100 more, which the JSON file has" in html


def test_two_cycles_are_shaded_apart(document: Document) -> None:
    cycles = {"shop": 1, "shop.orders": 1, "shop.stock": 2, "shop.users": 2, "shop.reports": 0}
    units = [msgspec.structs.replace(unit, cycle=cycles[unit.name]) for unit in document.units]
    html = "".join(element.text for element in matrix(msgspec.structs.replace(document, units=units)))
    assert html.count('<td class="cycle">') == 4


def test_large_projects_show_their_largest_units(document: Document) -> None:
    unit = document.units[0]
    many: list[UnitFacts] = [msgspec.structs.replace(unit, name=f"u{n}", lines=n) for n in range(100)]
    html = "".join(element.text for element in matrix(msgspec.structs.replace(document, units=many, edges=[])))
    assert "The 60 largest of 100 units." in html
    assert "u99<" in html
    assert "u39<" not in html
