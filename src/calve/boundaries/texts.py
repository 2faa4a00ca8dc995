"""Texts of a program that may matter to somebody else: string literals, with what belongs together put together."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .source import Module, Place

HOLE = "\x00"
"""Stands for what an f-string computes. No name and no word, so that what is around it stays apart."""


def texts_of(module: Module) -> Iterator[tuple[str, Place]]:
    """Every text of a module except docstrings; `"a" "b"`, `"a" + "b"` and f-strings are one text each."""
    skip: set[ast.AST] = set()
    for node in module.nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skip.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            skip.update(node.values)
        elif isinstance(node, ast.BinOp) and text_of(node) is not None:
            skip.update((node.left, node.right))
    for node in module.nodes:
        if node not in skip and isinstance(node, ast.expr) and (text := text_of(node)):
            yield text, module.place(node)


def text_of(node: ast.expr) -> str | None:
    """The text that an expression is, with holes; None when it is something else."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr():
            return "".join(text_of(value) or HOLE for value in node.values)
        case ast.BinOp(op=ast.Add()):
            left, right = text_of(node.left), text_of(node.right)
            return None if left is None or right is None else left + right
        case _:
            return None
