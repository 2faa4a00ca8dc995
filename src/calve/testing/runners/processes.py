"""The runner `processes`: every service in an operating system process of its own, over Unix sockets."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from ...bootstrap import Application, Base, describe_services
from ...core.errors import ConfigError
from ...core.settings import env_name
from ...runtime import load_config
from ...runtime.child import Child, calve_command, describe_exit
from ...runtime.endpoints import socket_path, write_endpoints
from ...runtime.output import Output, OutputOptions
from ...runtime.sections import NAME_PATTERN
from ...runtime.wire import wire_options
from ...transport.wire import StaticResolver, WireClient
from ..rest import HttpClient
from .base import App, Runner, bounded
from .project import Project

TOPOLOGY = "calve_test"
"""Name of the topology that is made up for the test: one unit per service."""


# Shorter than what an application may take as a whole, so that the process at fault is named and its log shown.
READY_SECONDS = 45.0
EXIT_SECONDS = 10.0


class ProcessesRunner(Runner):
    """`calve run --unit` for every service, as `calve run` would start them."""

    name = "processes"

    @asynccontextmanager
    async def _run(self, project: Project) -> AsyncIterator[App]:
        units = _Units(project)
        async with bounded(units.start, units.stop), _caller(project, units.addresses) as caller:
            yield App(caller.get, HttpClient(units.url), units.log, http=units.http)


@asynccontextmanager
async def _caller(project: Project, addresses: Mapping[str, list[str]]) -> AsyncIterator[Application]:
    """Stubs of all services in this process; none is hosted here."""
    base = Base.make()
    resolver = StaticResolver(addresses)
    client = WireClient(resolver, wheel=base.wheel, clock=base.clock, options=wire_options(project.config))
    application = Application(project.config, (), base, client)
    try:
        async with bounded(application.start, application.stop):
            yield application
    finally:
        await client.close()


class _Units:
    """The processes of one application, a unit per service."""

    def __init__(self, project: Project) -> None:
        self._project = project
        services = project.config.hosted
        self._unit_of = {s: s if re.fullmatch(NAME_PATTERN, s) else f"unit-{n}" for n, s in enumerate(services)}
        self._needs = {name: facts.needs for name, facts in describe_services(project.config).items()}
        self.addresses = {s: [f"unix:{socket_path(project.folder, self._unit_of[s])}"] for s in services}
        """Where each service is reached."""
        self._buffer = io.BytesIO()
        names = list(self._unit_of.values())
        self._output = Output(names, self._buffer, self._buffer, OutputOptions(terminal=True))
        self._children: dict[str, Child] = {}
        self._gone = {s: asyncio.Event() for s in services}

    @property
    def url(self) -> str:
        """Where the REST edge is."""
        config = load_config(self._project.config.file.path, environ=self._environ())
        edge = config.edge(config.topology(TOPOLOGY))
        url = next(child.http for child in self._children.values() if child.name == edge)
        assert url is not None, "a unit that is ready serves HTTP"
        return url

    def http(self, service: str) -> HttpClient:
        """Requests to the unit that hosts a service."""
        url = self._children[service].http
        assert url is not None, "a unit that is ready serves HTTP"
        return HttpClient(url)

    def log(self) -> str:
        """What they wrote so far, each line with its unit."""
        return self._buffer.getvalue().decode(errors="replace")

    async def start(self) -> None:
        """Start all; each when those it calls are ready, as the supervisor does.

        Raises: ConfigError, AssertionError: see `Runner.start`; the others are stopped then.
        """
        write_endpoints(self._project.folder / "endpoints.json", self.addresses)
        ready = {service: asyncio.Event() for service in self._unit_of}
        try:
            async with asyncio.TaskGroup() as group:
                for service in self._unit_of:
                    group.create_task(self._start(service, ready))
        except BaseExceptionGroup as group_of_one_or_more:
            await self._abort()
            raise group_of_one_or_more.exceptions[0] from None
        except BaseException:
            await self._abort()
            raise

    async def _start(self, service: str, ready: Mapping[str, asyncio.Event]) -> None:
        for need in self._needs[service] & ready.keys():
            await ready[need].wait()
        unit = self._unit_of[service]
        command = calve_command(str(self._project.config.file.path), TOPOLOGY, unit)
        child = await Child.spawn(unit, command, self._environ(), self._output, lambda notice: None)
        self._children[service] = child
        waits = [asyncio.create_task(event.wait()) for event in (child.ready, child.exited)]
        try:
            await asyncio.wait(waits, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
        if child.exited.is_set():
            await child.close()
            raise self._failure(child)
        if not child.ready.is_set():
            raise AssertionError(f"{unit} was not ready after {READY_SECONDS:g} s\n{self.log()}")
        ready[service].set()

    def _failure(self, child: Child) -> Exception:
        if child.failure is not None:
            return ConfigError(child.failure)
        return AssertionError(f"{child.name} {describe_exit(child.exit_code)}\n{self.log()}")

    def _environ(self) -> dict[str, str]:
        """Environment of every unit."""
        project = self._project
        units = {unit: [service] for service, unit in self._unit_of.items()}
        environ = {
            **project.environ,
            f"CALVE_TOPOLOGY_{TOPOLOGY.upper()}": json.dumps(units),
            env_name("discovery", "file"): str(project.folder / "endpoints.json"),
            env_name("log", "format"): "console",
            "PYTHONPATH": os.pathsep.join(filter(None, (str(project.modules), os.environ.get("PYTHONPATH")))),
            "PYTHONUNBUFFERED": "1",
        }
        for service, unit in self._unit_of.items():
            environ[env_name(f"unit.{unit}", "listen")] = self.addresses[service][0]
            environ[env_name(f"unit.{unit}", "http_port")] = "0"
        return environ

    async def stop(self) -> None:
        """Stop all; each when those that call it are gone.

        Raises: AssertionError: one had ended before, ended badly or had to be killed; with the log.
        """
        early = [c for c in self._children.values() if c.exited.is_set()]
        try:
            await asyncio.gather(*(self._stop(service) for service in self._children))
        except BaseException:
            await self._abort()
            raise
        await self._release()
        bad = early + [c for c in self._children.values() if c.exit_code != 0 and c not in early]
        if bad:
            endings = "; ".join(f"{child.name} {describe_exit(child.exit_code)}" for child in bad)
            raise AssertionError(f"{endings}\n{self.log()}")

    async def _stop(self, service: str) -> None:
        child = self._children[service]
        for caller, needs in self._needs.items():
            if service in needs and caller in self._children:
                await self._gone[caller].wait()
        child.terminate()
        try:
            await asyncio.wait_for(child.exited.wait(), EXIT_SECONDS)
        except TimeoutError:
            child.kill()
            await child.exited.wait()
        finally:
            self._gone[service].set()

    async def _abort(self) -> None:
        for child in self._children.values():
            child.kill()
        await self._release()

    async def _release(self) -> None:
        for child in self._children.values():
            await child.exited.wait()
            await child.close()
        self._output.close()
