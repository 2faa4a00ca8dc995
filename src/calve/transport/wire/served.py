"""What a server serves, found by the `target` of a request.

"wallet/Wallet/1.0/debit" --exactly--> Served            one lookup, nearly always
                          --same service, contract and major version--> Served
                          --otherwise--> UnknownOperation that names both versions, or what there is instead
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from ...contract import Endpoint, Operation, Version
from ...core.context import CallContext
from ...core.errors import UnknownOperation
from ...core.suggest import did_you_mean

TARGET_CHARS_MAX = 500
"""No honest target is longer, and looking for near misses of a long one takes long."""


class Served:
    """One endpoint with what every call of it needs, looked up once."""

    __slots__ = ("decode", "handle", "name", "operation", "stream")

    def __init__(self, endpoint: Endpoint) -> None:
        self.operation: Operation = endpoint.operation
        self.name = f"{endpoint.service}.{endpoint.operation.name}"
        self.decode: Callable[[Any], Any] = endpoint.operation.request_codec.decode
        self.handle: Callable[[CallContext, Any], Any] = endpoint.handle
        self.stream: Callable[[CallContext, Any], AsyncIterator[Any]] | None = (
            endpoint.stream if endpoint.operation.streaming else None
        )


def target_of(service: str, operation: Operation) -> str:
    """How a request names an operation."""
    return f"{service}/{operation.key}"


class ServedOperations:
    """All endpoints of a server."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self.exact: dict[str, Served] = {}
        """By target."""
        self._contracts: dict[str, dict[str, dict[Version, dict[str, Served]]]] = {}
        for endpoint in endpoints:
            served, operation = Served(endpoint), endpoint.operation
            self.exact[target_of(endpoint.service, operation)] = served
            versions = self._contracts.setdefault(endpoint.service, {}).setdefault(operation.contract, {})
            versions.setdefault(operation.version, {})[operation.name] = served

    def find(self, target: str) -> Served:
        """The endpoint for a target that is not in `exact`.

        Raises: UnknownOperation: nobody here serves it in a compatible version.
        """
        parts = target.split("/") if len(target) <= TARGET_CHARS_MAX else []
        try:
            service, contract, name = parts[0], parts[1], parts[3]
            wanted = Version.parse(parts[2])
        except (IndexError, ValueError):
            raise UnknownOperation(f"{_shown(target)} is not of the form service/Contract/version/operation") from None
        if service not in self._contracts:
            hint = did_you_mean(service, self._contracts)
            raise UnknownOperation(f"service {_shown(service)} is not hosted here; {hint}")
        if contract not in self._contracts[service]:
            hint = did_you_mean(contract, self._contracts[service])
            raise UnknownOperation(f"service {service!r} does not serve contract {_shown(contract)}; {hint}")
        return _compatible(contract, wanted, name, self._contracts[service][contract])


def _compatible(contract: str, wanted: Version, name: str, versions: dict[Version, dict[str, Served]]) -> Served:
    same_major = [version for version in versions if version.major == wanted.major]
    built = f"the caller was built for {contract} {wanted}"
    if not same_major:
        serves = ", ".join(str(version) for version in sorted(versions))
        raise UnknownOperation(f"this unit serves {contract} {serves}, {built}")
    newest = max(same_major)
    for version in sorted(same_major, reverse=True):
        if name in versions[version]:
            return versions[version][name]
    hint = did_you_mean(name, versions[newest])
    raise UnknownOperation(f"this unit serves {contract} {newest}, {built}: it has no operation {_shown(name)}; {hint}")


def _shown(text: str) -> str:
    """What a peer sent, short enough for a message."""
    return repr(text if len(text) <= 100 else f"{text[:100]}…")
