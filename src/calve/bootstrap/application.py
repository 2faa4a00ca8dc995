"""An application: the services of one process, wired to each other and callable. It opens no socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from ..contract import Endpoint
from ..core.errors import ConfigError
from ..core.suggest import did_you_mean
from ..observe import Logger
from ..runtime import AppConfig
from ..runtime.plan import start_order
from ..service import (
    Chain,
    DeclaredCallers,
    Injector,
    LoadedService,
    RemoteCaller,
    dependency_graph,
    load_service,
    make_stub,
    remote_endpoints,
)
from ..service.idempotency import KeyOptions, Keys, prune_forever
from ..service.resilience import Guards
from ..store import Store
from .adopted import AdoptedApps, places
from .base import Base
from .events import Events, check_events
from .extensions import load_middleware
from .policies import Policies
from .remotes import load_remote, make_caller
from .settings import read_settings
from .stores import check_schema_folders, open_store, wants_store

if TYPE_CHECKING:
    from ..transport.rest.client import RestCaller

T = TypeVar("T")

HOOK_SECONDS = 2.0
"""How long a service's `stop` may take, so that one that waits for somebody who is gone does not keep the others."""


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
        self._adopting = [name for name in config.adopted if name in hosted]
        self.adopted: AdoptedApps | None = None
        """The adopted applications that are hosted here, once started; None when there are none."""
        self.services: dict[str, LoadedService] = {}
        self.endpoints: dict[str, dict[str, Endpoint]] = {}
        """Service -> operation -> endpoint, hosted or reachable through `remote`; filled by `start`."""
        self._instances: dict[str, Any] = {}
        self.stores: dict[str, Store] = {}
        self._stubs: dict[tuple[str, type[Any]], Any] = {}
        self._settings: dict[str, dict[type[Any], Any]] = {}
        self._started: list[str] = []
        self._callers: list[RestCaller] = []
        self._declared: dict[str, DeclaredCallers] = {}
        """In strict mode: who may call which hosted service."""
        self._keys = Keys(base.clock, base.log, KeyOptions(retention_seconds=config.store.idempotency_hours * 3600.0))
        self._pruning: asyncio.Task[None] | None = None
        self._policies: Policies
        self._guards: Guards
        self._events = Events(config.events, self.services, self.stores, base, remote)
        self._log_endpoints: list[Endpoint] = []
        self.started = False
        """Whether `start` was called; it may be once."""

    @property
    def stores_in_files(self) -> tuple[str, ...]:
        """Hosted services whose store is a file that only one process may have open; known once loaded."""
        in_files = filter(self.config.store_in_file, self.hosted)
        return tuple(name for name in in_files if wants_store(self.services[name]))

    async def start(self) -> None:
        """Load, check, construct and start everything, dependencies first.

        Raises: ConfigError: what is wrong before anything ran. What was opened and started until then is stopped again.
        """
        self.started = True
        try:
            if not self.services:
                self.load()
            order = start_order(dependency_graph(list(self.services.values())))
            injector, chain = self._injector(), self._chain()
            if self.config.app.strict:
                from ..boundaries import declared_callers  # reads source, which only strict mode needs

                self._declared = declared_callers(self.config, self.hosted)
            for name in order:
                await self._construct(self.services[name], injector, chain)
            self._log_endpoints = self._events.endpoints(chain, self._instances)
            self._pruning = asyncio.create_task(prune_forever(self.stores, self.base.clock, self.base.log))
            for name in order:
                await self._start_service(name)
            self._events.start({name: self._instances[name] for name in order if name in self._instances})
            if self._adopting:
                await self._adopt()
        except BaseException:
            await self.stop()
            raise

    async def _adopt(self) -> None:
        """Start the adopted applications, which may call all services from their first line on."""
        self.adopted = AdoptedApps(self.config, self._adopting, self.base, self.stub_for)
        await self.adopted.start(self._progress)

    def load(self) -> None:
        """Import the services, check what can be checked without opening anything, and read their settings.

        Raises: ConfigError: what is wrong.
        """
        for name, dotted in self.config.services.items():
            self.services[name] = load_service(dotted, hosted=name in self.hosted)
        for name in self.config.remotes:
            self.services[name] = load_remote(self.config, name)
        self._policies = Policies(self.config, {name: s.contract for name, s in self.services.items()})
        for name, service in self.services.items():
            self.services[name] = msgspec.structs.replace(service, contract=self._policies.applied(name))
        base = self.base
        self._guards = Guards(self._policies.of, clock=base.clock, registry=base.registry, log=base.log)
        check_schema_folders(self.services.values())
        check_events(self.services.values())
        for name in self.hosted:
            owner = self.services[name].implementation
            self._settings[name] = read_settings(self.config, f"service.{name}", owner)

    def _injector(self) -> Injector:
        return Injector(
            stores=lambda service, _: self.stores[service],
            settings=lambda service, kind: self._settings[service][kind],
            stubs=self.stub_for,
            clock=lambda *_: self.base.clock,
            logger=lambda service, _: Logger(self.config.services.get(service, service), service=service),
        )

    def _chain(self) -> Chain:
        base = self.base
        return Chain(
            wheel=base.wheel,
            clock=base.clock,
            registry=base.registry,
            tracing=base.tracing,
            log=base.log,
            middleware=load_middleware(self.config, base),
            keys=self._keys,
        )

    async def _construct(self, service: LoadedService, injector: Injector, chain: Chain) -> None:
        base, info, name = self.base, service.contract, service.name
        if service.implementation is None:
            remote = self._remote
            if name in self.config.remotes:
                remote = caller = make_caller(self.config, name, base)
                self._callers.append(caller)
            if remote is None:
                return
            endpoints = remote_endpoints(
                info, name, remote, clock=base.clock, registry=base.registry, tracing=base.tracing
            )
        else:
            if wants_store(service):
                self._progress(f"opening the store of {name}")
                self.stores[name] = store = await open_store(self.config, service, base.registry)
                self._events.publishes(service, store)
            instance = self._instances[name] = injector.build(name, service.implementation)
            endpoints = {
                operation.name: chain.endpoint(
                    name,
                    operation,
                    getattr(instance, operation.name),
                    callers=self._declared.get(name),
                    store=self.stores.get(name),
                )
                for operation in info.operations.values()
            }
        self.endpoints[name] = endpoints

    async def _start_service(self, name: str) -> None:
        if name not in self._instances:
            return
        self._progress(f"starting {name}")
        if hook := self._hook(name, "start"):
            await hook()
        self._started.append(name)

    def _hook(self, service: str, name: str) -> Callable[[], Any] | None:
        """`start` or `stop` of a service; None when it has none, or an operation of that name."""
        if name in self.services[service].contract.operations:
            return None
        return getattr(self._instances[service], name, None)

    def stub_for(self, who: str, contract: type[Any]) -> Any:
        """The stub that `who` asks for.

        Raises: ConfigError: no service of this application implements the contract, or one that is out of reach.
        """
        caller = who if who in self.services or who in self._adopting else ""
        if (caller, contract) in self._stubs:
            return self._stubs[caller, contract]
        service = next((s for s in self.services.values() if s.contract.cls is contract), None)
        if service is not None and service.name in self.endpoints:
            stub = self._stubs[caller, contract] = self._make_stub(service, caller)
            return stub
        if service is not None:
            raise ConfigError(
                f"{who} calls {contract.__name__}, whose service is hosted elsewhere, and nothing says where",
                where=self.config.file.where("discovery"),
                fix="set [discovery] file or dns, or start the whole topology with `calve run`",
            )
        known = [service.contract.name for service in self.services.values()]
        raise ConfigError(f"nobody implements {contract.__name__}; {did_you_mean(contract.__name__, known)}")

    def _make_stub(self, service: LoadedService, caller: str) -> Any:
        return make_stub(
            service.contract,
            service.name,
            self._guarded(service.name, caller),
            hosted=service.implementation is not None,
            message_bytes_max=self.config.wire.frame_bytes_max,
            caller=caller,
        )

    def _guarded(self, name: str, caller: str) -> dict[str, Endpoint]:
        """The endpoints of a service as one caller gets them: behind the policies of its calls."""
        remote = self.services[name].implementation is None
        endpoints = self.endpoints[name].items()
        return {op: self._guards.endpoint(endpoint, caller, remote=remote) for op, endpoint in endpoints}

    def get(self, contract: type[T]) -> T:
        """The stub of a contract, for whoever is outside of all services. Raises ConfigError like `stub_for`."""
        return cast(T, self.stub_for("somebody outside", contract))

    def code(self) -> dict[str, str]:
        """Folder or file -> the service that is hosted here and whose code it is."""
        found = {place: name for name in self.hosted for place in places(self.services[name].module)}
        return found if self.adopted is None else found | self.adopted.code()

    def hosted_endpoints(self) -> list[Endpoint]:
        """Endpoints of the services that run here, for callers that keep to policies themselves."""
        return [e for name in self.hosted for e in self.endpoints[name].values()]

    def wire_endpoints(self) -> list[Endpoint]:
        """What other units may call: those of the services that run here, and their logs."""
        return [*self.hosted_endpoints(), *self._log_endpoints]

    def edge_endpoints(self, services: Iterable[str] | None = None) -> list[Endpoint]:
        """Endpoints for callers that come from outside, hence behind policies.

        Args:
            services: Names; None for all services of the project in reach, wherever they run, in the order of
                calve.toml.
        """
        names = [name for name in self.config.services if name in self.endpoints] if services is None else services
        return [e for name in names for e in self._guarded(name, "").values()]

    async def stop(self) -> None:
        """Stop the services (the last started first), then close their stores. Safe to call twice.

        One that fails or takes more than `HOOK_SECONDS` is logged and does not keep the others. A cancellation still
        closes the stores.
        """
        try:
            await self._quietly(self._events.stop, HOOK_SECONDS, "", "handlers of events did not stop")
            if self.adopted is not None:
                await self._quietly(self.adopted.stop, None, "adopted", "applications did not stop cleanly")
            while self._started:
                name = self._started.pop()
                if hook := self._hook(name, "stop"):
                    await self._quietly(hook, HOOK_SECONDS, name, "service did not stop cleanly")
            await self._quietly(self._keys.close, HOOK_SECONDS, "", "commands did not end whose callers have gone")
        finally:
            if self._pruning is not None:
                self._pruning.cancel()
            while self._callers:
                await self._quietly(self._callers.pop().close, HOOK_SECONDS, "", "connections did not close cleanly")
            while self.stores:
                name, store = self.stores.popitem()
                await self._quietly(store.close, None, name, "store did not close cleanly")

    async def _quietly(self, close: Callable[[], Any], limit: float | None, name: str, message: str) -> None:
        try:
            async with asyncio.timeout(limit):
                await close()
        except Exception as error:
            self.base.log.exception(message, error=error, service=name)
