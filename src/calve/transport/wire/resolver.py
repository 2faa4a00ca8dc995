"""Resolvers: a fixed mapping, sources that change, and a file of them that is watched.

The file is what supervisors and deployment tools write:

    {"services": {"wallet": ["unix:/run/shop/money.sock"], "orders": ["tcp://10.0.0.7:7400", "tcp://10.0.0.8:7400"]}}

It is read again when its identity or time stamp changes. A file that is missing, half written or wrong changes
nothing: what was read last stays in force, and the fault is logged once. Write a new file and rename it over the old
one.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping, Sequence

import msgspec

from ...core.errors import ConfigError
from .address import Address
from .names import DnsName, Names

log = logging.getLogger("calve.wire")

POLL_SECONDS = 0.25
NOBODY_KNOWS = "no address is known for it"


Source = Address | DnsName
"""What a discovery file may say: an address, or a name that stands for several."""


class StaticResolver:
    """A mapping that never changes.

    Args:
        services: Addresses as text, by service.
        where: Where they were found, for errors.
    Raises: ConfigError: an address is not well formed.
    """

    def __init__(self, services: Mapping[str, Sequence[str]], *, where: str | None = None) -> None:
        self._services = {
            name: tuple(Address.parse(text, where=_where(where, name)) for text in texts)
            for name, texts in services.items()
        }

    def resolve(self, service: str) -> Sequence[Address]:
        """The addresses of a service; empty when it has none."""
        return self._services.get(service, ())

    def missing(self, service: str) -> str:
        """See `Resolver`."""
        return NOBODY_KNOWS


class SourceResolver:
    """Sources that may change, some of them names.

    Args:
        names: Watches names; None where there may be none.
    """

    def __init__(self, names: Names | None = None) -> None:
        self._names = names
        self._sources: dict[str, tuple[Source, ...]] = {}
        self._services: dict[str, tuple[Address, ...]] = {}
        self._started = False
        if names is not None:
            names.on_change = self._expand

    def resolve(self, service: str) -> Sequence[Address]:
        """The addresses of a service, as far as they are known; empty when it has none."""
        return self._services.get(service, ())

    def known(self) -> set[Address]:
        """The addresses of all services."""
        return {address for addresses in self._services.values() for address in addresses}

    def missing(self, service: str) -> str:
        """See `Resolver`."""
        names = [source for source in self._sources.get(service, ()) if isinstance(source, DnsName)]
        if self._names is None or not names:
            return NOBODY_KNOWS
        return "; ".join(f"{name}: {self._names.fault(name) or 'no addresses'}" for name in names)

    def use(self, sources: Mapping[str, Sequence[Source]]) -> None:
        """Say where services are from now on. Names are asked for once this is started."""
        self._sources = {service: tuple(places) for service, places in sources.items()}
        if self._started and self._names is not None:
            places = [place for listed in self._sources.values() for place in listed]
            self._names.keep({place for place in places if isinstance(place, DnsName)})
        self._expand()

    async def start(self) -> None:
        """Begin to watch."""
        self._started = True
        self.use(self._sources)

    async def close(self) -> None:
        """Stop watching; what was known last stays in force."""
        self._started = False
        if self._names is not None:
            self._names.on_change = lambda: None
            await self._names.close()

    def _expand(self) -> None:
        # What did not change stays the same object: that is how a client knows (`Resolver.resolve`).
        known = self._services
        new = {service: self._addresses(places) for service, places in self._sources.items()}
        self._services = {name: known[name] if known.get(name) == found else found for name, found in new.items()}

    def _addresses(self, places: Sequence[Source]) -> tuple[Address, ...]:
        found: list[Address] = []
        for place in places:
            if isinstance(place, Address):
                found.append(place)
            elif self._names is not None:
                found += self._names.get(place)
        return tuple(dict.fromkeys(found))


class _File(msgspec.Struct, forbid_unknown_fields=True):
    services: dict[str, list[str]]


class FileResolver(SourceResolver):
    """A watched JSON file.

    Args:
        path: The file; it may appear later.
        poll_seconds: How often it is looked at.
        names: Watches the names in it; without, a file with names is not usable.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, poll_seconds: float = POLL_SECONDS, names: Names | None = None
    ) -> None:
        super().__init__(names)
        self._path, self._poll_seconds = os.fspath(path), poll_seconds
        self._stamp: tuple[int, ...] | None = None
        self._fault = ""
        self._task: asyncio.Task[None] | None = None
        self.refresh()

    async def start(self) -> None:
        """Begin to watch."""
        await super().start()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        """Stop watching; what was known last stays in force."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await super().close()

    def refresh(self) -> bool:
        """Look at the file now. Returns whether anything changed."""
        try:
            with open(self._path, "rb") as file:
                found = os.fstat(file.fileno())
                stamp = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)
                if stamp == self._stamp:
                    return False
                self._stamp = stamp
                texts = msgspec.json.decode(file.read(), type=_File).services
                sources = parse_sources(texts, self._path, names=self._names is not None)
        except (OSError, msgspec.DecodeError, ConfigError) as error:
            self._complain(error)
            return False
        self._fault = ""
        self.use(sources)
        return True

    def _complain(self, error: Exception) -> None:
        if isinstance(error, OSError):
            fault = error.strerror or str(error)
            self._stamp = None
        else:
            fault = str(error)
        if fault != self._fault:
            self._fault = fault
            log.warning("discovery file %s is not usable (%s); keeping what was known before", self._path, fault)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._poll_seconds)
            self.refresh()


def parse_sources(
    services: Mapping[str, Sequence[str]], where: str | None, *, names: bool = True
) -> dict[str, tuple[Source, ...]]:
    """Read addresses and names.

    Args:
        services: As text, by service.
        where: Where they were found, for errors.
        names: Whether names are allowed.
    Raises: ConfigError: one is not well formed, or may not be there.
    """
    return {
        name: tuple(_source(text, _where(where, name), names) for text in texts) for name, texts in services.items()
    }


def _source(text: str, where: str | None, names: bool) -> Source:
    if not DnsName.is_one(text):
        return Address.parse(text, where=where)
    if not names:
        raise ConfigError(f"address {text!r} is a name, and nobody asks for names here", where=where)
    return DnsName.parse(text, where=where)


def _where(where: str | None, name: str) -> str:
    return f"{where}: {name}" if where else name
