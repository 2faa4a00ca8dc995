"""What calve.toml adds by name, and is built by injection as services are: middleware and the authenticator.

    [app]  middleware = ["shop.audit:Audit"]      its settings: [middleware.audit]
    [http] authenticator = "shop.login:Login"     its settings: [authenticator]

A class gets what its constructor asks for: `Settings`, `Clock`, `Logger`, and the authenticator stubs of contracts. A
function is taken as it is.
"""

from __future__ import annotations

from typing import Any, NoReturn

from ..core.errors import ConfigError
from ..observe import Logger
from ..runtime import AppConfig
from ..service import Injector, Middleware, load_object
from ..service.injection import Provider
from ..transport.rest import Authenticator
from .base import Base
from .settings import read_settings


def load_middleware(config: AppConfig, base: Base) -> list[Middleware]:
    """The application's middleware, outermost first.

    Raises: ConfigError: one cannot be imported or built, or cannot be called.
    """
    where = config.file.where("app", "middleware")
    return [
        _load(config, base, reference, f"middleware.{name}", where, _no_stubs)
        for name, reference in config.middleware.items()
    ]


def load_authenticator(config: AppConfig, base: Base, stubs: Provider) -> Authenticator | None:
    """The authenticator; None when none is named.

    Args: stubs: `stubs(who, contract)` -> stub.
    Raises: ConfigError: it cannot be imported or built, or cannot be called.
    """
    reference = config.http.authenticator
    if reference is None:
        return None
    where = config.file.where("http", "authenticator")
    return _load(config, base, reference, "authenticator", where, stubs)  # type: ignore[no-any-return]


def _load(config: AppConfig, base: Base, reference: str, section: str, where: str, stubs: Provider) -> Any:
    made = load_object(reference, where=where)
    settings = read_settings(config, section, made)
    if isinstance(made, type):
        module = made.__module__
        injector = Injector(
            stores=_no_store,
            settings=lambda _, kind: settings[kind],
            stubs=stubs,
            clock=lambda *_: base.clock,
            logger=lambda *_: Logger(module),
        )
        made = injector.build(reference, made)
    if not callable(made):
        fix = "name an async function, or a class with `async def __call__`"
        raise ConfigError(f"{reference!r} cannot be called", where=where, fix=fix)
    return made


def _no_store(reference: str, _: type[Any]) -> NoReturn:
    raise ConfigError(
        f"{reference} asks for a Store, but a store belongs to a service",
        where=reference,
        fix="keep the data in a service of its own",
    )


def _no_stubs(reference: str, contract: type[Any]) -> NoReturn:
    raise ConfigError(
        f"{reference} asks for {contract.__name__}, but middleware runs around every call and can make none",
        where=reference,
        fix="take what it has to know from the call's principal or from settings",
    )
