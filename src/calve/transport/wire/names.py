"""Addresses by DNS: names that are asked for again and again, because what they stand for comes and goes.

    dns://money.default.svc:7000           every A and AAAA record of the name, at this port; plain TCP
    dns+tls://money.default.svc:7000       the same over TLS; certificates have to be for the name, not for addresses
    srv://_wire._tcp.money.default.svc     every SRV record of the most preferred kind: its hosts at its ports
    srv+tls://_wire._tcp.money.default.svc

                   answer: used for its TTL, within bounds, less a little at random
    DnsWatch ──ask──┤
                   failure, nothing, garbage: the last good answer stays; logged once; asked again after a growing pause

A name with very many addresses is used in part: a choice of its own for each process, so that all are called by
somebody, and the same one from answer to answer, so that connections stay.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import ipaddress
import logging
import os
import random
import re
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, Protocol

import msgspec

from ...core.errors import ConfigError
from .address import Address, Scheme

log = logging.getLogger("calve.wire")

_FORM = re.compile(r"(?P<kind>dns|srv)(?P<tls>\+tls)?://(?P<host>[A-Za-z0-9_.-]+?)\.?(?::(?P<port>[0-9]{1,5}))?/?")
_FORMS = "write dns://host:port, srv://_service._tcp.host, or either with +tls"
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
NAME_CHARS_MAX = 253


class LookupFailed(Exception):
    """There is no answer, or none that makes sense; the text says why."""


class Found(NamedTuple):
    """An answer."""

    places: Sequence[tuple[str, int]]
    """Addresses as text, and ports; those of a name without a port of its own have 0."""
    ttl_seconds: float


class Lookup(Protocol):
    """Asks a name server; see dns.py."""

    async def __call__(self, name: DnsName) -> Found:
        """Ask once. Raises LookupFailed: also when there are no addresses."""
        ...


class DnsName(msgspec.Struct, frozen=True):
    """A name to ask for."""

    kind: str
    """`dns` or `srv`."""
    host: str
    port: int
    """0 for `srv`, whose records say it."""
    scheme: Scheme

    @classmethod
    def is_one(cls, text: str) -> bool:
        """Whether a text is meant to be one."""
        return text.startswith(("dns:", "dns+tls:", "srv:", "srv+tls:"))

    @classmethod
    def parse(cls, text: str, *, where: str | None = None) -> DnsName:
        """Read one of the forms above. Raises ConfigError: says what is wrong with it."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ConfigError(f"address {text!r} is not of the form dns://host:port", where=where, fix=_FORMS)
        kind, host, port = match["kind"], match["host"], int(match["port"] or 0)
        if len(host) > NAME_CHARS_MAX or not all(_LABEL.fullmatch(label) for label in host.split(".")):
            raise ConfigError(f"address {text!r} has no DNS name", where=where, fix=_FORMS)
        if (kind == "dns") != (match["port"] is not None) or port > 65535 or (kind == "dns" and not port):
            what = "needs a port from 1 to 65535" if kind == "dns" else "has a port, which its records say"
            raise ConfigError(f"address {text!r} {what}", where=where, fix=_FORMS)
        return cls(kind, host.lower(), port, "tls" if match["tls"] else "tcp")

    def __str__(self) -> str:
        kind = f"{self.kind}+tls" if self.scheme == "tls" else self.kind
        return f"{kind}://{self.host}:{self.port}" if self.port else f"{kind}://{self.host}"


class NamesOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds."""

    addresses_max: int = 64
    """Addresses of one name that are used."""
    ttl_seconds_min: float = 1.0
    ttl_seconds_max: float = 30.0
    retry_seconds_first: float = 0.5
    """Pause after a failure; doubles until the longest TTL."""


class DnsWatch:
    """One name that is asked for as long as somebody wants it."""

    def __init__(self, name: DnsName, lookup: Lookup, options: NamesOptions, on_change: Callable[[], None]) -> None:
        self.name = name
        self.addresses: tuple[Address, ...] = ()
        """The last good answer."""
        self.fault = "it is being asked for"
        """Why there is none, or no newer one; empty while all is well."""
        self._lookup, self._options, self._on_change = lookup, options, on_change
        self._seed = os.urandom(8)
        self._many = 0
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        """Ask no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        retry = self._options.retry_seconds_first
        while True:
            try:
                found = await self._lookup(self.name)
                self._take(found)
            except LookupFailed as failure:
                self._complain(str(failure))
                pause, retry = retry, min(retry * 2, self._options.ttl_seconds_max)
            except Exception as error:  # noqa: BLE001  (whatever it is, asking goes on)
                self._complain(f"{type(error).__name__}: {error}")
                pause, retry = retry, min(retry * 2, self._options.ttl_seconds_max)
            else:
                retry = self._options.retry_seconds_first
                pause = min(max(found.ttl_seconds, self._options.ttl_seconds_min), self._options.ttl_seconds_max)
            await asyncio.sleep(pause * random.uniform(0.8, 1.0))  # not all processes at once

    def _take(self, found: Found) -> None:
        """Use an answer. Raises LookupFailed: nothing in it can be called."""
        places = {(host, self.name.port or port) for host, port in found.places}
        usable = {place for place in places if 0 < place[1] < 65536 and _callable(place[0])}
        if not usable:
            raise LookupFailed(f"none of its {len(places)} addresses can be called" if places else "no addresses")
        chosen = heapq.nsmallest(self._options.addresses_max, usable, key=self._rank)
        name = self.name.host if self.name.scheme == "tls" else ""
        addresses = {Address(self.name.scheme, host=host, port=port, name=name) for host, port in chosen}
        if self.fault and self.addresses:
            log.info("%s is answered again", self.name)
        self.fault = ""
        self._note_many(len(usable), len(chosen))
        if addresses != set(self.addresses):
            self.addresses = tuple(sorted(addresses, key=str))
            self._on_change()

    def _rank(self, place: tuple[str, int]) -> bytes:
        return hashlib.blake2b(f"{place[0]} {place[1]}".encode(), key=self._seed, digest_size=8).digest()

    def _note_many(self, usable: int, used: int) -> None:
        if usable > used and not self._many:
            log.warning("%s has %d addresses; this process uses %d of them, chosen at random", self.name, usable, used)
        self._many = usable - used

    def _complain(self, fault: str) -> None:
        if fault != self.fault:
            kept = f"; keeping the {len(self.addresses)} addresses known before" if self.addresses else ""
            log.warning("%s: %s%s", self.name, fault, kept)
        self.fault = fault


class Names:
    """The names that are watched now.

    Args:
        lookup: Asks for them.
        options: Bounds.
    """

    def __init__(self, lookup: Lookup, options: NamesOptions | None = None) -> None:
        self._lookup, self._options = lookup, options or NamesOptions()
        self._watches: dict[DnsName, DnsWatch] = {}
        self._ended: set[asyncio.Task[None]] = set()
        self.on_change: Callable[[], None] = lambda: None
        """Called when what a name stands for has changed."""

    def get(self, name: DnsName) -> tuple[Address, ...]:
        """What a name stands for, as far as is known."""
        watch = self._watches.get(name)
        return watch.addresses if watch is not None else ()

    def fault(self, name: DnsName) -> str:
        """Why nothing, or nothing newer, is known of a name; may be empty."""
        watch = self._watches.get(name)
        return watch.fault if watch is not None else "it is not asked for"

    def keep(self, names: Collection[DnsName]) -> None:
        """Watch exactly these from now on. On the running loop."""
        for name in names:
            if name not in self._watches:
                self._watches[name] = DnsWatch(name, self._lookup, self._options, self._changed)
        for name in [name for name in self._watches if name not in names]:
            task = asyncio.ensure_future(self._watches.pop(name).close())
            self._ended.add(task)
            task.add_done_callback(self._ended.discard)

    async def close(self) -> None:
        """Watch none any more."""
        self.keep(())
        await asyncio.gather(*self._ended)

    def _changed(self) -> None:
        self.on_change()


def _callable(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return not (address.is_unspecified or address.is_multicast)
