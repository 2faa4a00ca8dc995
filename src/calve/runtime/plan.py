"""The plan of a run: which processes, in which order, on which ports.

    Topology + what services need of each other  ->  Plan

A unit starts when the units that host what it needs are ready, and stops before they do. Services may need each other
in a circle; then one of them has to start first all the same, and the order of the topology decides which.

HTTP ports are counted from `[http] port`: the edge unit gets it, the others the ones after it. Replicas of a unit share
its port.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from ..core.errors import ConfigError
from .config import AppConfig
from .topology import Topology, Unit


class ServiceFacts(msgspec.Struct, frozen=True):
    """What is known of a service without starting it."""

    contract: str
    """Name and version of its contract, such as `Wallet 1.0`; of an adopted application, what it is."""
    needs: frozenset[str] = frozenset()
    """Short names of the services it calls."""
    stores: bool = True
    """Whether it has a store."""


class Process(msgspec.Struct, frozen=True):
    """One process to keep up."""

    name: str
    """The unit's name; `money.2` for the second of several replicas."""
    unit: Unit
    http_port: int
    """Its unit's; 0 lets the machine pick."""
    after: tuple[str, ...]
    """Names of the processes that have to be ready before this one starts."""


class Plan(msgspec.Struct, frozen=True):
    """A topology, ready to be supervised."""

    topology: Topology
    edge: str
    """Name of the process that serves REST for all services."""
    processes: tuple[Process, ...]
    """In an order in which they can be started."""


def make_plan(config: AppConfig, topology: Topology, facts: Mapping[str, ServiceFacts] | None = None) -> Plan:
    """Plan a run.

    Args:
        topology: One of the project's.
        facts: By short name of the service. None: nothing is known; units start at once, all count as having stores.
    Raises: ConfigError: replicas of a unit whose store is a SQLite file, a port twice or beyond 65535.
    """
    needs = unit_needs(topology, facts or {})
    names = {unit.name: _names(unit.name, config.units[unit.name].replicas) for unit in topology.units}
    for unit in topology.units:
        _check_replicas(config, unit, facts)
    edge = config.edge(topology)
    ports = _ports(config, [unit.name for unit in topology.units], edge)
    order = start_order(needs)
    processes = []
    for place, unit_name in enumerate(order):
        earlier = [n for n in order[:place] if n in needs[unit_name]]
        after = tuple(process for n in earlier for process in names[n])
        for name in names[unit_name]:
            processes.append(Process(name, topology.unit(unit_name), ports[unit_name], after))
    return Plan(topology, names[edge][0], tuple(processes))


def unit_needs(topology: Topology, facts: Mapping[str, ServiceFacts]) -> dict[str, set[str]]:
    """Which other units each unit needs, in the order of the topology."""
    needs: dict[str, set[str]] = {}
    hosted = {s for unit in topology.units for s in unit.services}
    for unit in topology.units:
        services = {need for s in unit.services if s in facts for need in facts[s].needs} & hosted
        needs[unit.name] = {topology.unit_of(s).name for s in services} - {unit.name}
    return needs


def start_order(needs: Mapping[str, set[str]]) -> list[str]:
    """What is needed comes first; within a circle, and where nothing else decides, the given order counts.

    Depth first: a name is listed when everything it needs is. Only the edge that closes a circle is ignored.
    """
    order: list[str] = []
    seen: set[str] = set()

    def visit(name: str) -> None:
        if name not in seen:
            seen.add(name)
            for need in needs:
                if need in needs[name]:
                    visit(need)
            order.append(name)

    for name in needs:
        visit(name)
    return order


def _names(unit: str, replicas: int) -> list[str]:
    return [unit] if replicas == 1 else [f"{unit}.{n}" for n in range(1, replicas + 1)]


def next_name(unit: str, taken: Collection[str]) -> str:
    """The name of one more replica of a unit."""
    numbers = (n for n in range(2, len(taken) + 3) if f"{unit}.{n}" not in taken)
    return f"{unit}.1" if taken and not {unit, f"{unit}.1"} & set(taken) else f"{unit}.{next(numbers)}"


def _check_replicas(config: AppConfig, unit: Unit, facts: Mapping[str, ServiceFacts] | None) -> None:
    replicas = config.units[unit.name].replicas
    storing = [
        s
        for s in unit.services
        if s in config.services and config.store_in_file(s) and (facts is None or s not in facts or facts[s].stores)
    ]
    if replicas > 1 and storing:
        raise ConfigError(
            f"unit {unit.name!r} asks for {replicas} replicas, but {one_process(storing[0])}",
            where=config.file.where(f"unit.{unit.name}", "replicas"),
            fix=f"set replicas = 1, move {storing[0]!r} to a unit of its own, or give it a store on PostgreSQL",
        )


def one_process(service: str) -> str:
    """Why the unit of a service cannot have several replicas."""
    return f"the store of {service!r} is a SQLite file, which one process owns"


def _ports(config: AppConfig, units: Collection[str], edge: str) -> dict[str, int]:
    ports: dict[str, int] = {}
    taken: dict[int, str] = {}
    following = config.http.port
    for unit in sorted(units, key=lambda name: name != edge):  # a stable sort: the edge first, then as in the topology
        own = config.units[unit].http_port
        port = own or (following if own is None else 0)
        following += 1 if own is None and following else 0
        where = config.file.where(f"unit.{unit}", "http_port") if own else config.file.where("http", "port")
        if port > 65535:
            raise ConfigError(f"no port is left for {unit!r} after 65535", where=where, fix="choose a lower port")
        if port and port in taken:
            what = f"port {port} is given to both {taken[port]!r} and {unit!r}"
            raise ConfigError(what, where=where, fix="choose another port")
        taken[port] = unit
        ports[unit] = port
    return ports
