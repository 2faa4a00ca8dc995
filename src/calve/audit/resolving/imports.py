"""Edges between modules that the language itself makes: imports, the names that are used, and base classes."""

from __future__ import annotations

from collections.abc import Iterator

from ..base import Confidence, Edge, EdgeKind
from .modules import Modules, Symbol


def import_edges(modules: Modules) -> Iterator[Edge]:
    """One edge per imported name, to the module that is named, as the interpreter would load it."""
    for module, facts in modules.facts.items():
        path = modules.files[module].path
        for fact in facts.imports:
            found = modules.imported(module, fact)
            if isinstance(found, str):
                found = _nearest(modules, found)
            if isinstance(found, Symbol) and found.module != module:
                same = fact.level or fact.module.partition(".")[0] == found.module.partition(".")[0]
                confidence: Confidence = "exact" if same else "inferred"
                yield Edge(module, found.module, "import", confidence, found.name, path, fact.line, fact.when)


def _nearest(modules: Modules, dotted: str) -> Symbol | str:
    """What is loaded on the way to a module that is not there, such as a generated or an optional one."""
    around = dotted
    while around and not modules.is_module(around):
        around = around.rpartition(".")[0]
    return Symbol(around, "") if around else dotted


def name_edges(modules: Modules) -> Iterator[Edge]:
    """One edge per line on which something first-party is used, to the module that defines it."""
    for module, facts in modules.facts.items():
        path = modules.files[module].path
        bases = {(base, line) for cls in facts.classes for base in cls.bases for line in (cls.line,)}
        for dotted, line in facts.uses:
            found = modules.resolve(module, dotted)
            if not isinstance(found, Symbol) or found.module == module:
                continue
            kind: EdgeKind = "inherits" if (dotted, line) in bases else "name"
            yield Edge(module, found.module, kind, "exact", found.name, path, line)
