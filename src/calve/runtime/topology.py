"""Topologies: which services share which unit.

    [topology.split]                 Topology("split", (
    front = ["catalog", "*"]             Unit("front", ("catalog", "orders")),     '*' takes what no other unit names
    money = ["wallet"]                   Unit("money", ("wallet",))))

Every service is in exactly one unit of every topology; anything else is refused before start.

Like a setting, a topology can come from the environment, where it wins over one of that name in calve.toml:
CALVE_TOPOLOGY_SPLIT='{"front": ["catalog", "*"], "money": ["wallet"]}'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from ..core.errors import ConfigError
from ..core.suggest import did_you_mean
from ..core.toml import TomlFile
from .sections import NAME_PATTERN

DEFAULT_TOPOLOGY = "one"
REST = "*"
VARIABLE_PREFIX = "CALVE_TOPOLOGY_"


class Unit(msgspec.Struct, frozen=True):
    """A deployable process image."""

    name: str
    services: tuple[str, ...]
    """Short names, in the order of `[app] services`."""


class Topology(msgspec.Struct, frozen=True):
    """One way to spread the services over units."""

    name: str
    units: tuple[Unit, ...]

    def unit(self, name: str) -> Unit:
        """The unit of that name.

        Raises: ConfigError: there is none; with near misses.
        """
        for unit in self.units:
            if unit.name == name:
                return unit
        known = did_you_mean(name, [u.name for u in self.units])
        raise ConfigError(f"topology {self.name!r} has no unit {name!r}", where="--unit", fix=known)

    def unit_of(self, service: str) -> Unit:
        """The unit that hosts a service. Raises KeyError: no such service."""
        for unit in self.units:
            if service in unit.services:
                return unit
        raise KeyError(service)


def read_topologies(
    file: TomlFile, services: Sequence[str], app: str, environ: Mapping[str, str]
) -> dict[str, Topology]:
    """Read all `[topology.<name>]` tables, and add the one-process topology `one` unless it is written there.

    Args:
        file: The parsed calve.toml.
        services: Short names of all services.
        app: Name of the application, which names the unit of the added topology.
        environ: Environment, for topologies that are written there.
    Raises: ConfigError: names the line or the variable; see the module for the rules.
    """
    found = {name: _topology(name, file.table(f"topology.{name}"), services, file) for name in file.table("topology")}
    for variable in environ:
        if variable.startswith(VARIABLE_PREFIX):
            name = variable.removeprefix(VARIABLE_PREFIX).lower()
            found[name] = _topology(name, _json_table(environ[variable], variable), services, variable)
    whole = Topology(DEFAULT_TOPOLOGY, (Unit(app, tuple(services)),))
    return found if DEFAULT_TOPOLOGY in found else {DEFAULT_TOPOLOGY: whole, **found}


def _json_table(text: str, variable: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        fix = 'write for example {"front": ["*"], "money": ["wallet"]}'
        raise ConfigError(f"not a JSON table of units: {error}", where=variable, fix=fix) from error


def _topology(name: str, table: dict[str, Any], services: Sequence[str], source: TomlFile | str) -> Topology:
    """Check one table. `source`: the file, or the variable it came from; says where to look in errors."""

    def place(unit: str | None = None) -> str:
        return source if isinstance(source, str) else source.where(f"topology.{name}", unit)

    check_name("topology", name, place())
    if not table:
        raise ConfigError(f"[topology.{name}] has no units", where=place(), fix='write for example app = ["*"]')
    homes: dict[str, str] = {}
    for unit, listed in table.items():
        where = place(unit)
        check_name("unit", unit, where)
        for service in _listed(listed, unit, where):
            if service != REST and service not in services:
                raise ConfigError(
                    f"unit {unit!r}: no service {service!r}", where=where, fix=did_you_mean(service, services)
                )
            if service in homes:
                again = "'*'" if service == REST else f"service {service!r}"
                both = (
                    f"in the units {homes[service]!r} and {unit!r}" if homes[service] != unit else f"twice in {unit!r}"
                )
                raise ConfigError(f"{again} is {both}", where=where, fix="keep it in one of them")
            homes[service] = unit
    left = [s for s in services if s not in homes]
    if REST in homes:
        homes.update(dict.fromkeys(left, homes.pop(REST)))
    elif left:
        raise ConfigError(
            f"service {left[0]!r} is in no unit of [topology.{name}]",
            where=place(),
            fix='add it to a unit, or give one unit "*" for whatever the others do not name',
        )
    units = tuple(Unit(unit, tuple(s for s in services if homes[s] == unit)) for unit in table)
    for empty in (u.name for u in units if not u.services):
        fix = "remove it" if table[empty] == [] else "'*' has nothing left to take; remove it"
        raise ConfigError(f"unit {empty!r} has no services", where=place(empty), fix=fix)
    return Topology(name, units)


def check_name(what: str, name: str, where: str) -> None:
    """Raises: ConfigError: not a name for a unit or topology."""
    if re.fullmatch(NAME_PATTERN, name) is None:
        fix = "use lower case, digits, '-' and '_', starting with a letter, at most 40"
        raise ConfigError(f"{name!r} cannot name a {what}", where=where, fix=fix)


def _listed(value: Any, unit: str, where: str) -> Iterable[str]:
    if not isinstance(value, list) or not all(isinstance(s, str) for s in value):
        fix = f'write {unit} = ["service", …] or {unit} = ["*"]'
        raise ConfigError(f"unit {unit!r} is not a list of service names", where=where, fix=fix)
    return value
