"""What names mean: imports of a module, and where a name is defined in the end.

    from ..wallet import Wallet          Import("shop.wallet", "Wallet")
    import shop.wallet.contract as w     Import("shop.wallet.contract", None)
    importlib.import_module("shop.x")    Import("shop.x", None)
    pkgutil.resolve_name("shop.x:Y")     Import("shop.x", "Y")

Names are followed through re-exports (`from .contract import Wallet` in a package's `__init__`) and star imports.
Scopes within a module are not told apart: a name that is imported in a function counts for the whole file.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from .source import Module, Place, Sources
from .texts import HOLE, text_of

STAR = "*"
MODULES_BY_TEXT = frozenset({"import_module", "__import__", "run_module"})
OBJECTS_BY_TEXT = frozenset({"resolve_name", "import_string", "import_from_string", "load_object"})
"""Functions that import what a text names, of the standard library and of well-known others."""


class Import(NamedTuple):
    """One thing that a module imports."""

    module: str
    """Dotted, absolute."""
    name: str | None
    """What of it; None for the module itself, `*` for everything."""
    place: Place
    typing_only: bool = False
    """Below `if TYPE_CHECKING:`; it never runs."""
    deferred: bool = False
    """Inside a function: it runs when that is called."""


class Symbol(NamedTuple):
    """Where a name is defined: in a module; the module itself when `name` is None."""

    module: str
    name: str | None


def imports_of(module: Module) -> list[Import]:
    """Every import of a module, in the order of its lines; `import_module("literal")` and the like included."""
    return sorted(_imports(module, module.tree, False, False), key=lambda found: found.place.line)


def _imports(module: Module, parent: ast.AST, typing_only: bool, deferred: bool) -> Iterator[Import]:
    for node in ast.iter_child_nodes(parent):
        place = module.place(node)
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, None, place, typing_only, deferred)
        elif isinstance(node, ast.ImportFrom):
            base = module.absolute(node.level, node.module)
            for alias in node.names if base else ():
                yield Import(base, alias.name, place, typing_only, deferred)
        elif isinstance(node, ast.Call) and (found := _by_text(module, node)) is not None:
            yield Import(*found, place, typing_only, deferred)
        if isinstance(node, ast.If) and _mentions_type_checking(node.test):
            for child in node.body:
                yield from _imports(module, ast.Module([child], []), True, deferred)
            yield from _imports(module, ast.Module(node.orelse, []), typing_only, deferred)
            continue
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _imports(module, node, typing_only, deferred or inside)


def _mentions_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def name_given(call: ast.Call) -> ast.expr | None:
    """What a call that imports by a text is given as that text; None for other calls."""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return call.args[0] if called in MODULES_BY_TEXT | OBJECTS_BY_TEXT and call.args else None


def _by_text(module: Module, call: ast.Call) -> tuple[str, str | None] | None:
    """Module and name that a call imports by a text; None for other calls, and for texts made at run time."""
    given = name_given(call)
    text = None if given is None else text_of(given)
    if text is None or HOLE in text:
        return None
    level = len(text) - len(text.lstrip("."))
    dotted, _, name = text[level:].partition(":")
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if called in OBJECTS_BY_TEXT and not name:
        dotted, _, name = dotted.rpartition(".")
    found = module.absolute(level, dotted or None)
    return (found, name.partition(".")[0] or None) if found else None


class Names:
    """Names of all modules of an application."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self.imports: dict[str, list[Import]] = {name: imports_of(module) for name, module in sources.items()}
        self._bound = {name: dict(_bindings(module)) for name, module in sources.items()}
        self._defined = {name: set(_definitions(module)) for name, module in sources.items()}

    def bound(self, module: str) -> dict[str, Symbol]:
        """What the import statements of a module bind, by name."""
        return self._bound.get(module, {})

    def resolve(self, module: str, name: str) -> Symbol:
        """Where what a module calls `name` is defined; the name in this module when nothing better is known."""
        return self._resolve(Symbol(module, name), {})

    def follow(self, symbol: Symbol) -> Symbol:
        """Where a symbol is defined in the end."""
        return self._resolve(symbol, {})

    def way(self, symbol: Symbol) -> list[Symbol]:
        """The symbols that are passed when one is followed, the last being where it is defined."""
        seen: dict[Symbol, None] = {}
        end = self._resolve(symbol, seen)
        return [*(s for s in seen if s != end), end]

    def _resolve(self, symbol: Symbol, seen: dict[Symbol, None]) -> Symbol:
        module, name = symbol
        if name is None or symbol in seen or module not in self._sources:
            return self._as_module(symbol)
        seen[symbol] = None
        bound = self._bound[module].get(name)
        if bound is not None and bound != symbol:  # `from . import x` in a package binds x to itself
            return self._resolve(bound, seen)
        if name in self._defined[module]:
            return symbol
        if self._sources.knows(f"{module}.{name}"):
            return Symbol(f"{module}.{name}", None)
        for found in self.imports[module]:
            if found.name == STAR:
                behind = self._resolve(Symbol(found.module, name), seen)
                if behind.name is None or behind.name in self._defined.get(behind.module, ()):
                    return behind
        return symbol

    def _as_module(self, symbol: Symbol) -> Symbol:
        module, name = symbol
        if name is not None and module not in self._sources and self._sources.knows(f"{module}.{name}"):
            return Symbol(f"{module}.{name}", None)
        return symbol

    def dotted(self, module: str, node: ast.expr) -> Symbol | None:
        """What `a.b.C` means in a module; None when its first part is no import and no definition of the module."""
        if isinstance(node, ast.Name):
            if node.id in self._bound[module] or node.id in self._defined[module]:
                return self.resolve(module, node.id)
            found = self.resolve(module, node.id)
            return found if found != Symbol(module, node.id) else None
        if isinstance(node, ast.Attribute):
            base = self.dotted(module, node.value)
            return self.follow(Symbol(base.module, node.attr)) if base is not None and base.name is None else None
        return None


def _bindings(module: Module) -> Iterator[tuple[str, Symbol]]:
    for node in module.nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (
                    alias.asname or alias.name.partition(".")[0],
                    Symbol(alias.name if alias.asname else alias.name.partition(".")[0], None),
                )
        elif isinstance(node, ast.ImportFrom) and (base := module.absolute(node.level, node.module)):
            for alias in node.names:
                if alias.name != STAR:
                    yield alias.asname or alias.name, Symbol(base, alias.name)


def _definitions(module: Module) -> Iterator[str]:
    """Names that the module itself makes, at its top level."""
    waiting: list[ast.stmt] = list(module.tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif type(node).__name__ == "TypeAlias":  # `type N = X`, Python 3.12 and newer
            yield node.name.id  # type: ignore[attr-defined]
        elif isinstance(node, ast.If | ast.Try | ast.With):
            waiting += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
            for handler in getattr(node, "handlers", ()):
                waiting += handler.body
