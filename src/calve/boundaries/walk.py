"""Reading one function: what its expressions can be, whom it calls, and which stubs get out of sight."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from .flow import NOTHING, Class, Facts, Flow, Function, Instance, Method, Stub, Value, Values
from .names import Symbol
from .source import Module

ROUNDS_MAX = 50
"""Sets only grow and are small; real code is done after three or four rounds."""


def follow(flow: Flow, entries: Iterable[Function]) -> None:
    """Read what the entries reach until nothing new is found."""
    roots = list(entries)
    for _ in range(ROUNDS_MAX):
        before = flow.size()
        for function in flow.reachable(roots):
            read_function(flow, function)
        if flow.size() == before:
            return


def read_function(flow: Flow, function: Function) -> None:
    """Add to the facts of a function whatever can be known now."""
    facts, (node, module) = flow.facts[function], flow.node(function)
    for parameter in flow.parameters(function):
        facts.locals[parameter.arg] |= facts.parameters[parameter.arg]
        facts.locals[parameter.arg] |= flow.annotated(function, parameter.annotation)
    every = [*node.args.posonlyargs, *node.args.args]
    if function.cls is not None and every:
        facts.locals[every[0].arg] |= flow.selves(function)
    _Reader(flow, function, facts, module).block(node.body)


class _Reader:
    """Reads the statements of one function; nested functions and lambdas as if they were run where they stand."""

    def __init__(self, flow: Flow, function: Function, facts: Facts, module: Module) -> None:
        self._flow, self._function, self._facts, self._module = flow, function, facts, module

    def block(self, body: Iterable[ast.stmt]) -> None:
        for node in body:
            self._statement(node)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign():
                for target in node.targets:
                    self._assign(target, node.value)
            case ast.AnnAssign(value=ast.expr() as value):
                self._assign(node.target, value)
            case ast.Return(value=ast.expr() as value):
                self._facts.returns |= self.value(value)
            case ast.Expr():
                self._value_unless_used(node.value)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.block(node.body)
            case ast.Assert():
                self._value_unless_used(node.test)
            case ast.If() | ast.While():
                self._value_unless_used(node.test)
                self.block([*node.body, *node.orelse])
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    if item.optional_vars is None:
                        self._value_unless_used(item.context_expr)
                    else:
                        self._assign(item.optional_vars, item.context_expr)
                self.block(node.body)
            case _:
                self._parts(node)

    def _parts(self, node: ast.AST) -> None:
        """Statements and expressions of any other kind: read what is inside; a stub in there gets out of sight."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                self._statement(child)
            elif isinstance(child, ast.expr):
                self._lose(child)
            else:
                self._parts(child)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if (
            isinstance(target, ast.Tuple | ast.List)
            and isinstance(value, ast.Tuple | ast.List)
            and len(target.elts) == len(value.elts)
        ):
            for one, other in zip(target.elts, value.elts, strict=True):
                self._assign(one, other)
            return
        values = self.value(value)
        if isinstance(target, ast.Name):
            self._facts.locals[target.id] |= values
            return
        if isinstance(target, ast.Attribute):
            owners = [owner for owner in self.value(target.value) if isinstance(owner, Instance)]
            for owner in owners:
                self._flow.attributes[owner.cls, target.attr] |= values
            if owners:
                return
        self._escape(values, value)

    def _value_unless_used(self, node: ast.expr) -> None:
        """An expression whose value goes nowhere, or is only asked whether it is true."""
        if isinstance(node, ast.Compare | ast.BoolOp | ast.UnaryOp):
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self._value_unless_used(child)
        else:
            self.value(node)

    def _lose(self, node: ast.expr) -> None:
        self._escape(self.value(node), node)

    def _escape(self, values: Values, node: ast.expr) -> None:
        for value in values:
            if isinstance(value, Stub):
                self._facts.escapes.add((value.service, self._module.place(node)))

    def value(self, node: ast.expr) -> Values:
        """What an expression can be."""
        match node:
            case ast.Name():
                return self._name(node)
            case ast.Attribute():
                return self._attribute(self.value(node.value), node.attr, node)
            case ast.Call():
                return self._call(node)
            case ast.Await():
                return self.value(node.value)
            case ast.NamedExpr():
                self._assign(node.target, node.value)
                return self.value(node.value)
            case ast.IfExp():
                self._value_unless_used(node.test)
                return self.value(node.body) | self.value(node.orelse)
            case ast.BoolOp():
                return frozenset().union(*map(self.value, node.values))
            case ast.Compare() | ast.UnaryOp():
                self._value_unless_used(node)
                return NOTHING
            case ast.Lambda():
                self._lose(node.body)
                return NOTHING
            case _:
                self._parts(node)
                return NOTHING

    def _name(self, node: ast.Name) -> Values:
        if node.id in self._facts.locals:
            return frozenset(self._facts.locals[node.id])
        return self._symbol(self._flow.application.names.dotted(self._module.name, node))

    def _symbol(self, symbol: Symbol | None) -> Values:
        if symbol is None or symbol.name is None:
            return NOTHING
        cls = self._flow.application.classes.get(symbol)
        if cls is not None:
            return frozenset({Class(symbol)})
        function = self._flow.function(symbol)
        return NOTHING if function is None else self._use(function)

    def _use(self, function: Function) -> Values:
        """A function that is called or handed on: whoever gets it may call it."""
        self._facts.uses.add(function)
        return frozenset({function})

    def _attribute(self, owners: Values, name: str, node: ast.expr) -> Values:
        found: set[Value] = set()
        for owner in owners:
            if isinstance(owner, Stub):
                if not name.startswith("__"):
                    self._facts.calls.add((owner.service, name, self._module.place(node)))
                    found.add(Method(owner.service, name))
            elif isinstance(owner, Instance | Class):
                for value in list(self._flow.attribute(owner.cls, name)):
                    if isinstance(value, Function):
                        found |= self._use(value)
                        if self._flow.is_property(value):
                            found |= self._flow.facts[value].returns
                    else:
                        found.add(value)
        if not owners and isinstance(node, ast.Attribute):
            found |= self._symbol(self._flow.application.names.dotted(self._module.name, node))
        return frozenset(found)

    def _call(self, node: ast.Call) -> Values:
        if isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(node.args) > 1:
            name = node.args[1]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                return self._attribute(self.value(node.args[0]), name.value, node)
        if isinstance(node.func, ast.Name | ast.Attribute) and _last(node.func) == "cast" and len(node.args) == 2:
            cls = self._flow.application.classes.annotated(self._module.name, node.args[0])
            return self._flow.value_of(cls) or self.value(node.args[1])
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            return self._flow.bases(self._function)
        callees = self.value(node.func)
        followed, answers = False, set[Value]()
        for callee in callees:
            if isinstance(callee, Function):
                followed = True
                self._pass(callee, node)
                answers |= self._flow.facts[callee].returns
            elif isinstance(callee, Class):
                followed |= self._construct(callee, node)
                answers |= self._flow.value_of(self._flow.application.classes.get(callee.cls))
        if not followed:
            for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
                self._lose(argument.value if isinstance(argument, ast.Starred) else argument)
        return frozenset(answers)

    def _construct(self, callee: Class, node: ast.Call) -> bool:
        cls = self._flow.application.classes.get(callee.cls)
        if cls is None or not self._flow.is_read(callee.cls.module):
            return False
        init = self._flow.method(cls, "__init__")
        if init is not None:
            self._use(init)
            self._pass(init, node)
            return True
        fields = [
            n.target.id
            for found in reversed(self._flow.application.classes.ancestry(cls))
            for n in found.node.body
            if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)
        ]
        for name, argument in [*zip(fields, node.args, strict=False), *((k.arg, k.value) for k in node.keywords)]:
            if name in fields:
                self._flow.attributes[cls.symbol, str(name)] |= self.value(argument)
            else:
                self._lose(argument)
        return bool(fields)

    def _pass(self, callee: Function, node: ast.Call) -> None:
        """Hand the arguments to the parameters of a function that is followed."""
        names = [parameter.arg for parameter in self._flow.parameters(callee)]
        facts = self._flow.facts[callee]
        for place, argument in enumerate(node.args):
            if isinstance(argument, ast.Starred) or place >= len(names):
                self._lose(argument.value if isinstance(argument, ast.Starred) else argument)
            else:
                facts.parameters[names[place]] |= self.value(argument)
        for keyword in node.keywords:
            if keyword.arg in names:
                facts.parameters[keyword.arg] |= self.value(keyword.value)
            else:
                self._lose(keyword.value)


def _last(node: ast.Name | ast.Attribute) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id
