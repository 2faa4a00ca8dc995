"""Constructor injection by type, checked for the whole application before anything starts.

    def __init__(self, store: Store, wallet: Wallet, settings: OrderSettings, clock: Clock, log: Logger): ...

A parameter's type says what it gets: `Store` the service's own database, a contract a stub, a `Settings` subclass
this service's section, `Clock` and `Logger` those of the unit. Nothing is looked up by name, and there is no
registry: the composition root hands the Injector one provider per kind.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, get_type_hints

from ..contract import is_contract
from ..core.clock import Clock
from ..core.errors import ConfigError
from ..core.settings import Settings
from ..core.suggest import did_you_mean
from ..observe import Logger
from ..store import Store
from .loading import LoadedService

Provider = Callable[[str, type[Any]], Any]
"""`provider(service name, wanted type) -> object`."""


class Injector:
    """Builds services and middleware from their constructor's annotations.

    Args:
        stores, settings: Providers for `Store` and for subclasses of `Settings`.
        stubs: Provider for contracts.
        clock, logger: Providers for `Clock` and `Logger`.
    """

    def __init__(
        self, *, stores: Provider, settings: Provider, stubs: Provider, clock: Provider, logger: Provider
    ) -> None:
        self._stores, self._settings, self._stubs, self._clock, self._logger = stores, settings, stubs, clock, logger

    def build(self, service: str, cls: type[Any]) -> Any:
        """Construct `cls` for `service` (its store, its settings section).

        Raises: ConfigError: a parameter cannot be provided; names it and what can be.
        """
        arguments = {}
        for name, wanted in constructor_parameters(cls).items():
            arguments[name] = self._provider(cls, name, wanted)(service, wanted)
        return cls(**arguments)

    def _provider(self, cls: type[Any], name: str, wanted: Any) -> Provider:
        if wanted is Store:
            return self._stores
        if wanted is Clock:
            return self._clock
        if wanted is Logger:
            return self._logger
        if is_contract(wanted):
            return self._stubs
        if isinstance(wanted, type) and issubclass(wanted, Settings) and wanted is not Settings:
            return self._settings
        raise _cannot_inject(cls, name, wanted)


def constructor_parameters(cls: type[Any]) -> dict[str, Any]:
    """Parameters of the constructor that have to be injected, with their types.

    Raises: ConfigError: a parameter without annotation or default, or an annotation that cannot be resolved.
    """
    if cls.__init__ is object.__init__ or not inspect.isfunction(cls.__init__):
        return {}
    where = f"{cls.__module__}.{cls.__qualname__}.__init__"
    try:
        hints = get_type_hints(cls.__init__)
    except NameError as error:
        raise ConfigError(
            f"annotation cannot be resolved: {error}", where=where, fix="import the type outside TYPE_CHECKING"
        ) from error
    wanted: dict[str, Any] = {}
    for parameter in list(inspect.signature(cls.__init__).parameters.values())[1:]:
        if (
            parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            or parameter.default is not parameter.empty
        ):
            continue
        if parameter.name not in hints:
            raise ConfigError(f"parameter {parameter.name!r} has no annotation to inject by", where=where)
        wanted[parameter.name] = hints[parameter.name]
    return wanted


def dependency_graph(services: Sequence[LoadedService]) -> dict[str, set[str]]:
    """Which service calls which, from the constructors; services whose implementation is not loaded have no edges.

    Returns: service name -> names of the services whose contracts it takes.
    Raises: ConfigError: two services with one contract, a contract nobody implements, something that cannot be
        injected, a parameter that is an implementation instead of a contract, or a cycle (the path is drawn).
    """
    owners = _owners(services)
    implementations = {s.implementation: s for s in services if s.implementation}
    graph: dict[str, set[str]] = {}
    for service in services:
        edges = graph.setdefault(service.name, set())
        if service.implementation is None:
            continue
        for name, wanted in constructor_parameters(service.implementation).items():
            if wanted in implementations:
                raise ConfigError(
                    f"parameter {name!r} asks for {wanted.__name__}, an implementation",
                    where=f"{service.module}: {service.implementation.__name__}.__init__",
                    fix=f"ask for its contract {implementations[wanted].contract.name}",
                )
            if is_contract(wanted):
                edges.add(_owner(owners, service, name, wanted))
            elif not _injectable(wanted):
                raise _cannot_inject(service.implementation, name, wanted)
    _refuse_cycles(graph)
    return graph


def _owners(services: Sequence[LoadedService]) -> dict[str, LoadedService]:
    owners: dict[str, LoadedService] = {}
    for service in services:
        other = owners.setdefault(service.contract.name, service)
        if other is not service:
            raise ConfigError(
                f"contract {service.contract.name} is ambiguous: {other.module} and {service.module} both have it",
                where="calve.toml [app] services",
                fix="rename one of the contracts, or drop one of the services",
            )
    return owners


def _owner(owners: Mapping[str, LoadedService], service: LoadedService, parameter: str, wanted: type[Any]) -> str:
    owner = owners.get(wanted.__name__)
    if owner is None or owner.contract.cls is not wanted:
        assert service.implementation is not None
        raise ConfigError(
            f"{service.name} -> {parameter}: {wanted.__name__}: no service of this application implements it; "
            f"{did_you_mean(wanted.__name__, owners)}",
            where=f"{service.module}: {service.implementation.__name__}.__init__",
            fix="add the service to [app] services in calve.toml",
        )
    return owner.name


def _injectable(wanted: Any) -> bool:
    return wanted in (Store, Clock, Logger) or (
        isinstance(wanted, type) and issubclass(wanted, Settings) and wanted is not Settings
    )


def _cannot_inject(cls: type[Any], name: str, wanted: Any) -> ConfigError:
    shown = getattr(wanted, "__name__", str(wanted))
    known = ["Store", "Clock", "Logger", "Settings"]
    return ConfigError(
        f"parameter {name!r} of type {shown} cannot be injected; {did_you_mean(shown, known)}",
        where=f"{cls.__module__}.{cls.__qualname__}.__init__",
        fix="ask for a contract, Store, Clock, Logger or a subclass of Settings, or give the parameter a default",
    )


def _refuse_cycles(graph: Mapping[str, Iterable[str]]) -> None:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            cycle = " -> ".join((*path[path.index(name) :], name))
            raise ConfigError(
                f"services depend on each other in a circle: {cycle}",
                where="constructors",
                fix="let one of them publish an event, or move the shared part into a service of its own",
            )
        if name not in done:
            for callee in sorted(graph.get(name, ())):
                visit(callee, (*path, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())
