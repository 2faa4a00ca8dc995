"""The wire as calve.toml sets it: for units, and for commands that call them without being one."""

from __future__ import annotations

from collections.abc import Sequence

from ..transport.wire import DnsName, Names, NamesOptions, TlsOptions, WireOptions
from ..transport.wire.names import Found, Lookup
from ..transport.wire.tls import client_context
from .config import AppConfig
from .topology import Topology


def wire_options(config: AppConfig) -> WireOptions:
    """The limits of the wire."""
    return WireOptions(frame_bytes_max=config.wire.frame_bytes_max, calls_max=config.wire.calls_max)


def tls_options(config: AppConfig) -> TlsOptions | None:
    """The certificates of this unit; None when it has none.

    Raises: ConfigError: they do not load. A client would find that out at its first call only.
    """
    wire = config.wire
    if wire.tls_cert is None or wire.tls_key is None or wire.tls_ca is None:
        return None
    options = TlsOptions(cert=str(wire.tls_cert), key=str(wire.tls_key), ca=str(wire.tls_ca))
    client_context(options)
    return options


def names(config: AppConfig) -> Names:
    """Watches names of `[discovery]`. What asks for them is imported when the first one is there."""
    return Names(_Lookup(config.discovery.nameserver), NamesOptions(addresses_max=config.discovery.addresses_max))


def sources_by_dns(config: AppConfig, topology: Topology, services: Sequence[str]) -> dict[str, list[DnsName]]:
    """What `[discovery] dns` says of services.

    Raises: ConfigError: it is no name, or what asks for names is not installed.
    """
    pattern, where = config.discovery.dns or "", config.file.where("discovery", "dns")
    from ..transport.wire import dns  # noqa: F401  (whether it can be imported, before anything starts)

    found = {}
    for service in services:
        text = pattern.replace("{unit}", topology.unit_of(service).name).replace("{service}", service)
        found[service] = [DnsName.parse(text, where=where)]
    return found


class _Lookup:
    """Imports dnspython with the first question: most units never have one."""

    def __init__(self, nameserver: str | None) -> None:
        host, _, port = (nameserver or "").rpartition(":")
        self._nameserver = (host.strip("[]"), int(port)) if nameserver else None
        self._ask: Lookup | None = None

    async def __call__(self, name: DnsName) -> Found:
        if self._ask is None:
            from ..transport.wire.dns import DnsLookup

            self._ask = DnsLookup(self._nameserver)
        return await self._ask(name)
