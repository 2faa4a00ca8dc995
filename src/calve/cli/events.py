"""`calve events`: what services tell each other, how far they are, and what is parked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..core.errors import CalveError, ConfigError
from .options import config_option

if TYPE_CHECKING:
    from ..runtime import AppConfig
    from ..store.log import Record

CALL_SECONDS = 10.0
FOLLOW_SECONDS = 5.0
PAGE = 200

endpoints_option = click.option(
    "--endpoints", type=click.Path(path_type=Path), help="File with the units' addresses; default: of `calve run` here."
)


@click.group("events")
def command() -> None:
    """Show what services tell each other, and mend what is parked."""


class Services:
    """The services of the running application.

    Args:
        project: The project.
        endpoints: File with addresses, or None.
    """

    def __init__(self, project: AppConfig, endpoints: Path | None) -> None:
        from .reach import known_addresses

        self.path, known = known_addresses(project, endpoints)
        self.addresses = {name: where for name, where in known.items() if where and name in project.services}
        self._project = project

    def check(self, service: str) -> str:
        """The service. Raises ConfigError: there is none of that name."""
        from ..core.suggest import did_you_mean

        if service not in self.addresses:
            raise ConfigError(
                f"knows no address of {service}; {did_you_mean(service, self.addresses)}", where=str(self.path)
            )
        return service

    def run(self, work: Callable[[Ask], Coroutine[Any, Any, None]]) -> None:
        """Run `work(ask)`; what fails becomes a line of error."""
        from .reach import describe_error

        ask = Ask(self._project, self.addresses)
        try:
            asyncio.run(ask.connected(work))
        except CalveError as error:
            if isinstance(error, ConfigError):
                raise
            raise click.ClickException(describe_error(ask.last, error)) from error


class Ask:
    """Calls the operations that every service with events answers."""

    def __init__(self, project: AppConfig, addresses: dict[str, list[str]]) -> None:
        self._project, self._addresses = project, addresses
        self._client: Any = None
        self._now: Callable[[], float] = lambda: 0.0
        self.last = ""
        """The service that was asked last."""

    async def connected(self, work: Callable[[Ask], Coroutine[Any, Any, None]]) -> None:
        """Run `work` with a connection."""
        from .reach import connected

        async with connected(self._project, self._addresses) as (self._client, self._now):
            await work(self)

    async def __call__(self, service: str, name: str, **fields: Any) -> Any:
        from ..core.context import CallContext
        from ..messaging import DESK, LOG

        operation, self.last = {**DESK, **LOG}[name], service
        context = CallContext("", self._now() + CALL_SECONDS + fields.get("wait_seconds", 0))
        return await self._client.call(service, operation, operation.request(**fields), context)

    async def maybe(self, service: str, name: str) -> Any:
        """The answer, or None from a service without events."""
        from ..core.errors import UnknownOperation

        try:
            return await self(service, name)
        except UnknownOperation:
            return None


def _services(config: Path | None, endpoints: Path | None) -> Services:
    from .project import load_project

    return Services(load_project(config), endpoints)


@command.command()
@config_option
@endpoints_option
def lag(config: Path | None, endpoints: Path | None) -> None:
    """Show how far every service is in the events it handles."""
    services = _services(config, endpoints)

    async def work(ask: Ask) -> None:
        rows: list[tuple[str, ...]] = []
        last: dict[str, tuple[int, ...]] = {}
        for service in services.addresses:
            if (state := await ask.maybe(service, "calve_log_state")) is not None:
                last[service] = state.last
        for service in services.addresses:
            marks = await ask.maybe(service, "calve_events_marks")
            parked = await ask.maybe(service, "calve_events_parked") or ()
            for source in sorted({mark.source for mark in marks or ()}):
                done = sum(mark.mark for mark in marks if mark.source == source)
                published = sum(last.get(source, ()))
                keys = sum(key.source == source for key in parked)
                rows.append((service, source, str(published), str(max(0, published - done)), str(keys)))
        _table(("service", "handles events of", "published", "behind", "parked keys"), rows)

    services.run(work)


@command.command()
@config_option
@endpoints_option
def parked(config: Path | None, endpoints: Path | None) -> None:
    """List the keys whose next event could not be handled."""
    services = _services(config, endpoints)

    async def work(ask: Ask) -> None:
        rows: list[tuple[str, ...]] = []
        for service in services.addresses:
            for key in await ask.maybe(service, "calve_events_parked") or ():
                since = _time(key.since_ms)
                rows.append((service, key.source, key.key, str(key.waiting), str(key.attempts), since, key.error))
        _table(("service", "source", "key", "events", "attempts", "since", "error"), rows)

    services.run(work)


def _keyed(function: Callable[..., None]) -> Callable[..., None]:
    for decorate in (
        endpoints_option,
        config_option,
        click.argument("key"),
        click.argument("source"),
        click.argument("service"),
    ):
        function = decorate(function)
    return function


@command.command()
@_keyed
def show(service: str, source: str, key: str, config: Path | None, endpoints: Path | None) -> None:
    """Print the events of a parked key, the one that failed first."""
    services = _services(config, endpoints)
    services.check(service)

    async def work(ask: Ask) -> None:
        for record in await ask(service, "calve_events_show", source=source, key=key):
            click.echo(_line(record))

    services.run(work)


@command.command()
@_keyed
def retry(service: str, source: str, key: str, config: Path | None, endpoints: Path | None) -> None:
    """Handle the events of a parked key again, in order."""
    services = _services(config, endpoints)
    services.check(service)

    async def work(ask: Ask) -> None:
        await ask(service, "calve_events_retry", source=source, key=key)
        click.echo(f"{service} tries the events of {source} with key {key} again")

    services.run(work)


@command.command()
@_keyed
def drop(service: str, source: str, key: str, config: Path | None, endpoints: Path | None) -> None:
    """Give up the first event of a parked key, and print it. The others wait for `retry`."""
    services = _services(config, endpoints)
    services.check(service)

    async def work(ask: Ask) -> None:
        click.echo(_line(await ask(service, "calve_events_drop", source=source, key=key)))

    services.run(work)


@command.command()
@_keyed
@click.option("--data", required=True, metavar="JSON", help="The event's fields.")
def edit(service: str, source: str, key: str, data: str, config: Path | None, endpoints: Path | None) -> None:
    """Replace the data of the first event of a parked key, and print what was there."""
    services = _services(config, endpoints)
    services.check(service)

    async def work(ask: Ask) -> None:
        click.echo(_line(await ask(service, "calve_events_edit", source=source, key=key, data=data)))

    services.run(work)


@command.command()
@click.argument("service")
@config_option
@endpoints_option
@click.option("--last", "count", type=click.IntRange(min=0), default=10, help="How many to begin with, of each shard.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what is published, until Ctrl-C.")
def tail(service: str, config: Path | None, endpoints: Path | None, count: int, follow: bool) -> None:
    """Print the events that a service has published."""
    services = _services(config, endpoints)
    services.check(service)

    async def shard_tail(ask: Ask, shard: int, after: int) -> None:
        while True:
            wait = FOLLOW_SECONDS if follow else 0.0
            page = await ask(
                service,
                "calve_log_read",
                consumer="",
                shard=shard,
                after=after,
                limit=PAGE,
                wait_seconds=wait,
                done=0,
            )
            for record in page.records:
                click.echo(_line(record))
                after = record.offset
            if page.floor is not None:
                after = page.floor
            elif not page.records and not follow:
                return

    async def work(ask: Ask) -> None:
        state = await ask(service, "calve_log_state")
        starts = [(shard, max(0, last - count)) for shard, last in enumerate(state.last)]
        await asyncio.gather(*(shard_tail(ask, shard, after) for shard, after in starts))

    services.run(work)


def _line(record: Record) -> str:
    where = f"{record.shard}:{record.offset}"
    return f"{_time(record.at_ms)} {where} {record.type} {record.key} {record.data.decode(errors='replace')}"


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for heading in headings:
        table.add_column(heading, overflow="fold")  # a key that is cut cannot be typed again
    for row in rows:
        table.add_row(*row)
    Console().print(table)
