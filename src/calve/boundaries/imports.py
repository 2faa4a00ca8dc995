"""The rules about imports: a service imports of another only its contract, and no module is nobody's.

import     a module uses something private of another service
contract   the contract of a service loads its implementation, so that every caller does
unowned    a module is in no service and not declared as shared
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .base import Note, Violation
from .names import Symbol, name_given
from .source import Place
from .territory import Application, below
from .texts import HOLE, text_of


def check_imports(application: Application) -> Iterator[Violation]:
    """Find everything that is imported across a boundary it may not cross."""
    for module in application.sources:
        found: dict[str, Violation] = {}
        for used, place in _used(application, module):
            violation = _crossing(application, module, used, place)
            if violation is not None:
                found.setdefault(violation.what, violation)
        yield from found.values()


def _used(application: Application, module: str) -> Iterator[tuple[Symbol, Place]]:
    """Everything of the application that a module names: its imports, and modules reached by attributes."""
    for found in application.names.imports[module]:
        used = Symbol(found.module, found.name)
        # What a contract passes on is part of it, wherever in its service it is defined.
        passed = application.names.way(used)[:-1]
        if not any(application.owner(s.module) is not None and application.is_public(s) for s in passed):
            yield application.names.follow(used), found.place
    yield from _attributes(application, module)


def _attributes(application: Application, module: str) -> Iterator[tuple[Symbol, Place]]:
    """`shop.wallet.service.X` after `import shop.wallet.contract`: a module that no import of this file names."""
    source, names = application.sources[module], application.names
    roots = {name for name, symbol in names.bound(module).items() if symbol.name is None}
    roots |= {name for name in names.bound(module) if names.resolve(module, name).name is None}
    told: set[ast.AST] = set()  # parts of what was told already: outer nodes come before inner ones
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and node not in told and _root(node) in roots:
            symbol = names.dotted(module, node)
            if symbol is not None and symbol.module in application.sources and _is_beyond(application, symbol):
                told.update(ast.walk(node))
                yield symbol, source.place(node)
    for node in source.nodes:
        if isinstance(node, ast.Subscript) and _is_loaded_modules(node.value) and isinstance(node.slice, ast.Constant):
            yield Symbol(str(node.slice.value), None), source.place(node)


def _is_beyond(application: Application, symbol: Symbol) -> bool:
    """Whether a symbol is something in a module, rather than a package on the way to one."""
    return symbol.name is not None or not application.sources[symbol.module].is_package


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_loaded_modules(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "modules" and getattr(node.value, "id", "") == "sys"


def _crossing(application: Application, module: str, used: Symbol, place: Place) -> Violation | None:
    here, there = application.owner(module), application.owner(used.module)
    if there is None or there == here or not application.sources.knows(used.module):
        return None
    if _may_be_used(application, module, used):
        return None
    contract = application.contract_module(there)
    thing = f"{used.module}.{used.name}" if used.name not in (None, "*") else used.module
    who = here or ("shared code" if application.is_shared(module) else f"{module}, which is in no service,")
    if contract is None:
        fix = f"{there} is an adopted application and has no contract; call it over HTTP, or give it one"
    elif here is None:
        fix = f"shared code may import contracts only: move it into {there}, or what it needs out of there"
    else:
        promised = application.contract(there)
        shown = contract if promised is None else f"{promised.symbol.module}.{promised.node.name}"
        fix = f"import its contract, {shown}, and ask for it in the constructor"
    message = f"{who} imports {thing}, which is private to {there}"
    return Violation(rule="import", what=f"{module} -> {thing}", place=place, message=message, fix=fix)


def _may_be_used(application: Application, module: str, used: Symbol) -> bool:
    if used.name != "*":
        return application.is_public(used)
    # Everything of a file that is contract and implementation at once includes the implementation.
    owner = application.owner(used.module)
    assert owner is not None, "what nobody owns is no crossing"
    return application.is_public(used) and application.contract_module(owner) != application.services[owner].package


def computed_imports(application: Application) -> Iterator[Note]:
    """Find imports whose text is made at run time: whose module that is nobody can tell."""
    for module in application.sources.values():
        for node in module.nodes:
            if isinstance(node, ast.Call) and (given := name_given(node)) is not None:
                text = text_of(given)
                if text is None or HOLE in text:
                    yield Note(module.place(node), "imports a module that is named at run time only; taken for allowed")


def check_contracts(application: Application) -> Iterator[Violation]:
    """Find contracts that load the implementation behind them when somebody imports them."""
    for service in application.services.values():
        contract = application.contract_module(service.name)
        private = f"{service.package}.service"
        if contract is None or private not in application.sources:
            continue
        waiting = [name for name in (service.package, contract) if name in application.sources]
        seen = set(waiting)
        while waiting:
            module = waiting.pop()
            for found in application.names.imports[module]:
                if found.typing_only or found.deferred:
                    continue
                inside = Symbol(f"{found.module}.{found.name}", None).module
                target = inside if inside in application.sources else found.module
                if target == private:
                    yield Violation(
                        rule="contract",
                        what=f"{module} -> {private}",
                        place=found.place,
                        message=f"{module} imports {private}, so whoever imports the contract of {service.name} loads"
                        " its implementation",
                        fix="drop the import; move what both need into the contract",
                    )
                elif target in application.sources and below(target, service.package) and target not in seen:
                    seen.add(target)
                    waiting.append(target)


def check_owners_of_modules(application: Application) -> Iterator[Violation]:
    """Find modules that are in no service and not shared; empty packages around services do not count."""
    for name, module in application.sources.items():
        if application.owner(name) is None and not application.is_shared(name) and not module.is_empty:
            yield Violation(
                rule="unowned",
                what=name,
                place=Place(module.path, 1),
                message=f"{name} belongs to no service",
                fix=f'move it into a service, or declare it: [check] shared = ["{name}"]',
            )
