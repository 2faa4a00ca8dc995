"""A module of a service without Calve: its imports lead to the support package, its contracts are plain protocols.

    from calve import Contract, Message, query                 from support import Message
    class Catalog(Contract, Protocol, version="1.0"):    ->    class Catalog(Protocol):
        @query(http="GET /products/{sku}")                         async def product(...)
        async def product(...)

Done by the positions of the syntax tree, so that comments and layout stay as they were. What the routes say from now on
(paths, statuses, declared errors) is taken out of the contract, and so are imports that nothing else needs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from ..boundaries.source import Module
from .base import Refusal
from .names import DROPPED, SUPPORTED, why_not
from .text import Edits, import_lines, names_in


def rewrite(module: Module, text: str, support: str, wanted: frozenset[str], shown: str) -> tuple[str, list[Refusal]]:
    """Rewrite one module.

    Args:
        text: Its source.
        support: Name of the support package.
        wanted: Names that other modules import from it.
        shown: Its path, for messages.
    Returns: the new source, and what cannot be carried over.
    """
    plain, dropped = _without_contracts(module.tree, text)
    unneeded = dropped - names_in(ast.parse(plain).body) - wanted
    refusals = list(_refusals(module.tree, shown, unneeded))
    if refusals:
        return text, refusals
    return _with_imports(plain, support, wanted, dropped), []


def _refusals(tree: ast.Module, shown: str, unneeded: set[str]) -> Iterator[Refusal]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if _is_calve(alias.name):
                    fix = "write from calve import …, so that it is plain which names are used"
                    yield Refusal(f"{shown}:{node.lineno}", f"import {alias.name} takes all of it", fix)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and _is_calve(node.module or ""):
            for alias in node.names:
                known = alias.name in SUPPORTED or alias.name in DROPPED
                if not known and (alias.asname or alias.name) not in unneeded:
                    what = f"{node.module}.{alias.name} has no counterpart outside of Calve"
                    yield Refusal(f"{shown}:{node.lineno}", what, why_not(alias.name))


def _is_calve(module: str) -> bool:
    return module.partition(".")[0] == "calve"


def _calve_names(tree: ast.Module) -> dict[str, str]:
    """Local name -> name in Calve."""
    imports = (
        n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level == 0 and _is_calve(n.module or "")
    )
    return {alias.asname or alias.name: alias.name for node in imports for alias in node.names}


def _is_contract(node: ast.ClassDef, names: Mapping[str, str]) -> bool:
    bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
    return any(names.get(base) == "Contract" for base in bases) or (
        "Protocol" in bases and any(keyword.arg == "version" for keyword in node.keywords)
    )


def _without_contracts(tree: ast.Module, text: str) -> tuple[str, set[str]]:
    """The text with plain protocols, and the names that were used in what was taken out."""
    names, edits, dropped = _calve_names(tree), Edits(text), set[str]()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef) or not _is_contract(node, names):
            continue
        kept = [base for base in node.bases if not (isinstance(base, ast.Name) and names.get(base.id) == "Contract")]
        ends = [*node.bases, *(keyword.value for keyword in node.keywords)]
        last = max(ends, key=lambda end: (end.end_lineno or 0, end.end_col_offset or 0))
        edits.replace(node.bases[0], last, ", ".join(ast.get_source_segment(text, base) or "" for base in kept))
        dropped |= names_in([*node.bases, *(keyword.value for keyword in node.keywords)])
        for method in node.body:
            for mark in getattr(method, "decorator_list", []):
                function = mark.func if isinstance(mark, ast.Call) else mark
                if isinstance(function, ast.Name) and names.get(function.id) in DROPPED:
                    edits.replace_lines(mark.lineno, mark.end_lineno or mark.lineno)
                    dropped |= names_in([mark])
    return edits.apply(), dropped


def _with_imports(text: str, support: str, wanted: frozenset[str], dropped: set[str]) -> str:
    """The text whose imports are those it needs, of the support package instead of Calve."""
    tree, edits = ast.parse(text), Edits(text)
    used = names_in(tree.body) | wanted
    ours: list[ast.ImportFrom] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom):
            continue
        indent = " " * node.col_offset
        if node.level == 0 and _is_calve(node.module or ""):
            if node.col_offset == 0:
                ours.append(node)
                continue
            kept = _kept(node, used, dropped)
            _put(edits, node, import_lines(support, _supported(kept), indent) if kept else f"{indent}pass")
        elif any((alias.asname or alias.name) in dropped - used for alias in node.names):
            kept = _kept(node, used, dropped)
            source = "." * node.level + (node.module or "")
            new = import_lines(source, [(alias.name, alias.asname) for alias in kept], indent) if kept else ""
            _put(edits, node, new or (f"{indent}pass" if indent else ""))
    every = [alias for node in ours for alias in _kept(node, used, dropped)]
    for node in ours:  # those of several rooms become one
        new = import_lines(support, _supported(every)) if node is ours[0] and every else ""
        _put(edits, node, new)
    return edits.apply()


def _kept(node: ast.ImportFrom, used: set[str] | frozenset[str], dropped: set[str]) -> list[ast.alias]:
    """What of an import stays: all but what was needed only by what was taken out."""
    return [
        alias
        for alias in node.names
        if (name := alias.asname or alias.name) in used or (name not in dropped and alias.name not in DROPPED)
    ]


def _supported(aliases: list[ast.alias]) -> list[tuple[str, str | None]]:
    names = {(SUPPORTED[alias.name], alias.asname or alias.name) for alias in aliases}
    return sorted(names, key=lambda pair: (not pair[0].isupper(), not pair[0][0].isupper(), pair[0]))


def _put(edits: Edits, node: ast.stmt, text: str) -> None:
    first, last = node.lineno, node.end_lineno or node.lineno
    if text:
        edits.replace_lines(first, last, text)
    else:
        edits.remove_lines(first, last)
