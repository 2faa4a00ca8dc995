"""The way from a command to the services of the running application, over the wire."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import CalveError, ConfigError

if TYPE_CHECKING:
    from ..runtime import AppConfig
    from ..transport.wire import WireClient


def known_addresses(project: AppConfig, given: Path | None) -> tuple[Path, dict[str, list[str]]]:
    """The file that says where services are, and what it says.

    Raises: ConfigError: the application does not run.
    """
    from ..runtime.endpoints import published_path, read_endpoints

    path = given or project.discovery.file or published_path(project.root)
    if not path.is_file():
        raise ConfigError(
            f"{project.app.name} is not running here ({path} does not exist)",
            fix="start it with `calve run`, or name the file with --endpoints",
        )
    return path, read_endpoints(path)


def addresses_of(project: AppConfig, service: str, given: Path | None) -> dict[str, list[str]]:
    """Where a service is. Raises ConfigError: the application does not run, or has no such service."""
    from ..core.suggest import did_you_mean

    path, known = known_addresses(project, given)
    if not known.get(service):
        raise ConfigError(f"knows no address of {service}; {did_you_mean(service, known)}", where=str(path))
    return {service: known[service]}


@asynccontextmanager
async def connected(
    project: AppConfig, addresses: Mapping[str, Sequence[str]]
) -> AsyncIterator[tuple[WireClient, Callable[[], float]]]:
    """A client for these services, and the clock that deadlines are on."""
    from ..core.clock import SystemClock
    from ..core.deadline import TimerWheel
    from ..runtime.wire import names, tls_options, wire_options
    from ..transport.wire import SourceResolver, WireClient, parse_sources

    clock = SystemClock()
    wheel = TimerWheel(asyncio.get_running_loop(), clock.monotonic)
    resolver, options, tls = SourceResolver(names(project)), wire_options(project), tls_options(project)
    resolver.use(parse_sources(addresses, None))
    client = WireClient(resolver, wheel=wheel, clock=clock, options=options, tls=tls)
    log, silent = logging.getLogger("calve.wire"), logging.NullHandler()
    log.addHandler(silent)  # what it would log, the error says as well
    try:
        await resolver.start()
        yield client, clock.monotonic
    finally:
        await client.close()
        await resolver.close()
        log.removeHandler(silent)


def describe_error(name: str, error: CalveError) -> str:
    """An error as one line for a terminal."""
    from ..core.errors import CallError

    if not isinstance(error, CallError):
        return f"{name}: {type(error).__name__}: {error}"
    ran = "it may have run" if error.may_have_run else "it did not run"
    return f"{name}: {error.code}: {error} ({ran})"
