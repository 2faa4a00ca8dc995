"""Resolvers: a fixed mapping, and a file that is watched.

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

log = logging.getLogger("calve.wire")

POLL_SECONDS = 0.25


class StaticResolver:
    """A mapping that never changes.

    Args:
        services: Addresses as text, by service.
        where: Where they were found, for errors.
    Raises: ConfigError: an address is not well formed.
    """

    def __init__(self, services: Mapping[str, Sequence[str]], *, where: str | None = None) -> None:
        self._services = _parse(services, where)

    def resolve(self, service: str) -> Sequence[Address]:
        """The addresses of a service; empty when it has none."""
        return self._services.get(service, ())


class _File(msgspec.Struct, forbid_unknown_fields=True):
    services: dict[str, list[str]]


class FileResolver:
    """A watched JSON file.

    Args:
        path: The file; it may appear later.
        poll_seconds: How often it is looked at.
    """

    def __init__(self, path: str | os.PathLike[str], *, poll_seconds: float = POLL_SECONDS) -> None:
        self._path, self._poll_seconds = os.fspath(path), poll_seconds
        self._services: dict[str, tuple[Address, ...]] = {}
        self._stamp: tuple[int, ...] | None = None
        self._fault = ""
        self._task: asyncio.Task[None] | None = None
        self.refresh()

    def resolve(self, service: str) -> Sequence[Address]:
        """The addresses of a service according to the last good file; empty when it has none."""
        return self._services.get(service, ())

    async def start(self) -> None:
        """Begin to watch."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        """Stop watching; what was read last stays in force."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def refresh(self) -> bool:
        """Look at the file now. Returns whether anything changed."""
        try:
            with open(self._path, "rb") as file:
                found = os.fstat(file.fileno())
                stamp = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)
                if stamp == self._stamp:
                    return False
                self._stamp = stamp
                services = _parse(msgspec.json.decode(file.read(), type=_File).services, self._path)
        except (OSError, msgspec.DecodeError, ConfigError) as error:
            self._complain(error)
            return False
        self._fault = ""
        # What did not change stays the same object: that is how a client knows (`Resolver.resolve`).
        known = self._services
        self._services = {name: known[name] if known.get(name) == new else new for name, new in services.items()}
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


def _parse(services: Mapping[str, Sequence[str]], where: str | None) -> dict[str, tuple[Address, ...]]:
    return {
        name: tuple(Address.parse(text, where=f"{where}: {name}" if where else name) for text in texts)
        for name, texts in services.items()
    }
