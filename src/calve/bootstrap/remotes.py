"""Contracts that HTTP services elsewhere fulfil: as `[service.<name>] url` in calve.toml, or without a project at all.

[service.geo]                                   async with rest_stub(Geo, "https://geo.example/v1") as geo:
url = "https://geo.example/v1"                      place = await geo.find("Bern")
contract = "shop.geo.contract:Geo"
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..contract import describe
from ..core.secret import Secret
from ..runtime import AppConfig
from ..service import LoadedService, load_object, make_stub, remote_endpoints
from .base import Base

if TYPE_CHECKING:
    from ..transport.rest.client import RestCaller

T = TypeVar("T")


def load_remote(config: AppConfig, name: str) -> LoadedService:
    """The contract of a service that is elsewhere.

    Raises: ConfigError: it cannot be imported, is no contract, or has an operation without an HTTP rule.
    """
    from ..transport.rest.client import check_rest

    where = config.file.where(f"service.{name}", "contract")
    reference = config.remotes[name].contract
    info = describe(load_object(reference, where=where))
    check_rest(info, where)
    return LoadedService(name, reference.partition(":")[0], info, None, Path())


def make_caller(config: AppConfig, name: str, base: Base) -> RestCaller:
    """What carries the calls of such a service."""
    from ..transport.rest.client import RestCaller

    settings = config.remotes[name]
    bytes_max = config.wire.frame_bytes_max
    return RestCaller(
        settings.url, wheel=base.wheel, clock=base.clock, token=settings.token, answer_bytes_max=bytes_max
    )


@asynccontextmanager
async def rest_stub(
    contract: Callable[..., T], url: str, *, token: str | None = None, base: Base | None = None
) -> AsyncIterator[T]:
    """A stub of a contract that an HTTP service fulfils, for any asyncio program.

    Args:
        contract: Every operation needs an HTTP rule.
        url: Base URL of the service.
        token: Bearer token that goes with every request.
        base: Clock, metrics and tracing; new ones unless given.
    Raises: ConfigError: an operation has no HTTP rule, or the extra `calve[http]` is not installed.
    """
    from ..transport.rest.client import RestCaller, check_rest

    info = describe(cast("type[Any]", contract))
    check_rest(info, f"{info.cls.__module__}.{info.name}")
    base = base or Base.make()
    caller = RestCaller(url, wheel=base.wheel, clock=base.clock, token=None if token is None else Secret(token))
    name = info.name.lower()
    endpoints = remote_endpoints(info, name, caller, clock=base.clock, registry=base.registry, tracing=base.tracing)
    try:
        yield cast(T, make_stub(info, name, endpoints, hosted=False))
    finally:
        await caller.close()
