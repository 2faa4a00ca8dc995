"""Operations as their author wrote them: annotations and defaults as source, and the imports which that needs.

async def debit(self, owner: UUID, cents: Amount, reference: UUID) -> Balance: ...

parameters  owner: UUID, cents: Amount, reference: UUID       answer  Balance
imports     from uuid import UUID; from shop.wallet.contract import Amount, Balance
"""

from __future__ import annotations

import ast
import builtins
import sys
from typing import Any, NamedTuple

from ..boundaries.source import Module, Sources
from ..contract import ContractInfo, Operation
from .names import SUPPORTED
from .text import import_lines, names_in


class Parameter(NamedTuple):
    """One parameter."""

    name: str
    annotation: str
    default: str | None
    keyword: bool

    def shown(self) -> str:
        """As in a signature."""
        return f"{self.name}: {self.annotation}" + ("" if self.default is None else f" = {self.default}")

    def passed(self, value: str) -> str:
        """As in a call."""
        return f"{self.name}={value}" if self.keyword else value


class Signature(NamedTuple):
    """One operation."""

    operation: Operation
    parameters: tuple[Parameter, ...]
    answer: str
    """Type of the answer, or of one item of a stream."""
    raises: tuple[str, ...]
    doc: str


class Imports:
    """The imports of a generated module, collected while it is written.

    Args:
        support: Name of the support package.
        project: Top packages of the project that go along.
    """

    def __init__(self, support: str, project: frozenset[str]) -> None:
        self._support, self._ours = support, {support, *project}
        self._plain: set[str] = set()
        self._from: dict[str, set[tuple[str, str | None]]] = {}

    def add(self, module: str, name: str, alias: str | None = None) -> None:
        """`from module import name as alias`."""
        self._from.setdefault(module, set()).add((name, alias))

    def drop(self, module: str, name: str) -> None:
        """Take back what was added."""
        self._from[module].discard((name, None))
        if not self._from[module]:
            del self._from[module]

    def add_module(self, text: str) -> None:
        """`import x`, as it is written."""
        self._plain.add(text)

    def names(self) -> set[str]:
        """What the module has by them."""
        return {alias or name for names in self._from.values() for name, alias in names}

    def text(self) -> str:
        """The statements, in the order of linters: standard library, others, the project, this package."""
        modules = {name: self._line(name) for name in self._from} | {text.split()[1]: text for text in self._plain}
        sections: list[list[tuple[bool, str, str]]] = [[], [], [], []]
        for name, line in modules.items():
            sections[self._section(name)].append((line.startswith("from"), name, line))
        return "\n\n".join("\n".join(line for *_, line in sorted(section)) for section in sections if section)

    def _section(self, name: str) -> int:
        top = name.partition(".")[0]
        if not top:
            return 3
        return 2 if top in self._ours else 0 if top in sys.stdlib_module_names else 1

    def _line(self, module: str) -> str:
        names = sorted(self._from[module], key=lambda pair: (not pair[0].isupper(), not pair[0][0].isupper(), pair[0]))
        return import_lines(module, names)

    def need(self, sources: Sources, module: Module, names: set[str]) -> None:
        """Import what `names` mean in a module of the project, from where that has them."""
        bound = _bound(module)
        for name in names:
            node = bound.get(name)
            if node is None:
                if not hasattr(builtins, name) or name in _defined(module):
                    self.add(module.name, name)
            elif isinstance(node, ast.Import):
                alias = next(a for a in node.names if (a.asname or a.name.partition(".")[0]) == name)
                self.add_module(f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else ""))
            else:
                alias = next(a for a in node.names if (a.asname or a.name) == name)
                self._need_from(module.absolute(node.level, node.module), alias)

    def _need_from(self, origin: str, alias: ast.alias) -> None:
        if origin.partition(".")[0] == "calve":
            self.add(self._support, SUPPORTED[alias.name], alias.asname)
        else:
            self.add(origin, alias.name, alias.asname)

    def need_class(self, kind: type[Any]) -> str:
        """Import a class of the project; returns what it is called then."""
        self.add(kind.__module__, kind.__qualname__.partition(".")[0])
        return kind.__qualname__


def signatures(info: ContractInfo, sources: Sources, imports: Imports) -> list[Signature]:
    """The operations of a contract, in the order of declaration; `imports` gets what their types need."""
    found = []
    for name, operation in info.operations.items():
        owner = next(base for base in info.cls.__mro__ if name in vars(base))
        module = sources[owner.__module__]
        method = _method(module.tree, owner.__qualname__, name)
        found.append(_signature(operation, method, module, sources, imports))
    return found


def _method(tree: ast.Module, cls: str, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef:
    nodes = (n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == cls.rpartition(".")[2])
    return next(
        method
        for node in nodes
        for method in node.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and method.name == name
    )


def _signature(
    operation: Operation,
    method: ast.FunctionDef | ast.AsyncFunctionDef,
    module: Module,
    sources: Sources,
    imports: Imports,
) -> Signature:
    text = module.path.read_text(encoding="utf-8")
    arguments, defaults = method.args, _defaults(method.args)
    parameters, used = [], []
    for argument in [*arguments.args[1:], *arguments.kwonlyargs]:
        default = defaults.get(argument.arg)
        assert argument.annotation is not None, "checked when the contract is described"
        used += [argument.annotation, *([default] if default else [])]
        shown = None if default is None else _source(text, default)
        keyword = argument in arguments.kwonlyargs
        parameters.append(Parameter(argument.arg, _source(text, argument.annotation), shown, keyword))
    answer = method.returns
    if operation.streaming and isinstance(answer, ast.Subscript):
        answer = answer.slice
    assert answer is not None, "checked when the contract is described"
    imports.need(sources, module, names_in([*used, answer]))
    raises = tuple(imports.need_class(error) for error in operation.raises)
    return Signature(operation, tuple(parameters), _source(text, answer), raises, operation.doc)


def _defaults(arguments: ast.arguments) -> dict[str, ast.expr]:
    plain = arguments.args[len(arguments.args) - len(arguments.defaults) :]
    found = dict(zip([a.arg for a in plain], arguments.defaults, strict=True))
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return found | {argument.arg: default for argument, default in pairs if default is not None}


def _source(text: str, node: ast.expr) -> str:
    """An expression as it is written, on one line."""
    segment = ast.get_source_segment(text, node) or ast.unparse(node)
    return segment if "\n" not in segment else ast.unparse(node)


def _bound(module: Module) -> dict[str, ast.Import | ast.ImportFrom]:
    found: dict[str, ast.Import | ast.ImportFrom] = {}
    for node in module.nodes:
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name.partition(".")[0]: node for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: node for alias in node.names}
    return found


def _defined(module: Module) -> set[str]:
    return {node.name for node in module.tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
