"""Changing source by the positions of its syntax tree, and laying out generated source the way formatters do."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from string import Template
from typing import Any

from .base import LINE_LENGTH


class Edits:
    """Changes to one text, applied all at once.

    Args:
        text: The source that the nodes were parsed from.
    """

    def __init__(self, text: str) -> None:
        self._lines = text.encode().splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))
        self._edits: list[tuple[int, int, bytes]] = []

    def at(self, line: int, column: int) -> int:
        """Where a position of the syntax tree is, in bytes."""
        return self._starts[line - 1] + column

    def replace(self, start: Any, end: Any, text: str) -> None:
        """Replace from where one node starts to where another ends."""
        self._edits.append(
            (self.at(start.lineno, start.col_offset), self.at(end.end_lineno, end.end_col_offset), text.encode())
        )

    def replace_lines(self, first: int, last: int, text: str = "") -> None:
        """Replace whole lines, counted from 1, by one or more others; by none when `text` is empty."""
        content = f"{text}\n".encode() if text else b""
        self._edits.append((self._starts[first - 1], self._starts[last], content))

    def remove_lines(self, first: int, last: int) -> None:
        """Remove whole lines; where they stood between blank ones, these become one gap."""
        if last == len(self._lines) or not self._lines[last].strip():
            while first > 1 and not self._lines[first - 2].strip():
                first -= 1
        self.replace_lines(first, last)

    def apply(self) -> str:
        """The text with all changes made."""
        content = b"".join(self._lines)
        for start, end, text in sorted(self._edits, reverse=True):
            content = content[:start] + text + content[end:]
        return content.decode()


def names_in(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that are used below some nodes, those in annotations that are written as text included."""
    return {name for node in nodes for child in ast.walk(node) for name in _names(child)}


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < LINE_LENGTH:
        try:  # a forward reference; any other text that happens to be an expression does no harm
            tree = ast.parse(node.value, mode="eval")
        except (SyntaxError, ValueError):
            return
        yield from (child.id for child in ast.walk(tree) if isinstance(child, ast.Name))


def import_lines(module: str, names: Iterable[tuple[str, str | None]], indent: str = "") -> str:
    """`from module import a, b as c`, over several lines when it is long."""
    shown = [name if alias in (None, name) else f"{name} as {alias}" for name, alias in names]
    line = f"{indent}from {module} import {', '.join(shown)}"
    if len(line) <= LINE_LENGTH:
        return line
    return "\n".join([f"{indent}from {module} import (", *(f"{indent}    {s}," for s in shown), f"{indent})"])


def laid_out(head: str, items: Sequence[str], tail: str, indent: str = "", margin: int = 0) -> str:
    """`head` items `tail` on one line, or the items on one of their own, or each on one, whichever fits first.

    Args:
        indent: Put before each line.
        margin: So much will come before each line later.
    """
    line, most = f"{indent}{head}{', '.join(items)}{tail}", LINE_LENGTH - margin
    if len(line) <= most:
        return line
    middle = f"{indent}    {', '.join(items)}"
    if len(middle) <= most:
        return f"{indent}{head}\n{middle}\n{indent}{tail}"
    return "\n".join([f"{indent}{head}", *(f"{indent}    {item}," for item in items), f"{indent}{tail}"])


def docstring(text: str, indent: str) -> str:
    """A docstring of one or more lines."""
    lines = text.strip().replace("\\", "\\\\").replace('"""', "'''").splitlines() or [""]
    if len(lines) == 1:
        return f'{indent}"""{lines[0]}"""'
    return "\n".join([f'{indent}"""{lines[0]}', *((indent + line).rstrip() for line in lines[1:]), f'{indent}"""'])


def tuple_of(items: Sequence[str]) -> str:
    """A tuple as source."""
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


def template(name: str) -> str:
    """The text of a template."""
    return resources.files("calve.eject").joinpath("template", f"{name}.tmpl").read_text(encoding="utf-8")


def filled(name: str, **values: str) -> str:
    """A template with its gaps filled."""
    return Template(template(name)).substitute(values)
