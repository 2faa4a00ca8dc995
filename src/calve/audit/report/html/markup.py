"""Elements of HTML as values.

`el("td", "a < b", class_="x")` is `<td class="x">a &lt; b</td>`. A `str` is text and is escaped; only what `el` made
is an element. There is no other way to make one, so nothing of the audited project is ever taken for markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ..words import plain

_VOID = frozenset({"br", "col", "meta"})


class Element:
    """A piece of HTML."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


Child = Element | str | int | None | Iterable["Child"]


def el(tag: str, *children: Child, **attributes: str | int | bool | None) -> Element:
    """An element.

    Args:
        tag: Its name.
        children: Elements, texts, numbers, lists of these; None is nothing.
        attributes: Values are escaped; a trailing `_` is dropped from names, other `_` become `-`; None and False leave
            the attribute out, True leaves out its value.
    """
    said = "".join(_attribute(name.rstrip("_").replace("_", "-"), value) for name, value in attributes.items())
    return Element(f"<{tag}{said}>" if tag in _VOID else f"<{tag}{said}>{''.join(map(_html, children))}</{tag}>")


def style(css: str) -> Element:
    """A style sheet, which is ours and is not escaped."""
    return Element(f"<style>\n{css}</style>")


def _attribute(name: str, value: str | int | bool | None) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(plain(str(value)))}"'


def _html(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Element):
        return child.text
    if isinstance(child, str | int):
        return escape(plain(str(child)), quote=False)
    return "".join(map(_html, child))
