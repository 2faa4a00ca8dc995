"""Where stubs go within one service: a small abstract interpretation of its functions.

    value     Stub(service)            an instance of another service's contract
              Method(service, name)    one of its operations, called or handed on
              Instance(class)          an object of a class of this service
              Class, Function          something that can be called

Every name and attribute has a set of values, statements are read in any order and over and over until nothing is new:
a stub that is assigned in one branch counts in all of them. Only functions of the service itself and of shared code are
read, and only those that its operations reach.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .contracts import ClassSource, parameters
from .names import Symbol
from .source import Module, Place
from .territory import Application


class Stub(NamedTuple):
    """A stub of a service."""

    service: str


class Method(NamedTuple):
    """An operation of a stub."""

    service: str
    operation: str


class Instance(NamedTuple):
    """An object of a class."""

    cls: Symbol


class Class(NamedTuple):
    """A class."""

    cls: Symbol


class Function(NamedTuple):
    """A function, or a method of a class (that is then part of its identity)."""

    module: str
    cls: str | None
    name: str


Value = Stub | Method | Instance | Class | Function
Values = frozenset[Value]
NOTHING: Values = frozenset()

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Facts:
    """What is known of one function."""

    def __init__(self) -> None:
        self.parameters: defaultdict[str, set[Value]] = defaultdict(set)
        self.locals: defaultdict[str, set[Value]] = defaultdict(set)
        self.returns: set[Value] = set()
        self.calls: set[tuple[str, str, Place]] = set()
        """Service, operation, place."""
        self.escapes: set[tuple[str, Place]] = set()
        """Services whose stub goes where it cannot be followed."""
        self.uses: set[Function] = set()
        """Functions it calls or hands on."""

    def size(self) -> int:
        """Grows with everything that becomes known."""
        sets = [*self.parameters.values(), *self.locals.values()]
        return sum(map(len, sets)) + len(self.returns) + len(self.calls) + len(self.escapes) + len(self.uses)


class Flow:
    """The functions of one service, as far as its operations reach them."""

    def __init__(self, application: Application, service: str, implementation: ClassSource) -> None:
        self.application, self.service, self._implementation = application, service, implementation
        self.facts: defaultdict[Function, Facts] = defaultdict(Facts)
        self.attributes: defaultdict[tuple[Symbol, str], set[Value]] = defaultdict(set)
        self._nodes: dict[Function, tuple[FunctionNode, Module]] = {}
        init = self.method(implementation, "__init__")
        self.constructors = [init] if init is not None else []

    def method(self, cls: ClassSource, name: str) -> Function | None:
        """A method of a class or of what it inherits from; contracts have none that could be followed."""
        for found in self.application.classes.ancestry(cls):
            node = found.method(name)
            if node is not None and not self.application.classes.is_contract(found):
                return self._register(found.module, found.symbol.name, node)
        return None

    def function(self, symbol: Symbol) -> Function | None:
        """A function at the top level of a module that is read here."""
        module = self.application.sources.get(symbol.module)
        if module is None or not self.is_read(symbol.module):
            return None
        for node in module.tree.body:
            if isinstance(node, FunctionNode) and node.name == symbol.name:
                return self._register(module, None, node)
        return None

    def is_read(self, module: str) -> bool:
        """Whether code of a module is followed: the service's own, and shared code."""
        return self.application.owner(module) == self.service or self.application.is_shared(module)

    def _register(self, module: Module, cls: str | None, node: FunctionNode) -> Function:
        function = Function(module.name, cls, node.name)
        self._nodes.setdefault(function, (node, module))
        return function

    def is_property(self, function: Function) -> bool:
        """Whether a method is a property, so that naming it calls it."""
        node, _ = self._nodes[function]
        return any(
            getattr(d, "id", getattr(d, "attr", "")) in ("property", "cached_property") for d in node.decorator_list
        )

    def parameters(self, function: Function) -> list[ast.arg]:
        """Of a function, without `self` of a method."""
        node, _ = self._nodes[function]
        static = any(getattr(d, "id", "") == "staticmethod" for d in node.decorator_list)
        return parameters(node)[1 if function.cls and not static else 0 :]

    def annotated(self, function: Function, annotation: ast.expr | None) -> Values:
        """The value that an annotation stands for."""
        _, module = self._nodes[function]
        return self.value_of(self.application.classes.annotated(module.name, annotation))

    def value_of(self, cls: ClassSource | None) -> Values:
        """An object of a class: a stub when the class is the contract of another service."""
        if cls is None:
            return NOTHING
        service = self.application.service_of(cls)
        if service == self.service:
            return frozenset({Instance(self._implementation.symbol)})
        if service is not None:
            return frozenset({Stub(service)})
        return frozenset({Instance(cls.symbol)}) if self.is_read(cls.symbol.module) else NOTHING

    def node(self, function: Function) -> tuple[FunctionNode, Module]:
        """The source of a function."""
        return self._nodes[function]

    def selves(self, function: Function) -> Values:
        """What `self` can be in a method: its own class, and the implementation where that inherits it."""
        if function.cls is None:
            return NOTHING
        own = Symbol(function.module, function.cls)
        above = {cls.symbol for cls in self.application.classes.ancestry(self._implementation)}
        return frozenset({Instance(own)} | ({Instance(self._implementation.symbol)} if own in above else set()))

    def bases(self, function: Function) -> Values:
        """What `super()` can be in a method."""
        cls = self.application.classes.get(Symbol(function.module, function.cls))
        return NOTHING if cls is None else frozenset(Instance(s) for s in self.application.classes.bases(cls))

    def reachable(self, entries: Iterable[Function]) -> list[Function]:
        """The entries and what they use, directly or not."""
        found: dict[Function, None] = {}
        waiting = list(entries)
        while waiting:
            function = waiting.pop()
            if function not in found:
                found[function] = None
                waiting += sorted(self.facts[function].uses, key=str)
        return list(found)

    def size(self) -> int:
        """Grows with everything that becomes known."""
        return sum(f.size() for f in self.facts.values()) + sum(map(len, self.attributes.values()))

    def attribute(self, cls: Symbol, name: str) -> Iterator[Value]:
        """What an attribute of an object can be: assigned somewhere, annotated in the class, or a method."""
        found = self.application.classes.get(cls)
        if found is None:
            return
        for ancestor in self.application.classes.ancestry(found):
            yield from self.attributes[ancestor.symbol, name]
            for node in ancestor.node.body:  # dataclasses and the like
                if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
                    annotated = self.application.classes.annotated(ancestor.module.name, node.annotation)
                    yield from self.value_of(annotated)
        method = self.method(found, name)
        if method is not None:
            yield method
