"""Contracts and implementations as the source has them.

class Wallet(Contract, Protocol, version="1.0"):     a contract: a class with both bases
    @command(…) async def debit(…)                   an operation
class WalletService(Wallet):                         its implementation: a class that inherits it and is none itself
    def __init__(self, store: Store, rates: Rates)   what it declares that it calls
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from .names import Names, Symbol
from .source import Module, Place, Sources


class ClassSource(NamedTuple):
    """A class of the application."""

    symbol: Symbol
    node: ast.ClassDef
    module: Module

    @property
    def place(self) -> Place:
        """Where it is defined."""
        return self.module.place(self.node)

    def method(self, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """A method that the class itself defines."""
        for node in self.node.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
                return node
        return None


class Parameter(NamedTuple):
    """One parameter of a constructor."""

    name: str
    annotation: ast.expr | None
    module: Module
    place: Place


class Classes:
    """All classes at the top level of the application's modules."""

    def __init__(self, sources: Sources, names: Names) -> None:
        self.names = names
        self._by_symbol: dict[Symbol, ClassSource] = {}
        for module in sources.values():
            for node in module.tree.body:
                if isinstance(node, ast.ClassDef):
                    symbol = Symbol(module.name, node.name)
                    self._by_symbol[symbol] = ClassSource(symbol, node, module)

    def get(self, symbol: Symbol | None) -> ClassSource | None:
        """The class of that name, if it is one of the application's."""
        return None if symbol is None else self._by_symbol.get(symbol)

    def of(self, module: str) -> list[ClassSource]:
        """Classes of one module, in order."""
        return [found for symbol, found in self._by_symbol.items() if symbol.module == module]

    def bases(self, cls: ClassSource) -> list[Symbol]:
        """What it inherits from, as far as the names can be followed."""
        found = (self.names.dotted(cls.module.name, _plain(base)) for base in cls.node.bases)
        return [symbol for symbol in found if symbol is not None]

    def ancestry(self, cls: ClassSource) -> list[ClassSource]:
        """The class and those of the application it inherits from: depth first, each once."""
        order: dict[Symbol, ClassSource] = {}

        def visit(found: ClassSource | None) -> None:
            if found is not None and found.symbol not in order:
                order[found.symbol] = found
                for base in self.bases(found):
                    visit(self.get(base))

        visit(cls)
        return list(order.values())

    def is_contract(self, cls: ClassSource) -> bool:
        """Whether a class is a contract: `Protocol` among its bases, and `Contract` among its ancestors."""
        direct = {base.name for base in self.bases(cls) if base.module in ("typing", "typing_extensions")}
        if "Protocol" not in direct:
            return False
        above = [base for found in self.ancestry(cls) for base in self.bases(found)]
        return any(base.name == "Contract" and base.module.partition(".")[0] == "calve" for base in above)

    def operations(self, contract: ClassSource) -> dict[str, Place]:
        """Operations of a contract, with those it inherits."""
        found: dict[str, Place] = {}
        for cls in reversed(self.ancestry(contract)):
            for node in cls.node.body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and self._is_operation(cls, node):
                    found[node.name] = cls.module.place(node)
        return found

    def _is_operation(self, cls: ClassSource, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            symbol = self.names.dotted(cls.module.name, called)
            if symbol and symbol.name in ("command", "query") and symbol.module.partition(".")[0] == "calve":
                return True
        return False

    def constructor(self, cls: ClassSource) -> list[Parameter]:
        """What the constructor of a class asks for: parameters of `__init__`, or the fields of a dataclass."""
        for found in self.ancestry(cls):
            init = found.method("__init__")
            if init is not None:
                asked = parameters(init)[1:]
                return [Parameter(p.arg, p.annotation, found.module, found.module.place(p)) for p in asked]
            if any(_called_name(decorator) == "dataclass" for decorator in found.node.decorator_list):
                return [p for part in reversed(self.ancestry(found)) for p in _fields(part)]
        return []

    def annotated(self, module: str, annotation: ast.expr | None) -> ClassSource | None:
        """The class of the application that an annotation means: `Wallet`, `"Wallet"`, `Wallet | None`."""
        for name in _alternatives(annotation):
            found = self.get(self.names.dotted(module, name))
            if found is not None:
                return found
        return None


def _called_name(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def _fields(cls: ClassSource) -> Iterator[Parameter]:
    for node in cls.node.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield Parameter(node.target.id, node.annotation, cls.module, cls.module.place(node))


def _plain(node: ast.expr) -> ast.expr:
    """`Base[T]` -> `Base`."""
    return node.value if isinstance(node, ast.Subscript) else node


def _alternatives(node: ast.expr | None) -> Iterator[ast.expr]:
    match node:
        case ast.Name() | ast.Attribute():
            yield node
        case ast.Constant(value=str(text)):
            try:
                yield from _alternatives(ast.parse(text, mode="eval").body)
            except SyntaxError:
                return
        case ast.BinOp(op=ast.BitOr()):
            yield from _alternatives(node.left)
            yield from _alternatives(node.right)
        case ast.Subscript(value=ast.Name(id="Optional" | "Annotated"), slice=inner):
            yield from _alternatives(inner.elts[0] if isinstance(inner, ast.Tuple) else inner)
        case _:
            return


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    """Named parameters in order, `self` included, the keyword-only ones last."""
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
