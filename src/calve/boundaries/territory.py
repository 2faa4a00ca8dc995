"""Which module belongs to which service, and what others may see of it.

shop.wallet           wallet     private                     wallet.contract is what others may import
shop.wallet.contract  wallet     public
legacy.main           legacy     private                     adopted: there is no contract
shop.signals          shared     `[check] shared`
shop                  nobody's   fine while there is nothing in it
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from ..core.errors import ConfigError
from ..core.suggest import did_you_mean
from ..runtime import AppConfig
from .contracts import Classes, ClassSource
from .names import Names, Symbol
from .source import Place, Sources, read_sources


class ServiceSource(msgspec.Struct, frozen=True):
    """A service as the source has it."""

    name: str
    package: str
    """Dotted; whatever is below it belongs to the service."""
    adopted: bool = False
    """An existing application: private as a whole."""
    contract: str | None = None
    """Module of the contract, where somebody else's HTTP service fulfils it; None: where every service has it."""


class Application:
    """The parsed application.

    Attributes:
        sources: Its modules.
        names: What names in them mean.
        classes: Their classes.
        services: By name, in the order of calve.toml.
    """

    def __init__(self, config: AppConfig) -> None:
        self.config = config
        self.services = {s.name: s for s in _services(config)}
        self.sources: Sources = read_sources(config.root, [s.package for s in self.services.values()])
        self.names = Names(self.sources)
        self.classes = Classes(self.sources, self.names)
        self.shared = _shared(config, self.sources)
        self._owners = {name: self._find_owner(name) for name in self.sources}
        self._contracts = {name: self._find_contract(service) for name, service in self.services.items()}

    def owner(self, module: str) -> str | None:
        """Name of the service that a module belongs to; None: to none."""
        return self._owners[module] if module in self._owners else self._find_owner(module)

    def _find_owner(self, module: str) -> str | None:
        holding = [s for s in self.services.values() if below(module, s.package)]
        return max(holding, key=lambda s: len(s.package)).name if holding else None

    def module_at(self, place: Place) -> str:
        """Dotted name of the module that a place is in."""
        return next((name for name, module in self.sources.items() if module.path == place.path), place.path.name)

    def is_shared(self, module: str) -> bool:
        """Whether `[check] shared` names a module or a package it is in."""
        return any(below(module, shared) for shared in self.shared)

    def modules_of(self, service: str) -> list[str]:
        """Modules of one service."""
        return [name for name, owner in self._owners.items() if owner == service]

    def contract_module(self, service: str) -> str | None:
        """The module others may import: `shop.wallet.contract`, or the only one there is; None for what was adopted."""
        source = self.services[service]
        if source.adopted or source.contract:
            return source.contract
        inside = f"{source.package}.contract"
        return inside if self.sources.knows(inside) else source.package

    def is_public(self, symbol: Symbol) -> bool:
        """Whether other services may use what a service's module has: see the module."""
        owner = self.owner(symbol.module)
        contract = None if owner is None else self.contract_module(owner)
        if owner is None or contract is None:
            return owner is None
        if contract != self.services[owner].package:
            return below(symbol.module, contract)
        # The file as a whole may be imported; what is then taken from it is looked at one by one.
        return symbol.module == contract and (symbol.name is None or symbol.name in self._public_names(owner))

    def _public_names(self, service: str) -> set[str]:
        """In a service of a single file: the contract and whatever of the file it mentions, directly or not."""
        contract = self._contracts[service]
        if contract is None:
            return set()
        body = {name: node for node in contract.module.tree.body for name in _named(node)}
        found: set[str] = set()
        waiting = [contract.node.name]
        while waiting:
            name = waiting.pop()
            if name not in found and name in body:
                found.add(name)
                waiting += [n.id for n in ast.walk(body[name]) if isinstance(n, ast.Name)]
                waiting += [w for n in ast.walk(body[name]) for w in _forward(n)]
        return found

    def contract(self, service: str) -> ClassSource | None:
        """The contract of a service; None when it has none, or not exactly one."""
        return self._contracts[service]

    def _find_contract(self, service: ServiceSource) -> ClassSource | None:
        module = self.contract_module(service.name)
        found = [c for c in self.classes.of(module or "") if self.classes.is_contract(c)]
        return found[0] if len(found) == 1 else None

    def service_of(self, contract: ClassSource | None) -> str | None:
        """The service whose contract a class is."""
        return next((n for n, c in self._contracts.items() if c is not None and c is contract), None)

    def implementation(self, service: str) -> ClassSource | None:
        """The class that implements a service's contract: the most derived one of its module."""
        contract = self._contracts[service]
        if contract is None:
            return None
        package = self.services[service].package
        module = f"{package}.service" if f"{package}.service" in self.sources else package
        above = {c.symbol: self.classes.ancestry(c)[1:] for c in self.classes.of(module)}
        found = [c for c in self.classes.of(module) if contract in above[c.symbol] and not self.classes.is_contract(c)]
        found = [c for c in found if not any(c in others for others in above.values())]
        return found[0] if len(found) == 1 else None

    def wants_store(self, service: str) -> bool:
        """Whether a service's constructor asks for its database."""
        implementation = self.implementation(service)
        for parameter in [] if implementation is None else self.classes.constructor(implementation):
            annotation = parameter.annotation
            symbol = None if annotation is None else self.names.dotted(parameter.module.name, annotation)
            if symbol is not None and symbol.name == "Store" and symbol.module.partition(".")[0] == "calve":
                return True
        return False

    def declared(self, service: str) -> dict[str, tuple[str, Place]]:
        """What a service declares that it calls: service -> parameter of its constructor, and where that is.

        For an adopted service, what `[service.<name>] calls` lists; the place is calve.toml.
        """
        if self.services[service].adopted:
            place = place_of(self.config.file.path, self.config.file.where(f"service.{service}", "calls"))
            return dict.fromkeys(self.config.adopted[service].calls, ("calls", place))
        implementation = self.implementation(service)
        found = {}
        for parameter in [] if implementation is None else self.classes.constructor(implementation):
            callee = self.service_of(self.classes.annotated(parameter.module.name, parameter.annotation))
            if callee is not None and callee != service:
                found[callee] = (parameter.name, parameter.place)
        return found


def place_of(path: Path, where: str) -> Place:
    """`calve.toml:12`, as errors have it, as a place in the file."""
    line = where.rpartition(":")[2]
    return Place(path, int(line) if line.isdigit() else 1)


def below(module: str, package: str) -> bool:
    """Whether a module is a package, or something in it."""
    return module == package or module.startswith(f"{package}.")


def _named(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (t.id for t in node.targets if isinstance(t, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id
    elif type(node).__name__ == "TypeAlias":  # `type N = X`, Python 3.12 and newer
        yield node.name.id  # type: ignore[attr-defined]


def _forward(node: ast.AST) -> Sequence[str]:
    """Names in an annotation that is written as text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
        return (node.value,)
    return ()


def _services(config: AppConfig) -> Iterator[ServiceSource]:
    for name, package in config.services.items():
        yield ServiceSource(name, package)
    for name, adopted in config.adopted.items():
        module = (adopted.asgi or adopted.wsgi or "").partition(":")[0]
        yield ServiceSource(name, module.rpartition(".")[0] or module, adopted=True)
    for name, remote in config.remotes.items():
        module = remote.contract.partition(":")[0]
        yield ServiceSource(name, module.rpartition(".")[0] or module, contract=module)


def _shared(config: AppConfig, sources: Sources) -> tuple[str, ...]:
    for name in config.check.shared:
        if not sources.knows(name):
            where = config.file.where("check", "shared")
            raise ConfigError(f"[check] shared: no module {name!r}", where=where, fix=did_you_mean(name, sources))
    return config.check.shared
