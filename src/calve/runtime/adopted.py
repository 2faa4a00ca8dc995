"""Services that are no package of the project: what `[service.<name>]` says about them.

    [service.legacy]                           an existing application, hosted by a unit like any service
    asgi = "legacy.main:app"                   or wsgi = "…"
    mount = "/"

    [service.geo]                              a contract that somebody else's HTTP service fulfils; no unit hosts it
    url = "https://geo.example/v1"
    contract = "shop.geo.contract:Geo"

The section of a service that `[app] services` names holds its own settings, whatever they are called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..core.errors import ConfigError
from ..core.settings import SettingsReader
from ..core.suggest import did_you_mean
from ..core.toml import TomlFile
from .sections import AdoptedSettings, RemoteSettings
from .topology import check_name


def read_adopted(file: TomlFile, reader: SettingsReader, services: Mapping[str, str]) -> dict[str, AdoptedSettings]:
    """The adopted applications by name, in the order of the file.

    Raises: ConfigError: one is given twice over (`asgi` and `wsgi`), is no reference, shares its mount with another, or
        calls a service that is not there.
    """
    found: dict[str, AdoptedSettings] = {}
    mounts: dict[str, str] = {}
    for name in _sections(file, services, "asgi", "wsgi"):
        section = f"service.{name}"
        settings = found[name] = reader.load(section, AdoptedSettings)
        kind = "asgi" if settings.asgi else "wsgi"
        where = file.where(section, kind)
        check_name("service", name, where)
        if settings.asgi and settings.wsgi:
            raise ConfigError(f"[{section}] has both asgi and wsgi", where=where, fix="keep the one it is")
        if ":" not in (reference := settings.asgi or settings.wsgi or ""):
            fix = f'write for example {kind} = "{name}.main:app"'
            raise ConfigError(f"[{section}] {kind}: {reference!r} is not 'module:attribute'", where=where, fix=fix)
        if (other := mounts.setdefault(settings.mount, name)) != name:
            raise ConfigError(
                f"{other!r} and {name!r} are both mounted at {settings.mount}",
                where=file.where(section, "mount"),
                fix=f'give one of them another place, such as mount = "/{name}"',
            )
    contracts = [*services, *_sections(file, services, "url")]
    for name, settings in found.items():
        for called in settings.calls:
            if called not in contracts:
                where = file.where(f"service.{name}", "calls")
                known = did_you_mean(called, contracts)
                raise ConfigError(f"[service.{name}] calls: no service {called!r}", where=where, fix=known)
    return found


def read_remotes(file: TomlFile, reader: SettingsReader, services: Mapping[str, str]) -> dict[str, RemoteSettings]:
    """The contracts that HTTP services elsewhere fulfil, by name.

    Raises: ConfigError: a setting is missing or wrong.
    """
    found: dict[str, RemoteSettings] = {}
    for name in _sections(file, services, "url"):
        check_name("service", name, file.where(f"service.{name}"))
        found[name] = reader.load(f"service.{name}", RemoteSettings)
    return found


def _sections(file: TomlFile, services: Mapping[str, str], *marks: str) -> Iterator[str]:
    """Names of the `[service.<name>]` that are no listed services and have one of these keys."""
    for name in file.table("service"):
        if name not in services and any(mark in file.table(f"service.{name}") for mark in marks):
            yield name
