"""An application: the services of one process, wired to each other and callable. It opens no socket."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from ..contract import Endpoint
from ..core.clock import Clock, SystemClock
from ..core.deadline import TimerWheel
from ..core.errors import ConfigError
from ..core.suggest import did_you_mean
from ..observe import Logger, Registry, Tracing
from ..runtime import AppConfig
from ..service import (
    Chain,
    Injector,
    LoadedService,
    Middleware,
    RemoteCaller,
    dependency_graph,
    load_object,
    load_service,
    make_stub,
    remote_endpoints,
)
from ..service.injection import constructor_parameters
from ..store import SqliteStore, Store, StoreMetrics, load_schema, sqlite_path

T = TypeVar("T")


class Base(NamedTuple):
    """What every part of one process shares. Made inside the running event loop."""

    wheel: TimerWheel
    clock: Clock
    registry: Registry
    tracing: Tracing
    log: Logger

    @classmethod
    def make(
        cls, *, clock: Clock | None = None, registry: Registry | None = None, tracing: Tracing | None = None
    ) -> Base:
        """Make the parts; the real clock and no tracing unless given."""
        clock = clock or SystemClock()
        wheel = TimerWheel(asyncio.get_running_loop(), clock.monotonic)
        return cls(wheel, clock, registry or Registry(), tracing or Tracing.off(), Logger("calve"))


class Application:
    """The services of one process.

    Args:
        config: The project.
        hosted: Names of the services that run here; the others are called through `remote`.
        base: What the parts share.
        remote: Carries calls to services that are not hosted; None when nothing here calls any.
        progress: Told each step of the start, such as `opening the store of wallet`.
    """

    def __init__(
        self,
        config: AppConfig,
        hosted: Collection[str],
        base: Base,
        remote: RemoteCaller | None = None,
        *,
        progress: Callable[[str], None] = lambda step: None,
    ) -> None:
        self.config, self.base, self._remote, self._progress = config, base, remote, progress
        self.hosted = [name for name in config.services if name in hosted]
        self.services: dict[str, LoadedService] = {}
        self.endpoints: dict[str, dict[str, Endpoint]] = {}
        """Service -> operation -> endpoint, hosted or reachable through `remote`; filled by `start`."""
        self._instances: dict[str, Any] = {}
        self.stores: dict[str, SqliteStore] = {}
        self._stubs: dict[type[Any], Any] = {}
        self._started: list[str] = []

    async def start(self) -> None:
        """Load, check, construct and start everything, dependencies first.

        Raises: ConfigError: what is wrong before anything ran. What was opened until then is closed again.
        """
        try:
            self._load()
            order = start_order(dependency_graph(list(self.services.values())))
            injector = self._injector()
            chain = self._chain(injector)
            for name in order:
                await self._construct(self.services[name], injector, chain)
            for name in order:
                await self._start_service(name)
        except BaseException:
            await self.stop()
            raise

    def _load(self) -> None:
        for name, dotted in self.config.services.items():
            self.services[name] = load_service(dotted, hosted=name in self.hosted)

    def _injector(self) -> Injector:
        return Injector(
            stores=lambda service, _: self.stores[service],
            settings=lambda service, kind: self.config.service_settings(service, kind),
            stubs=self._stub_for,
            clock=lambda *_: self.base.clock,
            logger=lambda service, _: Logger(self.config.services.get(service, service), service=service),
        )

    def _chain(self, injector: Injector) -> Chain:
        where = "calve.toml [app] middleware"
        middleware: list[Middleware] = []
        for reference in self.config.app.middleware:
            made = load_object(reference, where=where)
            middleware.append(injector.build("app", made) if isinstance(made, type) else made)
        base = self.base
        return Chain(
            wheel=base.wheel,
            clock=base.clock,
            registry=base.registry,
            tracing=base.tracing,
            log=base.log,
            middleware=middleware,
        )

    async def _construct(self, service: LoadedService, injector: Injector, chain: Chain) -> None:
        base, info, name = self.base, service.contract, service.name
        if service.implementation is None:
            if self._remote is None:
                return
            endpoints = remote_endpoints(
                info, name, self._remote, clock=base.clock, registry=base.registry, tracing=base.tracing
            )
        else:
            if wants_store(service):
                self.stores[name] = await self._open_store(service)
            instance = self._instances[name] = injector.build(name, service.implementation)
            endpoints = {
                operation.name: chain.endpoint(name, operation, getattr(instance, operation.name))
                for operation in info.operations.values()
            }
        self.endpoints[name] = endpoints
        self._stubs[info.cls] = make_stub(
            info,
            name,
            endpoints,
            hosted=service.implementation is not None,
            message_bytes_max=self.config.wire.frame_bytes_max,
        )

    async def _open_store(self, service: LoadedService) -> SqliteStore:
        self._progress(f"opening the store of {service.name}")
        path = sqlite_path(self.config.store.url, service=service.name, root=self.config.root)
        make_folder(path.parent)
        store = await SqliteStore.open(path, load_schema(service.folder / "schema"))
        export_store_metrics(self.base.registry, service.name, store.metrics)
        return store

    async def _start_service(self, name: str) -> None:
        instance = self._instances.get(name)
        if instance is None:
            return
        self._started.append(name)
        self._progress(f"starting {name}")
        hook = getattr(instance, "start", None)
        if hook is not None and "start" not in self.services[name].contract.operations:
            await hook()

    def _stub_for(self, service: str, contract: type[Any]) -> Any:
        if contract not in self._stubs:
            raise ConfigError(
                f"{service} calls {contract.__name__}, whose service is hosted elsewhere, and nothing says where",
                where=self.config.file.where("discovery"),
                fix="set [discovery] file, or start the whole topology with `calve run`",
            )
        return self._stubs[contract]

    def get(self, contract: type[T]) -> T:
        """The stub of a contract.

        Raises: ConfigError: no service of this application implements it.
        """
        if contract not in self._stubs:
            known = [cls.__name__ for cls in self._stubs]
            raise ConfigError(f"nobody implements {contract.__name__}; {did_you_mean(contract.__name__, known)}")
        return cast(T, self._stubs[contract])

    def hosted_endpoints(self) -> list[Endpoint]:
        """Endpoints of the services that run here."""
        return [e for name in self.hosted for e in self.endpoints[name].values()]

    def all_endpoints(self) -> list[Endpoint]:
        """Endpoints of all services, wherever they run."""
        return [e for operations in self.endpoints.values() for e in operations.values()]

    async def stop(self) -> None:
        """Stop the services (the last started first), then close their stores. Safe to call twice."""
        while self._started:
            name = self._started.pop()
            hook = getattr(self._instances[name], "stop", None)
            if hook is not None and "stop" not in self.services[name].contract.operations:
                try:
                    await hook()
                except Exception as error:
                    self.base.log.exception("service did not stop cleanly", error=error, service=name)
        while self.stores:
            _, store = self.stores.popitem()
            await store.close()


def start_order(graph: Mapping[str, Collection[str]]) -> list[str]:
    """Services so that everything comes after what it calls; the graph has no cycles."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name not in order:
            for callee in sorted(graph[name]):
                visit(callee)
            order.append(name)

    for name in graph:
        visit(name)
    return order


def make_folder(folder: Path) -> None:
    """Make the folder of a database, so that a fresh checkout starts without a step by hand."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"cannot make the folder {folder}: {error.strerror}",
            where="calve.toml [store] url",
            fix="name a folder that this user may write to",
        ) from error


def export_store_metrics(registry: Registry, service: str, metrics: StoreMetrics) -> None:
    """Show what a store counts about itself among the unit's metrics."""
    counters = {
        "transactions": "Transactions acknowledged",
        "rollbacks": "Transactions rolled back",
        "commits": "Durable commits, each of one or more transactions",
        "commit_failures": "Commits that failed",
    }
    for name, text in counters.items():
        registry.counter(f"calve.store.{name}", text, functools.partial(getattr, metrics, name), service=service)
    seconds = functools.partial(getattr, metrics, "commit_seconds")
    registry.counter("calve.store.commit_duration", "Time spent in commits", seconds, unit="s", service=service)


def wants_store(service: LoadedService) -> bool:
    """Whether a service's constructor asks for its database."""
    return service.implementation is not None and Store in constructor_parameters(service.implementation).values()
