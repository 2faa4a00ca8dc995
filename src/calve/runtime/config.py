"""The whole of calve.toml, read and checked once, as one frozen object.

Everything that can be wrong before a service is imported is found here: unknown sections and keys, wrong values,
services in no unit, stores that two services would share. Each error names the line and the next step.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ..core.errors import ConfigError
from ..core.place import PostgresTarget
from ..core.settings import SettingsReader, env_name
from ..core.suggest import did_you_mean
from ..core.toml import TomlFile
from .adopted import read_adopted, read_remotes
from .sections import (
    SECTIONS,
    AdoptedSettings,
    AppSettings,
    CheckSettings,
    DiscoverySettings,
    EventSettings,
    HttpSettings,
    LogSettings,
    RemoteSettings,
    RolloutSettings,
    RunSettings,
    ServiceSettings,
    StoreSettings,
    UnitSettings,
    WireSettings,
)
from .stores import Declared, check_stores, store_place
from .topology import Topology, read_topologies

FILE_NAME = "calve.toml"
CONFIG_VARIABLE = "CALVE_CONFIG"
_SECTIONS = (
    "app", "store", "events", "http", "wire", "discovery", "log", "run", "rollout", "unit", "service", "topology",
    "middleware", "authenticator", "check", "audit", "policy",
)  # fmt: skip
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


class AppConfig(msgspec.Struct, frozen=True, eq=False):
    """A project: `config.app.name`, `config.http.port`, `config.topologies["split"]`, …"""

    file: TomlFile
    reader: SettingsReader
    app: AppSettings
    store: StoreSettings
    events: EventSettings
    http: HttpSettings
    wire: WireSettings
    discovery: DiscoverySettings
    log: LogSettings
    run: RunSettings
    rollout: RolloutSettings
    check: CheckSettings
    services: dict[str, str]
    """Short name to dotted name of the package, in the order of `[app] services`."""
    service: dict[str, ServiceSettings]
    """By name, for every service, adopted and remote ones too: what Calve itself wants to know of it."""
    adopted: dict[str, AdoptedSettings]
    """Existing applications that are services, too: `[service.<name>]` with `asgi` or `wsgi`."""
    remotes: dict[str, RemoteSettings]
    """Contracts that somebody else's HTTP service fulfils: `[service.<name>]` with `url`. No unit hosts them."""
    middleware: dict[str, str]
    """What `[middleware.<name>]` calls it to `module:attribute`, outermost first."""
    topologies: dict[str, Topology]
    """By name; always has `one`."""
    units: dict[str, UnitSettings]
    """By name, for every unit of every topology."""

    @property
    def root(self) -> Path:
        """Folder of calve.toml: relative paths start here, and services are imported from here."""
        return self.file.path.parent

    def store_url(self, service: str) -> str:
        """The store of one service: `{service}` filled in, a relative SQLite path made absolute."""
        place = store_place(self.store_template(service), service, self.root)
        return str(place) if isinstance(place, PostgresTarget) else f"sqlite:///{place}"

    @property
    def hosted(self) -> list[str]:
        """Names of the services that units host: those of `[app] services`, and the adopted applications."""
        return [*self.services, *self.adopted]

    def store_template(self, service: str) -> str:
        """The URL of a service's store as it is written."""
        return self.declared_store(service).template

    def store_where(self, service: str) -> str:
        """Where that is written."""
        return self.declared_store(service).where

    def declared_store(self, service: str) -> Declared:
        """The URL of a service's store as it is written, and where."""
        section, key, own = f"service.{service}", "store_url", self.service[service].store_url
        if own is None:
            section, key = "store", "url"
        return Declared(service, own or self.store.url, f"[{section}] {key}", self.file.where(section, key))

    def store_in_file(self, service: str) -> bool:
        """Whether the store of a service is a SQLite file, which only one process may have."""
        return self.store_template(service).startswith("sqlite:")

    def topology(self, name: str | None = None) -> Topology:
        """A topology by name; None is the one that `[run] topology` names.

        Raises: ConfigError: there is none; with near misses.
        """
        where = "--topology" if name is not None else self.file.where("run", "topology")
        name = self.run.topology if name is None else name
        if name not in self.topologies:
            raise ConfigError(f"no topology {name!r}", where=where, fix=did_you_mean(name, self.topologies))
        return self.topologies[name]

    def topology_of_unit(self, unit: str, name: str | None = None) -> Topology:
        """The topology in which a unit is to run alone: the named one, else the default, else the only one that has it.

        Raises: ConfigError: no topology has the unit (with near misses), or several have it.
        """
        chosen = self.topology(name)
        if name is not None or any(u.name == unit for u in chosen.units):
            chosen.unit(unit)
            return chosen
        having = [t for t in self.topologies.values() if any(u.name == unit for u in t.units)]
        if not having:
            known = {u.name for t in self.topologies.values() for u in t.units}
            raise ConfigError(f"no topology has a unit {unit!r}", where="--unit", fix=did_you_mean(unit, known))
        if len(having) > 1:
            names = ", ".join(t.name for t in having)
            raise ConfigError(f"unit {unit!r} is in several topologies: {names}", where="--unit", fix="add --topology")
        return having[0]

    def edge(self, topology: Topology) -> str:
        """Name of the unit that serves REST for all services: `[http] edge` if the topology has it, else the first."""
        return next((u.name for u in topology.units if u.name == self.http.edge), topology.units[0].name)


def prefer_root(config: AppConfig) -> None:
    """Put the folder of calve.toml first on `sys.path`, so that `services = ["shop.wallet"]` finds the project."""
    root = str(config.root)
    if sys.path[:1] != [root]:
        sys.path.insert(0, root)


def find_config(start: Path) -> Path:
    """The nearest calve.toml in a folder or one of its parents.

    Raises: ConfigError: there is none.
    """
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    raise ConfigError(
        f"no {FILE_NAME} in {start.absolute()} or above",
        fix="change to the folder of a project, name the file with --config, or make a project with `calve new`",
    )


def load_config(path: Path | str | None = None, *, environ: Mapping[str, str] | None = None) -> AppConfig:
    """Read and check a project.

    Args:
        path: The file; None is what CALVE_CONFIG names, else the nearest from the current folder upwards.
        environ: Environment for overrides; None is the process's own.
    Raises: ConfigError: the first thing that is wrong.
    """
    environ = os.environ if environ is None else environ
    path = path or environ.get(CONFIG_VARIABLE)
    file = TomlFile.read(Path(path) if path else find_config(Path.cwd()))
    for section in file.data:
        if section not in _SECTIONS:
            known = did_you_mean(section, _SECTIONS)
            raise ConfigError(f"[{section}] is not a section", where=file.where(section), fix=known)
    reader = SettingsReader(file, environ)
    app = reader.load("app", AppSettings)
    services = _services(file, app)
    adopted, remotes = read_adopted(file, reader, services), read_remotes(file, reader, services)
    hosted = [*services, *adopted]
    if not hosted:
        fix = 'write services = ["shop.wallet"], or adopt an application with [service.<name>] asgi = "module:app"'
        raise ConfigError("[app] services is empty", where=file.where("app", "services"), fix=fix)
    topologies = read_topologies(file, hosted, app.name, environ)
    names = {u.name for t in topologies.values() for u in t.units}
    config = AppConfig(
        file=file,
        reader=reader,
        app=app,
        store=reader.load("store", StoreSettings),
        events=reader.load("events", EventSettings),
        http=reader.load("http", HttpSettings),
        wire=reader.load("wire", WireSettings),
        discovery=reader.load("discovery", DiscoverySettings),
        log=reader.load("log", LogSettings),
        run=reader.load("run", RunSettings),
        rollout=reader.load("rollout", RolloutSettings),
        check=reader.load("check", CheckSettings),
        services=services,
        service={
            **{name: reader.load(f"service.{name}", ServiceSettings, besides=None) for name in services},
            **adopted,
            **remotes,
        },
        adopted=adopted,
        remotes=remotes,
        middleware=_middleware(file, app),
        topologies=topologies,
        units={name: reader.load(f"unit.{name}", UnitSettings) for name in sorted(names)},
    )
    _check_names(config, "service", {*hosted, *remotes})
    _check_names(config, "unit", names)
    _check_names(config, "middleware", config.middleware)
    _check_authenticator(config)
    _check_edge(config, names)
    check_stores(map(config.declared_store, services), config.root)
    _check_tls(config)
    _check_environment(reader)
    config.topology()
    return config


def _services(file: TomlFile, app: AppSettings) -> dict[str, str]:
    where = file.where("app", "services")
    services: dict[str, str] = {}
    for dotted in app.services:
        if _MODULE.fullmatch(dotted) is None:
            raise ConfigError(f"{dotted!r} is not a package", where=where, fix='write for example "shop.wallet"')
        short = dotted.rpartition(".")[2]
        if short in services:
            both = f"{services[short]!r} and {dotted!r}" if services[short] != dotted else f"{dotted!r} twice"
            raise ConfigError(f"two services named {short!r}: {both}", where=where, fix="rename or remove one")
        services[short] = dotted
    return services


def _middleware(file: TomlFile, app: AppSettings) -> dict[str, str]:
    where = file.where("app", "middleware")
    named: dict[str, str] = {}
    for reference in app.middleware:
        name = reference.rpartition(":")[2].lower()
        if name in named:
            both = f"{named[name]!r} and {reference!r}"
            raise ConfigError(f"two middleware named {name!r}: {both}", where=where, fix="rename or remove one")
        named[name] = reference
    return named


def _check_authenticator(config: AppConfig) -> None:
    if config.file.table("authenticator") and config.http.authenticator is None:
        what = "[authenticator] has settings, but [http] authenticator names none"
        raise ConfigError(what, where=config.file.where("authenticator"), fix='write authenticator = "module:Class"')


def _check_names(config: AppConfig, kind: str, known: Mapping[str, str] | set[str]) -> None:
    """`[service.<name>]`, `[unit.<name>]` and `[middleware.<name>]` have to belong to something."""
    for name in config.file.table(kind):
        if name not in known:
            where = config.file.where(f"{kind}.{name}")
            raise ConfigError(f"[{kind}.{name}]: no {kind} {name!r}", where=where, fix=did_you_mean(name, known))


def _check_environment(reader: SettingsReader) -> None:
    """A variable that looks like one of ours and is none would be ignored without a word.

    Units and services are left out: their names and keys cannot be told apart without importing the services.
    """
    fixed = {section: kind for section, kind in SECTIONS.items() if "<" not in section}
    known = {env_name(section, key) for section, kind in fixed.items() for key in kind.__struct_fields__}
    for name in reader.variables:
        if name not in known and name.startswith(tuple(f"CALVE_{section.upper()}_" for section in fixed)):
            raise ConfigError("not a setting", where=name, fix=did_you_mean(name, known))


def _check_edge(config: AppConfig, units: set[str]) -> None:
    edge = config.http.edge
    if edge is not None and edge not in units:
        where = config.file.where("http", "edge")
        raise ConfigError(f"[http] edge: no unit {edge!r}", where=where, fix=did_you_mean(edge, units))


def _check_tls(config: AppConfig) -> None:
    files = {key: getattr(config.wire, key) for key in ("tls_cert", "tls_key", "tls_ca")}
    missing = [key for key, path in files.items() if path is None]
    if missing and len(missing) < len(files):
        fix = "set tls_cert, tls_key and tls_ca, or none of them"
        raise ConfigError(f"[wire] {missing[0]} is not set", where=config.file.where("wire"), fix=fix)
    for key, path in files.items():
        if path is not None and not path.is_file():
            raise ConfigError(f"[wire] {key}: {path} is not a file", where=config.file.where("wire", key))
    for unit, settings in config.units.items():
        listen = settings.listen or config.wire.listen
        if missing and listen is not None and listen.startswith("tls:"):
            where = (
                config.file.where(f"unit.{unit}", "listen") if settings.listen else config.file.where("wire", "listen")
            )
            raise ConfigError(
                f"{listen} needs a certificate", where=where, fix="set [wire] tls_cert, tls_key and tls_ca"
            )
