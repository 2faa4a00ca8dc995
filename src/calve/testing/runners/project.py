"""A project made ready for a test: settings overridden, data in a folder of its own, modules importable."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ...core.errors import ConfigError
from ...core.settings import env_name
from ...runtime import AppConfig, load_config
from ...runtime.endpoints import private_folder

FILE_NAME = "calve.toml"


class Project(NamedTuple):
    """What runners start from."""

    config: AppConfig
    environ: dict[str, str]
    """Environment that says the same as `config`, for processes."""
    folder: Path
    """A folder for this run alone; short, because sockets live in it."""
    modules: Path
    """Where the services are imported from."""


@contextmanager
def prepared(project: Path, services: Sequence[str], settings: Mapping[str, Any]) -> Iterator[Project]:
    """Prepare a project for the time of the block. Args and Raises: as for `Runner.start`."""
    with private_folder() as folder:
        path = project / FILE_NAME if project.is_dir() else project
        modules = path.parent.absolute()
        if project.is_dir() and services and not path.is_file():
            path = folder / FILE_NAME
            path.write_text('[app]\nname = "test"\nservices = []\n', encoding="utf-8")
        overrides = {
            "store.url": f"sqlite:///{folder}/{{service}}.db",
            "http.port": 0,
            "run.drain_delay_seconds": 0,
            "run.grace_seconds": 1,
            **({"app.services": list(services)} if services else {}),
            **settings,
        }
        environ = {**os.environ, **dict(_variable(name, value) for name, value in overrides.items())}
        with importable(modules):
            yield Project(load_config(path, environ=environ), environ, folder, modules)


def _variable(name: str, value: Any) -> tuple[str, str]:
    section, _, key = name.rpartition(".")
    if not section:
        raise ConfigError(f"setting {name!r} has no section", fix="write for example 'service.wallet.limit'")
    return env_name(section, key), value if isinstance(value, str) else json.dumps(value)


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Have a folder on `sys.path` for the time of the block; what was imported stays."""
    if str(folder) in sys.path:
        yield
        return
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
