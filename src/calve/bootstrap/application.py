"""An application: the services of one process, wired to each other and callable. It opens no socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any, TypeVar, cast

from ..contract import Endpoint
from ..core.errors import ConfigError
from ..core.suggest import did_you_mean
from ..observe import Logger
from ..runtime import AppConfig
from ..runtime.plan import start_order
from ..service import (
    Chain,
    Injector,
    LoadedService,
    RemoteCaller,
    dependency_graph,
    load_service,
    make_stub,
    remote_endpoints,
)
from ..store import SqliteStore
from .base import Base
from .extensions import load_middleware
from .settings import read_settings
from .stores import check_schema_folders, open_store, wants_store

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
        self.services: dict[str, LoadedService] = {}
        self.endpoints: dict[str, dict[str, Endpoint]] = {}
        """Service -> operation -> endpoint, hosted or reachable through `remote`; filled by `start`."""
        self._instances: dict[str, Any] = {}
        self.stores: dict[str, SqliteStore] = {}
        self._stubs: dict[type[Any], Any] = {}
        self._settings: dict[str, dict[type[Any], Any]] = {}
        self._started: list[str] = []

    async def start(self) -> None:
        """Load, check, construct and start everything, dependencies first.

        Raises: ConfigError: what is wrong before anything ran. What was opened and started until then is stopped again.
        """
        try:
            self._load()
            order = start_order(dependency_graph(list(self.services.values())))
            check_schema_folders(self.services.values())
            for name in self.hosted:
                owner = self.services[name].implementation
                self._settings[name] = read_settings(self.config, f"service.{name}", owner)
            injector, chain = self._injector(), self._chain()
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
                self._progress(f"opening the store of {name}")
                self.stores[name] = await open_store(self.config, service, base.registry)
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
        if contract in self._stubs:
            return self._stubs[contract]
        if any(service.contract.cls is contract for service in self.services.values()):
            raise ConfigError(
                f"{who} calls {contract.__name__}, whose service is hosted elsewhere, and nothing says where",
                where=self.config.file.where("discovery"),
                fix="set [discovery] file, or start the whole topology with `calve run`",
            )
        known = [service.contract.name for service in self.services.values()]
        raise ConfigError(f"nobody implements {contract.__name__}; {did_you_mean(contract.__name__, known)}")

    def get(self, contract: type[T]) -> T:
        """The stub of a contract, for whoever is outside of all services. Raises ConfigError like `stub_for`."""
        return cast(T, self.stub_for("somebody outside", contract))

    def hosted_endpoints(self) -> list[Endpoint]:
        """Endpoints of the services that run here."""
        return [e for name in self.hosted for e in self.endpoints[name].values()]

    def all_endpoints(self) -> list[Endpoint]:
        """Endpoints of all services in reach, wherever they run, in the order of calve.toml."""
        return [e for name in self.services if name in self.endpoints for e in self.endpoints[name].values()]

    async def stop(self) -> None:
        """Stop the services (the last started first), then close their stores. Safe to call twice.

        One that fails or takes more than `HOOK_SECONDS` is logged and does not keep the others. A cancellation still
        closes the stores.
        """
        try:
            while self._started:
                name = self._started.pop()
                if hook := self._hook(name, "stop"):
                    await self._quietly(hook, HOOK_SECONDS, name, "service did not stop cleanly")
        finally:
            while self.stores:
                name, store = self.stores.popitem()
                await self._quietly(store.close, None, name, "store did not close cleanly")

    async def _quietly(self, close: Callable[[], Any], limit: float | None, name: str, message: str) -> None:
        try:
            async with asyncio.timeout(limit):
                await close()
        except Exception as error:
            self.base.log.exception(message, error=error, service=name)
