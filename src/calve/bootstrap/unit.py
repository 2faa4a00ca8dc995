"""One unit process: an application, and everything through which the world reaches it.

prepare    telemetry, wire client, application: imported and checked, nothing opened
start      application: stores, services; wire server, REST edge
drain      wire and REST stop accepting, calls in flight finish
release    the reverse of start
stop       the reverse of both
"""

from __future__ import annotations

import asyncio
import functools
import traceback
from collections.abc import Awaitable, Collection
from contextlib import AsyncExitStack
from typing import Any

from ..core.clock import SystemClock
from ..core.deadline import TimerWheel
from ..core.errors import ConfigError
from ..observe import LoopWatch, Registry, Telemetry, configure_logging, exposition
from ..runtime import AppConfig, Topology
from ..runtime.health import PATHS, CheckFailed, Health
from ..runtime.sockets import NO_SOCKETS, Sockets
from ..runtime.unit import Tally
from ..runtime.wire import names, sources_by_dns, tls_options, wire_options
from ..store import Store
from ..transport.adopt import AdoptedApp
from ..transport.rest import HttpServer, Page
from ..transport.wire import Address, FileResolver, SourceResolver, WireClient, WireServer
from .application import Application
from .base import Base
from .edge import make_edge
from .forks import ForkGuard

FAULTS = ("internal_error",)
"""Codes of errors that are a unit's own fault, whoever calls it and whatever it calls."""


def build_unit(config: AppConfig, topology: Topology, name: str, sockets: Sockets = NO_SOCKETS) -> UnitProcess:
    """Compose a unit; what `calve run` gives to the runtime room."""
    return UnitProcess(config, topology, name, sockets)


class UnitProcess:
    """A unit of a topology in this process.

    Args:
        config: The project.
        topology: The topology the unit belongs to.
        name: The unit.
        sockets: What it listens at, where others opened that.
    """

    def __init__(self, config: AppConfig, topology: Topology, name: str, sockets: Sockets = NO_SOCKETS) -> None:
        self._config, self._topology, self._unit = config, topology, topology.unit(name)
        self._sockets = sockets
        self._is_edge = config.edge(topology) == name
        self.health = Health()
        self.url: str | None = None
        self.application: Application
        self._base: Base | None = None
        self._undo, self._release = AsyncExitStack(), AsyncExitStack()
        self._wire: WireServer | None = None
        self._http: HttpServer | None = None
        self._resolver: SourceResolver | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """Hosted services whose store is a file that only one process may have open."""
        return self.application.stores_in_files

    @property
    def tally(self) -> Tally:
        """Calls that this unit answered, and those that it failed."""
        served = [] if self._base is None else [o for o in self._base.registry.operations() if o.side == "server"]
        errors = sum(operation.errors.get(code, 0) for operation in served for code in FAULTS)
        return Tally(sum(operation.requests for operation in served), errors)

    def survives(self, error: SystemExit) -> bool:
        """An adopted application exits for itself; a service of ours that does means the process."""
        if self._base is None or self.application.adopted is None:
            return False
        code = self.application.code()
        files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
        culprits = {name for place, name in code.items() if any(file.startswith(place) for file in files)}
        if culprits & set(self.application.hosted):
            return False
        self._base.log.exception(
            "an adopted application called sys.exit in a callback of the loop; the unit goes on",
            error=error,
            culprit=", ".join(sorted(culprits)),
        )
        return True

    async def prepare(self) -> None:
        """Import and check.

        Raises: ConfigError: something is wrong that no store has to be opened for.
        """
        config, unit = self._config, self._unit
        self._tls = tls_options(config)
        registry, clock = Registry(), SystemClock()
        logs = configure_logging(config.log.level, config.log.format, unit=unit.name)
        self._undo.callback(logs.close)
        telemetry = Telemetry.from_environment(
            app=config.app.name, unit=unit.name, registry=registry, clock=clock, install=True
        )
        await telemetry.start()
        self._undo.push_async_callback(telemetry.close)
        base = Base.make(clock=clock, registry=registry, tracing=telemetry.tracing)
        self._client = await self._wire_client(base.wheel, clock)
        self.application = self._new_application(base)
        self.application.load()
        self._guard = ForkGuard(self._addresses, self._others, lambda: self.application.stores.values(), base.log)
        self._base = base

    def _new_application(self, base: Base) -> Application:
        return Application(self._config, self._unit.services, base, self._client, progress=self.health.progress)

    async def start(self) -> None:
        """Open, construct, listen; prepare before that, if nobody has.

        Raises: ConfigError: something is wrong before it can serve.
        """
        if self._base is None:
            await self.prepare()
        base = self._base
        assert base is not None
        if self.application.started:  # and released since: its services are not what they were
            self.application = self._new_application(base)
        self._release.push_async_callback(self.application.stop)
        await self.application.start()
        self._add_checks()
        await self._listen(base)
        await self._serve_http(base)
        self._watch_loop(base)

    async def _wire_client(self, wheel: TimerWheel, clock: SystemClock) -> WireClient | None:
        """The way to services of other units; None when there are none, or nothing says where they are."""
        config = self._config
        if set(self._unit.services) >= set(config.services):
            return None
        resolver = self._resolver = self._make_resolver()
        if resolver is None:
            if self._is_edge:
                raise ConfigError(
                    f"unit {self._unit.name!r} serves REST for all services, and nothing says where the others are",
                    where=config.file.where("discovery"),
                    fix="set [discovery] file or dns, or start the whole topology with `calve run`",
                )
            return None
        await resolver.start()
        self._undo.push_async_callback(resolver.close)
        client = WireClient(resolver, wheel=wheel, clock=clock, options=wire_options(config), tls=self._tls)
        self._undo.push_async_callback(client.close)
        return client

    def _make_resolver(self) -> SourceResolver | None:
        config = self._config
        if config.discovery.file is not None:
            return FileResolver(config.discovery.file, names=names(config))
        if config.discovery.dns is None:
            return None
        resolver = SourceResolver(names(config))
        elsewhere = [s for unit in self._topology.units if unit != self._unit for s in unit.services]
        resolver.use(sources_by_dns(config, self._topology, elsewhere))
        return resolver

    def _watch_loop(self, base: Base) -> None:
        limit = self._config.run.loop_blocked_seconds
        if limit:
            watch = LoopWatch(limit, base.registry, base.log, self.application.code())
            watch.start()
            self._release.callback(watch.stop)

    def _addresses(self) -> list[Address]:
        """Where this unit listens, for wire and HTTP."""
        found = [] if self._wire is None else list(self._wire.addresses)
        return found if self._http is None else [*found, Address("tcp", host="", port=self._http.port)]

    def _others(self) -> set[Address]:
        """Where other units listen."""
        return set() if self._resolver is None else self._resolver.known()

    def _add_checks(self) -> None:
        for name, store in self.application.stores.items():
            self.health.check(f"store.{name}", functools.partial(_readable, store))
            self._release.callback(self.health.uncheck, f"store.{name}")
        if (adopted := self.application.adopted) is not None:
            for name, app in adopted.apps.items():
                self.health.check(name, functools.partial(_serves, app), optional=len(self._unit.services) > 1)
                self._release.callback(self.health.uncheck, name)
            if not self.application.hosted and len(adopted.apps) > 1:
                self.health.check("services", functools.partial(_any_serves, adopted.apps.values()))
                self._release.callback(self.health.uncheck, "services")

    async def _listen(self, base: Base) -> None:
        config = self._config
        own = config.units[self._unit.name].listen
        listen = own or config.wire.listen
        if listen is None:
            return
        wire = self._wire = WireServer(
            self.application.wire_endpoints(), wheel=base.wheel, clock=base.clock, options=wire_options(config)
        )
        self._release.push_async_callback(wire.close)
        base.registry.gauge("calve.wire.connections", "Open wire connections", lambda: wire.connections)
        where = config.file.where(f"unit.{self._unit.name}" if own else "wire", "listen")
        address = Address.parse(listen, where=where)
        # The units of one machine talk over Unix sockets, whatever certificates are there for others.
        sock = self._sockets.wire
        await wire.listen(address, self._tls if address.scheme == "tls" else None, sock.dup() if sock else None)

    async def _serve_http(self, base: Base) -> None:
        config, application = self._config, self.application
        endpoints = application.edge_endpoints(None if self._is_edge else application.hosted)
        edge = make_edge(application, endpoints, self._pages(base.registry))
        port = config.units[self._unit.name].http_port
        self._http = HttpServer(
            edge,
            host=config.http.host,
            port=config.http.port if port is None else port,
            kind=config.http.server,
            websockets=application.adopted is not None,
            sock=self._sockets.http.dup() if self._sockets.http else None,
        )
        await self._http.start()
        self._release.push_async_callback(self._http.stop, 0)
        host = f"[{config.http.host}]" if ":" in config.http.host else config.http.host
        self.url = f"http://{host}:{self._http.port}"

    def _pages(self, registry: Registry) -> dict[str, Page]:
        async def metrics() -> tuple[int, str, bytes]:
            return 200, *exposition(registry)

        async def health(path: str) -> tuple[int, str, bytes]:
            answer = await self.health.answer(path)
            return answer.status, "application/json", answer.body

        return {"/metrics": metrics, **{path: functools.partial(health, path) for path in PATHS}}

    async def drain(self, delay_seconds: float, grace_seconds: float) -> None:
        """Ask clients to go elsewhere, stop accepting, and return when nothing is in flight or the grace is over."""
        if self._http is not None:
            self._http.leave()
        await asyncio.sleep(delay_seconds)
        if self.application.adopted is not None:
            self.application.adopted.drain()
        waits: list[Awaitable[Any]] = [self._http.stop(grace_seconds)] if self._http else []
        if self._wire is not None:
            waits.append(self._wire.drain(grace_seconds))
        await asyncio.gather(*waits)

    async def release(self) -> None:
        """Close and stop what `start` opened and started, the last first; what fails does not keep the rest."""
        self._http = self._wire = None
        await self._release.aclose()

    async def stop(self) -> None:
        """Release everything, the last first; one that fails does not keep the others. Safe to call twice."""
        try:
            await self.release()
        finally:
            await self._undo.aclose()


async def _serves(app: AdoptedApp) -> None:
    if failure := app.failure or (app.state != "up" and app.state):
        raise CheckFailed(failure)


async def _any_serves(apps: Collection[AdoptedApp]) -> None:
    if not any(app.state == "up" for app in apps):
        raise CheckFailed("none of them serves")


async def _readable(store: Store) -> None:
    await store.one("SELECT 1")
