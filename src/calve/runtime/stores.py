"""Where the stores of a project are: every URL is read before anything is opened, and no two services share a place."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from ..core.errors import ConfigError
from ..core.place import SCHEMES, PostgresTarget, postgres_target, sqlite_path
from ..core.suggest import did_you_mean

Place = Path | PostgresTarget


def store_place(template: str, service: str, root: Path) -> Place:
    """The file, or the place on a server, that a URL template names for one service.

    Args:
        root: Where relative paths start.
    Raises: ConfigError: see `sqlite_path` and `postgres_target`.
    """
    if template.startswith("postgresql:"):
        return postgres_target(template, service=service)
    return sqlite_path(template, service=service, root=root)


class Declared(NamedTuple):
    """The store of one service as calve.toml or the environment has it."""

    service: str
    template: str
    """The URL, with `{service}` where it is written so."""
    option: str
    """`[store] url`, or what the service has instead."""
    where: str
    """File and line, or variable."""


def check_stores(declared: Iterable[Declared], root: Path) -> None:
    """Check the stores of all services.

    Raises: ConfigError: names the setting; an unknown scheme, a URL that names nothing, or one place for two services.
    """
    places: dict[Place, str] = {}
    roles: dict[tuple[str, int, str, str], str] = {}
    for store in declared:
        place = _place(store, root)
        other = places.setdefault(_alone(place), store.service)
        if other != store.service and "{service}" not in store.template:
            raise ConfigError(
                f"{store.option} is the same for all services, but a store belongs to one service",
                where=store.where,
                fix="put {service} into the file name" if isinstance(place, Path) else "put {service} into it",
            )
        if other != store.service:
            what = f"{store.option}: the store of {store.service!r} would be that of {other!r}"
            raise ConfigError(what, where=store.where, fix="give each its own")
        if isinstance(place, PostgresTarget) and place.schema is not None:
            _check_role(store, place, roles)


def _place(store: Declared, root: Path) -> Place:
    scheme = store.template.partition(":")[0]
    if scheme not in SCHEMES:
        # The scheme only: the rest of a URL may hold a password.
        known = did_you_mean(scheme, SCHEMES)
        raise ConfigError(f"{store.option}: no store for {scheme[:20]!r}", where=store.where, fix=known)
    if scheme == "sqlite" and (not store.template.startswith("sqlite:///") or store.template == "sqlite:///"):
        raise ConfigError(f"{store.option} names no file", where=store.where, fix="write sqlite:///data/{service}.db")
    try:
        return store_place(store.template, store.service, root)
    except ConfigError as error:
        raise ConfigError(f"{store.option}: {error.what}", where=store.where, fix=error.fix) from None


def _alone(place: Place) -> Place:
    """A place without what does not tell two of them apart."""
    if isinstance(place, Path):
        return Path(os.path.normpath(place))
    return msgspec.structs.replace(place, user="", sslmode="prefer", sslrootcert=None)


def _check_role(store: Declared, target: PostgresTarget, roles: dict[tuple[str, int, str, str], str]) -> None:
    """Within one database only the role keeps a service from another one's tables."""
    other = roles.setdefault((target.host, target.port, target.database, target.user), store.service)
    if other != store.service:
        raise ConfigError(
            f"{store.service!r} and {other!r} have schemas in one database and the same role {target.user!r}, so each"
            " could read the other's tables",
            where=store.where,
            fix="put {service} into the role: postgresql://{service}@host/shop?schema={service}",
        )
