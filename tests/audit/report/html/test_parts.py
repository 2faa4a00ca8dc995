"""Candidates in HTML."""

from __future__ import annotations

import re

import msgspec

from calve.audit.report.document import Document
from calve.audit.report.html.parts import candidates


def _html(document: Document) -> str:
    return "".join(element.text for element in candidates(document))


def test_every_row_of_the_bill_has_its_places(document: Document) -> None:
    html = _html(document)
    assert "<th>operations</th>" in html
    assert "<code>shop/orders/views.py:11</code></td><td>shop.stock.services.take is used here" in html
    for candidate in document.candidates:
        for edge in candidate.first_edges:
            assert f"<li><code>{edge.path}:{edge.line}</code>" in html


def test_a_saga_is_a_sequence_with_a_lane_for_each_unit(document: Document) -> None:
    table = re.findall(r'<table class="saga">.*?</table>', _html(document))[0]
    assert "<th>shop.orders</th><th>shop.stock</th><th>undo</th>" in table
    rows = re.findall(r"<tr><td.*?</tr>", table)
    assert [re.findall(r'class="(write|read)"', row) for row in rows] == [["write"], ["read"], ["write"]]
    assert [row.endswith("<td>…</td></tr>") for row in rows] == [True, False, True], "only writes have to be undone"


def test_none_seen_is_not_shown_as_none(document: Document) -> None:
    assert '<td class="number">0?</td><td><small>none seen; some could not be told</small>' in _html(document)


def test_long_lists_say_what_they_leave_out(document: Document) -> None:
    candidate = document.candidates[0]
    many = msgspec.structs.replace(candidate.joins, value=500, high=500, evidence=candidate.operations.evidence * 50)
    longer = msgspec.structs.replace(candidate, joins=many, saga_list=candidate.saga_list * 20)
    html = _html(msgspec.structs.replace(document, candidates=[longer]))
    assert "and 440 more, of which the JSON file has up to 200" in html
    assert "<summary>and 8 more</summary>" in html


def test_a_part_without_tables_is_called_a_library(document: Document) -> None:
    assert "without a table of its own it is rather a library than a service" in _html(document)
