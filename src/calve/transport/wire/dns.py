"""Asking name servers, by dnspython: it keeps TTLs, which getaddrinfo does not tell, and blocks no thread.

A truncated answer over UDP is asked for again over TCP. What is in the machine's hosts file is not looked at: `tcp://`
addresses go through the system's resolver and know it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from ...core.errors import ConfigError
from .names import DnsName, Found, LookupFailed

try:
    import dns.asyncresolver
    import dns.exception
    import dns.resolver
except ImportError as error:
    raise ConfigError(
        "dnspython is not installed, which addresses by DNS need", fix="run pip install 'calve[dns]'"
    ) from error

LOOKUP_SECONDS = 5.0
"""How long a lookup may take, with all its attempts."""
TARGETS_MAX = 64
"""Hosts of SRV records that are asked for."""


class DnsLookup:
    """A `Lookup`.

    Args:
        nameserver: Address and port of the server to ask; None is what the system is set to.
    """

    def __init__(self, nameserver: tuple[str, int] | None = None) -> None:
        self._nameserver = nameserver
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def __call__(self, name: DnsName) -> Found:
        """See `Lookup`."""
        if name.kind == "dns":
            hosts, ttl = await self._hosts(name.host)
            return Found([(host, 0) for host in hosts], ttl)
        answer = await self._ask(name.host, "SRV")
        if not answer:
            raise LookupFailed("it has no SRV records")
        best = min(record.priority for record in answer)
        preferred = [record for record in answer if record.priority == best]
        targets = {(record.target.to_text(omit_final_dot=True), record.port) for record in preferred}
        return await self._targets(sorted(targets)[:TARGETS_MAX], answer.rrset.ttl)

    async def _targets(self, targets: Sequence[tuple[str, int]], ttl: float) -> Found:
        results = await asyncio.gather(*(self._hosts(host) for host, _ in targets), return_exceptions=True)
        places: list[tuple[str, int]] = []
        failures: list[LookupFailed] = []
        for (_, port), result in zip(targets, results, strict=True):
            if isinstance(result, LookupFailed):
                failures.append(result)
            elif isinstance(result, BaseException):
                raise result
            else:
                places += [(host, port) for host in result[0]]
                ttl = min(ttl, result[1])
        if failures and not places:
            raise failures[0]
        return Found(places, ttl)

    async def _hosts(self, host: str) -> tuple[list[str], float]:
        """Addresses of both families; one of them may fail when the other does not."""
        results = await asyncio.gather(self._ask(host, "A"), self._ask(host, "AAAA"), return_exceptions=True)
        found: list[str] = []
        ttls: list[float] = []
        for result in results:
            if isinstance(result, BaseException):
                if not isinstance(result, LookupFailed):
                    raise result
            elif result:
                found += [record.address for record in result]
                ttls.append(result.rrset.ttl)
        if not found:
            failure = next((result for result in results if isinstance(result, LookupFailed)), None)
            raise failure or LookupFailed("it has no addresses")
        return found, min(ttls)

    async def _ask(self, host: str, kind: str) -> Any:
        """The records of one kind; None when the name has none of it. Raises LookupFailed."""
        try:
            resolver = self._resolver = self._resolver or self._make()
            answer = await resolver.resolve(host, kind, search=True, lifetime=LOOKUP_SECONDS, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN as error:
            raise LookupFailed("there is no such name") from error
        except dns.exception.Timeout as error:
            raise LookupFailed(f"no answer within {LOOKUP_SECONDS:g} s") from error
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise LookupFailed(f"no usable answer ({type(error).__name__}: {' '.join(str(error).split())})") from error
        return answer if answer.rrset is not None else None

    def _make(self) -> dns.asyncresolver.Resolver:
        if self._nameserver is None:
            return dns.asyncresolver.Resolver()
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = [self._nameserver[0]]
        resolver.port = self._nameserver[1]
        return resolver
