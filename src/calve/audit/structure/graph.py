"""The project as a graph: all edges between modules, and the same seen between units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from ..base import Edge, EdgeKind, module_pairs
from ..resolving.data import Data
from ..resolving.imports import import_edges, name_edges
from ..resolving.models import Models
from ..resolving.modules import Modules
from ..resolving.strings import Names
from .units import Unit

KERNEL_USERS = 0.4
"""A kernel is used by at least this share of the units ..."""
KERNEL_USERS_MIN = 3
"""... and at least this many, however few units there are ..."""
KERNEL_INSTABILITY = 0.3
"""... and depends on few itself: Ce / (Ca + Ce) at most this."""


def all_edges(modules: Modules, models: Models, data: Data, names: Names) -> list[Edge]:
    """Every typed edge between two modules, sorted."""
    found = [*import_edges(modules), *name_edges(modules), *names.edges()]
    found += _relation_edges(models)
    found += _data_edges(modules, data)
    return sorted(set(found))


def _relation_edges(models: Models) -> Iterator[Edge]:
    for model in models.all.values():
        for relation in model.relations:
            target = relation.target
            if target is not None and target.module != model.symbol.module:
                symbol, place = f"{model.symbol.name}.{relation.name}", relation.place
                yield Edge(
                    model.symbol.module,
                    target.module,
                    "relation",
                    relation.confidence,
                    symbol,
                    place.path,
                    place.line,
                    relation.kind,
                )


def _data_edges(modules: Modules, data: Data) -> Iterator[Edge]:
    for access in data.accesses:
        if access.model.module != access.module:
            kind: EdgeKind = "write" if access.write else "read"
            path = modules.files[access.module].path
            yield Edge(
                access.module, access.model.module, kind, access.confidence, access.model.name, path, access.line
            )
    for join in data.joins:
        if join.target.module != join.module:
            path = modules.files[join.module].path
            yield Edge(join.module, join.target.module, "join", "inferred", join.said, path, join.line)


class UnitGraph(msgspec.Struct):
    """Edges by the units of both ends."""

    units: dict[str, Unit]
    of: dict[str, str]
    """Module -> unit."""
    cross: dict[tuple[str, str], list[Edge]]
    """(from, to) -> edges between two units, sorted."""
    inside: dict[str, list[Edge]]
    """Unit -> edges between two of its own modules."""
    kernel: list[str]
    """Units that are libraries rather than parts, sorted."""

    def edges_of(self, unit: str, *, kernel: bool = False) -> Iterator[Edge]:
        """Edges that leave or enter a unit, those of the kernel only when asked."""
        for (source, target), edges in self.cross.items():
            if unit in (source, target):
                other = target if source == unit else source
                if kernel or other not in self.kernel:
                    yield from edges


def unit_graph(units: Mapping[str, Unit], edges: list[Edge]) -> UnitGraph:
    """Sort edges by units, and find the kernel."""
    of = {module: unit.name for unit in units.values() for module in unit.modules}
    cross: dict[tuple[str, str], list[Edge]] = {}
    inside: dict[str, list[Edge]] = {}
    for edge in edges:
        source, target = of.get(edge.source), of.get(edge.target) or _around(edge.target, of)
        if source is None or target is None:
            continue
        if source == target:
            inside.setdefault(source, []).append(edge)
        else:
            cross.setdefault((source, target), []).append(edge)
    return UnitGraph(dict(units), of, dict(sorted(cross.items())), inside, _kernel(units, cross))


def _around(module: str, of: Mapping[str, str]) -> str | None:
    """The unit of a folder without `__init__.py`: that of what is in it."""
    return next((unit for name, unit in of.items() if name.startswith(module + ".")), None)


def _kernel(units: Mapping[str, Unit], cross: Mapping[tuple[str, str], list[Edge]]) -> list[str]:
    """Units that many use, that use few, and whose tables nobody refers to: a catalogue of goods is no library."""
    imports = {
        pair
        for pair, edges in cross.items()
        if any(e.kind in ("import", "string") and e.scope != "types" for e in edges)
    }
    owners = {target for (_, target), edges in cross.items() if any(e.kind == "relation" for e in edges)}
    found = []
    for unit in units:
        users = sum(1 for source, target in imports if target == unit)
        used = sum(1 for source, target in imports if source == unit)
        enough = max(KERNEL_USERS_MIN, KERNEL_USERS * (len(units) - 1))
        if users >= enough and used / (users + used) <= KERNEL_INSTABILITY and unit not in owners:
            found.append(unit)
    return sorted(found)


def isolation(graph: UnitGraph, members: frozenset[str]) -> tuple[int, int]:
    """How much of what a group of units imports and is imported stays outside of it: (crossing, all) pairs of modules.

    Edges to and from the kernel are left out, as are imports for type checkers only.
    """
    crossing, internal = set[tuple[str, str]](), set[tuple[str, str]]()
    for (source, target), edges in graph.cross.items():
        if source in members and target in members:
            internal |= module_pairs(edges)
        elif (source in members and target not in graph.kernel) or (target in members and source not in graph.kernel):
            crossing |= module_pairs(edges)
    for unit in members:
        internal |= module_pairs(graph.inside.get(unit, []))
    return len(crossing), len(crossing) + len(internal)
