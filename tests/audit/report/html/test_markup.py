"""Elements: what is text stays text."""

from __future__ import annotations

import pytest

from calve.audit.report.html.markup import el


def test_texts_are_escaped_and_elements_are_not() -> None:
    assert el("td", "<script>", el("b", "a & b")).text == "<td>&lt;script&gt;<b>a &amp; b</b></td>"


def test_attributes_are_escaped_and_absent_ones_left_out() -> None:
    made = el("a", class_='x" onclick="y', title="<'", hidden=None, open=True, http_equiv="z")
    assert made.text == '<a class="x&quot; onclick=&quot;y" title="&lt;&#x27;" open http-equiv="z"></a>'


@pytest.mark.parametrize("child", [["a", ["b", 3]], ("a", "b", 3), (c for c in ("a", "b", 3))])
def test_children_may_be_lists(child: list[str | int]) -> None:
    assert el("p", child, None).text == "<p>ab3</p>"


def test_control_characters_are_shown_as_such() -> None:
    assert (
        el("p", "a\x00\x1b\n").text
        == "<p>a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}</p>"
    )


def test_void_elements_have_no_end() -> None:
    assert el("meta", charset="utf-8").text == '<meta charset="utf-8">'
