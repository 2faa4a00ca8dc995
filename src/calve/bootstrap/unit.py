"""One unit process: an application, and everything through which the world reaches it.

start    telemetry, wire client, application, wire server, REST edge
drain    wire and REST stop accepting, calls in flight finish
stop     the reverse of start
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import Any

from ..core.clock import SystemClock
from ..core.deadline import TimerWheel
from ..core.errors import ConfigError
from ..observe import Registry, Telemetry, configure_logging, exposition
from ..runtime import AppConfig, Topology
from ..runtime.health import PATHS, Health
from ..runtime.wire import tls_options, wire_options
from ..store import Store
from ..transport.rest import HttpServer, Page
from ..transport.wire import Address, FileResolver, WireClient, WireServer
from .application import Application
from .base import Base
from .edge import make_edge


def build_unit(config: AppConfig, topology: Topology, name: str) -> UnitProcess:
    """Compose a unit; what `calve run` gives to the runtime room."""
    return UnitProcess(config, topology, name)


class UnitProcess:
    """A unit of a topology in this process.

    Args:
        config: The project.
        topology: The topology the unit belongs to.
        name: The unit.
    """

    def __init__(self, config: AppConfig, topology: Topology, name: str) -> None:
        self._config, self._topology, self._unit = config, topology, topology.unit(name)
        self._is_edge = config.edge(topology) == name
        self.health = Health()
        self.url: str | None = None
        self._undo = AsyncExitStack()
        self._wire: WireServer | None = None
        self._http: HttpServer | None = None

    async def start(self) -> None:
        """Open, construct, listen.

        Raises: ConfigError: something is wrong before it can serve.
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
        client = await self._wire_client(base.wheel, clock)
        self.application = Application(config, unit.services, base, client, progress=self.health.progress)
        self._undo.push_async_callback(self.application.stop)
        await self.application.start()
        self._add_checks()
        await self._listen(base)
        await self._serve_http(base)

    async def _wire_client(self, wheel: TimerWheel, clock: SystemClock) -> WireClient | None:
        """The way to services of other units; None when there are none, or nothing says where they are."""
        config = self._config
        if set(self._unit.services) >= set(config.services):
            return None
        if config.discovery.file is None:
            if self._is_edge:
                raise ConfigError(
                    f"unit {self._unit.name!r} serves REST for all services, and nothing says where the others are",
                    where=config.file.where("discovery"),
                    fix="set [discovery] file, or start the whole topology with `calve run`",
                )
            return None
        resolver = FileResolver(config.discovery.file)
        await resolver.start()
        self._undo.push_async_callback(resolver.close)
        client = WireClient(resolver, wheel=wheel, clock=clock, options=wire_options(config), tls=self._tls)
        self._undo.push_async_callback(client.close)
        return client

    def _add_checks(self) -> None:
        for name, store in self.application.stores.items():
            self.health.check(f"store.{name}", functools.partial(_readable, store))

    async def _listen(self, base: Base) -> None:
        config = self._config
        own = config.units[self._unit.name].listen
        listen = own or config.wire.listen
        if listen is None:
            return
        wire = self._wire = WireServer(
            self.application.hosted_endpoints(), wheel=base.wheel, clock=base.clock, options=wire_options(config)
        )
        self._undo.push_async_callback(wire.close)
        base.registry.gauge("calve.wire.connections", "Open wire connections", lambda: wire.connections)
        where = config.file.where(f"unit.{self._unit.name}" if own else "wire", "listen")
        address = Address.parse(listen, where=where)
        # The units of one machine talk over Unix sockets, whatever certificates are there for others.
        await wire.listen(address, self._tls if address.scheme == "tls" else None)

    async def _serve_http(self, base: Base) -> None:
        config, application = self._config, self.application
        endpoints = application.all_endpoints() if self._is_edge else application.hosted_endpoints()
        edge = make_edge(application, endpoints, self._pages(base.registry))
        port = config.units[self._unit.name].http_port
        self._http = HttpServer(
            edge, host=config.http.host, port=config.http.port if port is None else port, kind=config.http.server
        )
        await self._http.start()
        self._undo.push_async_callback(self._http.stop, 0)
        host = f"[{config.http.host}]" if ":" in config.http.host else config.http.host
        self.url = f"http://{host}:{self._http.port}"

    def _pages(self, registry: Registry) -> dict[str, Page]:
        async def metrics() -> tuple[int, str, bytes]:
            return 200, *exposition(registry)

        async def health(path: str) -> tuple[int, str, bytes]:
            answer = await self.health.answer(path)
            return answer.status, "application/json", answer.body

        return {"/metrics": metrics, **{path: functools.partial(health, path) for path in PATHS}}

    async def drain(self) -> None:
        """Stop accepting; return when nothing is in flight, at the latest after `[run] grace_seconds`."""
        grace = self._config.run.grace_seconds
        waits: list[Awaitable[Any]] = [self._http.stop(grace)] if self._http else []
        if self._wire is not None:
            waits.append(self._wire.drain(grace))
        await asyncio.gather(*waits)

    async def stop(self) -> None:
        """Release everything, the last first; one that fails does not keep the others. Safe to call twice."""
        await self._undo.aclose()


async def _readable(store: Store) -> None:
    await store.one("SELECT 1")
