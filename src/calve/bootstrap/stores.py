"""The stores of services: which service has one, where it is, and what it tells about itself."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path

from ..core.errors import ConfigError
from ..observe import Registry
from ..runtime import AppConfig
from ..service import LoadedService
from ..service.injection import constructor_parameters
from ..store import SqliteStore, Store, StoreMetrics, load_schema, sqlite_path


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


async def open_store(config: AppConfig, service: LoadedService, registry: Registry) -> SqliteStore:
    """Open the database of a service, and make it if it is new.

    Raises: ConfigError: its file or folder cannot be used, or its schema files do not fit; with the next step.
    """
    path = sqlite_path(config.store.url, service=service.name, root=config.root)
    _make_folder(path.parent, config)
    store = await SqliteStore.open(path, load_schema(service.folder / "schema"))
    _export_metrics(registry, service.name, store.metrics)
    return store


def _make_folder(folder: Path, config: AppConfig) -> None:
    """Make the folder of a database, so that a fresh checkout starts without a step by hand."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"cannot make the folder {folder}: {error.strerror}",
            where=config.file.where("store", "url"),
            fix="name a folder that this user may write to",
        ) from error


def _export_metrics(registry: Registry, service: str, metrics: StoreMetrics) -> None:
    """Show what a store counts about itself among the unit's metrics."""
    counters = {
        "transactions": "Transactions acknowledged",
        "rollbacks": "Transactions rolled back",
        "commits": "Durable commits, each of one or more transactions",
        "commit_failures": "Commits that failed",
    }
    for name, text in counters.items():
        registry.counter(f"calve.store.{name}", text, functools.partial(getattr, metrics, name), service=service)
    seconds = functools.partial(getattr, metrics, "commit_seconds")
    registry.counter("calve.store.commit_duration", "Time spent in commits", seconds, unit="s", service=service)
