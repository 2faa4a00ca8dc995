"""The adopted applications of one unit, put together from calve.toml."""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ..core.errors import CalveError, ConfigError
from ..core.unit import RunningUnit
from ..runtime import AppConfig
from ..service.loading import ImportFailed, load_object
from ..transport.adopt import AdoptedApp, AdoptOptions, Guest, Mounts
from ..transport.adopt.tasks import watch_tasks
from .base import Base

DOCUMENT = "/openapi.json"
"""Where ASGI frameworks have it. WSGI ones have none of their own, and log a request for what is not there."""


class AdoptedApps:
    """The adopted applications that a unit hosts.

    Args:
        config: The project.
        names: Which of them, at least one.
        base: What the parts of the unit share.
        stubs: `stubs(who, contract)` -> the stub through which one of them calls a contract.
    """

    def __init__(
        self, config: AppConfig, names: Sequence[str], base: Base, stubs: Callable[[str, type[Any]], Any]
    ) -> None:
        units = {name: RunningUnit(functools.partial(stubs, name)) for name in names}
        # For threads that have nothing by which to tell whose they are.
        self._any = RunningUnit(functools.partial(stubs, names[0] if len(names) == 1 else "an adopted application"))
        self._units = [*units.values(), self._any]
        self.apps = {name: _make(config, name, base, unit) for name, unit in units.items()}
        self.mounts = Mounts(self.apps.values())
        self.guests: list[Guest] = []
        """The OpenAPI documents of those that have one, once started."""
        self._config = config
        self._unwatch: Callable[[], None] | None = None

    async def start(self, progress: Callable[[str], None]) -> None:
        """Import and start them all; those that fail say so in their health.

        Args:
            progress: Told which one is next: an import may hang, and nobody can end it.
        """
        self._unwatch = watch_tasks(asyncio.get_running_loop())
        self._any.publish()
        for name, app in self.apps.items():
            progress(f"starting {name}")
            await app.start()
            if (guest := await app.guest()) is not None:
                self.guests.append(guest)

    def code(self) -> dict[str, str]:
        """Folders or file of each application's top package or module -> its name."""
        found = {}
        for name in self.apps:
            package = _reference(self._config, name)[0].partition(":")[0].partition(".")[0]
            found.update(dict.fromkeys(places(package), name))
        return found

    def drain(self) -> None:
        """Begin to end what may last: WebSockets."""
        for app in self.apps.values():
            app.drain()

    async def stop(self) -> None:
        """Stop them all, at the same time: each may take its own time, the unit has only one. Safe to call twice."""
        await asyncio.gather(*(app.stop() for app in self.apps.values()))
        for unit in self._units:
            unit.close()
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None


def places(module: str) -> list[str]:
    """Where the code of an imported module is: its file, or the folders of a package, which end with a separator."""
    loaded = sys.modules.get(module)
    folders = getattr(loaded, "__path__", None)
    if folders is not None:  # of a package without `__init__.py`, several
        return [f"{folder}{os.sep}" for folder in folders]
    file = getattr(loaded, "__file__", None)
    return [file] if file else []


def _make(config: AppConfig, name: str, base: Base, unit: RunningUnit) -> AdoptedApp:
    settings = config.adopted[name]
    options = AdoptOptions(
        kind="asgi" if settings.asgi else "wsgi",
        mount=settings.mount,
        openapi=(DOCUMENT if settings.asgi else None) if settings.openapi is None else settings.openapi or None,
        threads=settings.threads,
        startup_seconds=settings.startup_seconds,
    )
    check_reference(config, name)
    return AdoptedApp(
        name,
        functools.partial(_load, config, name),
        options,
        unit=unit,
        registry=base.registry,
        tracing=base.tracing,
        clock=base.clock,
    )


def _load(config: AppConfig, name: str) -> object:
    reference, where = _reference(config, name)
    try:
        return load_object(reference, where=where)
    except ImportFailed as error:
        # What its own code raised is what its health shows, and no fault of calve.toml, whatever it is.
        cause = error.__cause__ or error
        if isinstance(cause, ConfigError):
            raise CalveError(str(cause)) from cause
        raise cause from None


def check_reference(config: AppConfig, name: str) -> None:
    """Look for the module of an adopted application, without running any of its code but its package's.

    Raises: ConfigError: there is none, or the server that its kind needs is not installed.
    """
    reference, where = _reference(config, name)
    module = reference.partition(":")[0]
    try:
        found = importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        found = False
    except (Exception, SystemExit):  # noqa: BLE001  (of a package above it: the import will tell the whole of it)
        return
    if not found:
        fix = "check the name, and that the folder of calve.toml is the project's root"
        raise ConfigError(f"[service.{name}]: module {module!r} was not found", where=where, fix=fix)


def _reference(config: AppConfig, name: str) -> tuple[str, str]:
    settings = config.adopted[name]
    kind, reference = ("asgi", settings.asgi) if settings.asgi else ("wsgi", settings.wsgi)
    assert reference is not None, "calve.toml says which"
    return reference, config.file.where(f"service.{name}", kind)
