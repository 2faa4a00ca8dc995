"""The stores of services: which service has one, where it is, and what it tells about itself."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path

from ..core.errors import ConfigError
from ..observe import Registry
from ..runtime import AppConfig
from ..runtime.stores import store_place
from ..service import LoadedService
from ..service.injection import constructor_parameters
from ..store import PostgresTarget, SqliteOptions, SqliteStore, Store, StoreMetrics, load_schema


def wants_store(service: LoadedService) -> bool:
    """Whether a service's constructor asks for its database."""
    return service.implementation is not None and Store in constructor_parameters(service.implementation).values()


def check_schema_folders(services: Iterable[LoadedService]) -> None:
    """Two services in single files side by side would find the same `schema/`, and each would make the other's tables.

    Raises: ConfigError: names both.
    """
    owners: dict[Path, LoadedService] = {}
    for service in filter(wants_store, services):
        folder = service.folder / "schema"
        other = owners.setdefault(folder, service)
        if other is not service and folder.is_dir():
            raise ConfigError(
                f"{other.module} and {service.module} both have their schema in {folder}",
                where="calve.toml [app] services",
                fix="make each a package of its own, with its schema folder inside",
            )


async def open_store(config: AppConfig, service: LoadedService, registry: Registry) -> Store:
    """Open the database of a service; a file is made if it is new.

    Raises: ConfigError: its file or folder cannot be used, the server cannot be reached or refuses, or the schema files
        do not fit; with the next step.
    """
    place = store_place(config.store_template(service.name), service.name, config.root)
    store: Store
    if isinstance(place, PostgresTarget):
        store = await _open_postgres(config, service, place, registry)
    else:
        _make_folder(place.parent, config.store_where(service.name))
        options = SqliteOptions(hold_seconds_max=config.store.hold_seconds_max)
        store = await SqliteStore.open(place, load_schema(service.folder / "schema"), options)
    _export_metrics(registry, service.name, store.metrics)
    return store


async def _open_postgres(
    config: AppConfig, service: LoadedService, target: PostgresTarget, registry: Registry
) -> Store:
    require_postgres(config.store_where(service.name))
    from ..store.postgres import PostgresOptions, PostgresStore

    options = PostgresOptions(
        connections_max=config.store.connections_max,
        hold_seconds_max=config.store.hold_seconds_max,
        application_name=f"calve {service.name}",
    )
    password = config.service[service.name].store_password or config.store.password
    schema = load_schema(service.folder / "schema", "postgres")
    store = await PostgresStore.open(target, schema, options, password=password)
    for name, text in (("size", "Connections open"), ("in_use", "Connections in use"), ("waiting", "Waiting for one")):
        read = functools.partial(getattr, store.pool, name)
        registry.gauge(f"calve.store.connections_{name}", text, read, service=service.name)
    return store


def require_postgres(where: str | None = None) -> None:
    """Raise ConfigError unless `calve[postgres]` is installed."""
    try:
        import asyncpg  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "a store on PostgreSQL needs asyncpg, which is not installed",
            where=where,
            fix="run pip install 'calve[postgres]'",
        ) from error


def _make_folder(folder: Path, where: str) -> None:
    """Make the folder of a database, so that a fresh checkout starts without a step by hand."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"cannot make the folder {folder}: {error.strerror}",
            where=where,
            fix="name a folder that this user may write to",
        ) from error


def _export_metrics(registry: Registry, service: str, metrics: StoreMetrics) -> None:
    """Show what a store counts about itself among the unit's metrics."""
    counters = {
        "transactions": "Transactions acknowledged",
        "rollbacks": "Transactions rolled back",
        "conflicts": "Transactions that collided with others and were run again",
        "commits": "Durable commits, each of one or more transactions",
        "commit_failures": "Commits that failed",
    }
    for name, text in counters.items():
        registry.counter(f"calve.store.{name}", text, functools.partial(getattr, metrics, name), service=service)
    seconds = functools.partial(getattr, metrics, "commit_seconds")
    registry.counter("calve.store.commit_duration", "Time spent in commits", seconds, unit="s", service=service)
