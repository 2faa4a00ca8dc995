"""Events between the services of a project: who publishes what, who handles it, and the way from one to the other."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterable, Mapping
from typing import Any

from ..contract import Endpoint, Event
from ..core.errors import ConfigError
from ..messaging import (
    Consumers,
    Desk,
    DispatchOptions,
    Feed,
    Handler,
    LocalFeed,
    RemoteFeed,
    desk_endpoints,
    handlers_of,
    log_endpoints,
    prune_logs,
)
from ..messaging.handlers import declared_handlers
from ..observe import Logger
from ..runtime.sections import EventSettings
from ..service import Chain, LoadedService, RemoteCaller
from ..store import Store
from ..store.log import Outlet
from .base import Base
from .stores import wants_store


def check_events(services: Iterable[LoadedService]) -> None:
    """Check what can be checked before anything is opened.

    Raises: ConfigError: a service publishes or handles events and has no store, or handles what nobody publishes.
    """
    listed = list(services)
    sources = _sources(listed)
    for service in listed:
        if service.implementation is None:
            continue
        where = f"{service.implementation.__module__}.{service.implementation.__qualname__}"
        handled = list(declared_handlers(service.implementation))
        for name, event in handled:
            if event not in sources:
                raise ConfigError(
                    f"{name!r} handles {event.__name__}, which no service publishes",
                    where=where,
                    fix=f"add it to a contract: publishes=[{event.__name__}]",
                )
        if (handled or service.contract.publishes) and not wants_store(service):
            what = "handles" if handled else "publishes"
            raise ConfigError(
                f"{service.name} {what} events, and has no store to remember that in",
                where=where,
                fix="ask for one: def __init__(self, store: Store, …)",
            )


def _sources(services: Iterable[LoadedService]) -> dict[type[Event], str]:
    return {event: service.name for service in services for event in service.contract.publishes}


class Events:
    """The events of the services in one process.

    Args:
        services: All services of the project.
        stores: Of those hosted here.
        remote: Carries calls to services that are not.
        settings: `[events]`.
    """

    def __init__(
        self,
        settings: EventSettings,
        services: Mapping[str, LoadedService],
        stores: Mapping[str, Store],
        base: Base,
        remote: RemoteCaller | None,
    ) -> None:
        self._services, self._stores, self._base, self._remote = services, stores, base, remote
        self._settings = settings
        self._consumers: list[Consumers] = []
        self._pruning: asyncio.Task[None] | None = None

    def publishes(self, service: LoadedService, store: Store) -> None:
        """A service may publish from now on."""
        store.log.outlet = Outlet(service.name, service.contract, self._base.clock)

    def endpoints(self, chain: Chain, instances: Mapping[str, Any]) -> list[Endpoint]:
        """What other units call to read the logs of the services hosted here, and operators to see what is parked."""
        found: list[Endpoint] = []
        for name, instance in instances.items():
            if handlers := handlers_of(name, instance):
                found += desk_endpoints(name, Desk(self._stores[name], handlers), chain.endpoint)
        for name in self._stores:
            if self._services[name].contract.publishes:
                found += log_endpoints(name, functools.partial(self._local, name), chain.endpoint).values()
        return found

    def _local(self, source: str, consumer: str) -> LocalFeed:
        store = self._stores[source]
        return LocalFeed(source, consumer, store.log, shared=not store.exclusive, clock=self._base.clock)

    def _feed(self, source: str, consumer: str) -> Feed:
        if source in self._stores:
            return self._local(source, consumer)
        if self._remote is None:
            raise ConfigError(
                f"events of {source} are handled here, it is hosted elsewhere, and nothing says where",
                fix="set [discovery] file or dns, or start the whole topology with `calve run`",
            )
        return RemoteFeed(source, consumer, self._remote, self._base.clock.monotonic)

    def start(self, instances: Mapping[str, Any]) -> None:
        """Begin to handle events.

        Args:
            instances: The services hosted here, started.
        Raises: ConfigError: a source is out of reach.
        """
        logs = {name: self._stores[name].log for name in self._stores if self._services[name].contract.publishes}
        if logs:
            retention_ms = int(self._settings.retention_hours * 3_600_000)
            self._pruning = asyncio.create_task(prune_logs(logs, retention_ms, self._base.clock, self._base.log))
        sources, alone = _sources(self._services.values()), asyncio.Lock()
        for name, instance in instances.items():
            by_source: dict[str, list[Handler]] = {}
            for handler in handlers_of(name, instance):
                by_source.setdefault(sources[handler.event], []).append(handler)
            if not by_source:
                continue
            consumers = Consumers(
                self._stores[name],
                [(self._feed(source, name), handlers) for source, handlers in by_source.items()],
                clock=self._base.clock,
                log=Logger(self._services[name].module, service=name),
                options=DispatchOptions(attempts_max=self._settings.attempts_max),
                alone=alone,
            )
            self._export(name, consumers)
            consumers.start()
            self._consumers.append(consumers)

    def _export(self, service: str, consumers: Consumers) -> None:
        registry = self._base.registry
        for source, metrics in consumers.metrics.items():
            read = functools.partial(functools.partial, getattr, metrics)
            labels = {"service": service, "source": source}
            registry.counter("calve.events.handled", "Events handled", read("handled"), **labels)
            registry.counter("calve.events.failed", "Runs of event handlers that failed", read("failed"), **labels)
            registry.gauge("calve.events.held", "Events behind one that is tried again", read("held"), **labels)
            registry.gauge("calve.events.parked_keys", "Keys that wait for somebody", read("parked_keys"), **labels)
            registry.gauge("calve.events.lag", "Age of the event taken up last", read("lag_ms"), unit="ms", **labels)

    async def stop(self) -> None:
        """Stop handling."""
        if self._pruning is not None:
            self._pruning.cancel()
        while self._consumers:
            await self._consumers.pop().stop()
