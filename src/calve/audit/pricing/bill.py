"""The bill of materials of one cut.

A candidate is a set of units; outside is everything else that is neither the kernel nor already gone. Every item is a
list of places, so that the number can be checked line by line.

    operations      symbols of the candidate that outside uses: the contract to build
    calls in, out   lines that use the other side
    keys in, out    foreign keys that would become plain ids, with a check that they stay consistent
    joins           query steps across the boundary: composition of two answers, or a read model
    shared tables   tables that both sides write
    sagas           transactions that would span both: low = both sides are certainly written, high = touched
    inheritance     classes that inherit across the boundary: have to be duplicated
    tasks, signals, urls, sql     that name the other side
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from ..base import Edge, Place
from ..resolving.data import Access, Data, Transaction
from ..resolving.models import Models
from ..resolving.modules import Modules, Symbol
from ..structure.graph import UnitGraph, isolation


class Item(msgspec.Struct, frozen=True, order=True):
    """One line of evidence."""

    place: Place
    what: str
    """Such as `shop.orders.Order.customer -> shop.users.User`."""


class Saga(msgspec.Struct):
    """A transaction that the cut would tear apart."""

    place: Place
    function: str
    certain: bool
    """Whether writes on both sides were resolved; otherwise both sides are touched, at least one in an unknown way."""
    steps: list[Item]
    """Who writes or reads what, in the order of the code, for both sides."""
    units: list[str]
    runs: int
    """How often it ran in the trace, if there is one."""


class Bill(msgspec.Struct):
    """What a cut takes. Lists are sorted by place."""

    operations: dict[str, list[Place]]
    """Symbol -> where outside uses it."""
    calls_in: list[Item]
    calls_out: list[Item]
    keys_in: list[Item]
    keys_out: list[Item]
    identity: list[Item]
    """Foreign keys to the user model: listed once, since every part of a system keeps the ids of users."""
    joins: list[Item]
    shared_tables: dict[str, list[Item]]
    sagas: list[Saga]
    inheritance: list[Item]
    tasks: list[Item]
    signals: list[Item]
    urls: list[Item]
    sql: list[Item]
    crossing: int
    all_edges: int

    @property
    def isolation(self) -> float:
        """Share of the candidate's edges that cross its boundary, 0 to 1; 0 is a part nobody is connected to."""
        return self.crossing / self.all_edges if self.all_edges else 0.0

    @property
    def sagas_low(self) -> int:
        """Transactions that certainly write on both sides."""
        return sum(saga.certain for saga in self.sagas)


class Market:
    """What bills are made from.

    Args:
        modules, models, data: Of the project.
        graph: Its units.
        user: The user model, if it is the project's own.
    """

    def __init__(self, modules: Modules, models: Models, data: Data, graph: UnitGraph, user: Symbol | None) -> None:
        self._modules, self._models, self._graph, self._user = modules, models, graph, user
        self._tables = {table: symbol for table, symbol in models.by_table.items() if table}
        # What stays within one unit is on no bill, and that is most of it.
        self._spans = [t for t in data.transactions if self._several(a.model.module for a in t.accesses)]
        self._steps = [j for j in data.joins if self._several((j.source.module, j.target.module))]
        writers: dict[Symbol, list[Access]] = {}
        for access in data.accesses:
            if access.write:
                writers.setdefault(access.model, []).append(access)
        self._writers = {
            model: accesses for model, accesses in writers.items() if self._several(a.module for a in accesses)
        }

    def _several(self, modules: Iterable[str]) -> bool:
        return len({self._graph.of.get(module) for module in modules}) > 1

    def bill(self, members: frozenset[str], gone: frozenset[str] = frozenset()) -> Bill:
        """Price a candidate.

        Args:
            members: Its units.
            gone: Units that have been extracted before: what leads to them is remote already.
        """
        side = _Side(self._graph, members, gone)
        edges_in = [e for e in self._edges(side) if side.enters(e)]
        edges_out = [e for e in self._edges(side) if side.leaves(e)]
        both = [*edges_in, *edges_out]
        crossing, total = isolation(self._graph, members)
        keys_in, keys_out, identity = self._keys(side)
        return Bill(
            operations=_operations(edges_in),
            calls_in=_items(e for e in edges_in if e.kind == "name"),
            calls_out=_items(e for e in edges_out if e.kind == "name"),
            keys_in=keys_in,
            keys_out=keys_out,
            identity=identity,
            joins=self._joins(side),
            shared_tables=self._shared_tables(side),
            sagas=[saga for t in self._spans if (saga := self._saga(side, t)) is not None],
            inheritance=_items(e for e in both if e.kind == "inherits"),
            tasks=_items(e for e in both if e.kind == "task"),
            signals=_items(e for e in both if e.kind == "signal"),
            urls=_items(e for e in both if e.kind == "url"),
            sql=self._sql(side),
            crossing=crossing,
            all_edges=total,
        )

    def tables(self, members: frozenset[str]) -> int:
        """How many tables some units own."""
        models = self._models.all.items()
        return sum(bool(model.table) and self._graph.of.get(symbol.module) in members for symbol, model in models)

    def _edges(self, side: _Side) -> Iterator[Edge]:
        for pair, edges in self._graph.cross.items():
            if side.crosses(*pair):
                yield from edges

    def _keys(self, side: _Side) -> tuple[list[Item], list[Item], list[Item]]:
        inward: list[Item] = []
        outward: list[Item] = []
        identity: list[Item] = []
        for model in self._models.all.values():
            for relation in model.relations:
                if relation.target is None or relation.kind == "relationship":
                    continue
                where = side.between(model.symbol.module, relation.target.module)
                if where is None:
                    continue
                item = Item(relation.place, f"{model.symbol.dotted}.{relation.name} -> {relation.target.dotted}")
                if relation.target == self._user:
                    identity.append(item)
                else:
                    (inward if where == "in" else outward).append(item)
        return sorted(inward), sorted(outward), sorted(identity)

    def _joins(self, side: _Side) -> list[Item]:
        return sorted(
            Item(self._place(j.module, j.line), f"{j.said}: {j.source.dotted} -> {j.target.dotted}")
            for j in self._steps
            if side.between(j.source.module, j.target.module) is not None
        )

    def _shared_tables(self, side: _Side) -> dict[str, list[Item]]:
        shared = {}
        for model, accesses in self._writers.items():
            sides = {side.of(access.module) for access in accesses}
            if {"inside", "outside"} <= sides and side.of(model.module) in ("inside", "outside"):
                shared[model.dotted] = sorted(
                    Item(self._place(a.module, a.line), f"{a.said} by {a.module}") for a in accesses
                )
        return dict(sorted(shared.items()))

    def _saga(self, side: _Side, transaction: Transaction) -> Saga | None:
        both = {"inside", "outside"}
        known = [access for access in transaction.accesses if access.confidence != "runtime"]
        ways = [known, *transaction.courses]  # tables of different runs are in no transaction together
        if not any(both <= {side.of(access.model.module) for access in way} for way in ways):
            return None
        certain = any(both <= {side.of(access.model.module) for access in way if access.write} for way in ways)
        steps = [
            Item(self._place(a.module, a.line), f"{'writes' if a.write else 'reads'} {a.model.dotted} ({a.said})")
            for a in transaction.accesses
            if side.of(a.model.module) in both
        ]
        units = sorted(
            {self._graph.of[a.model.module] for a in transaction.accesses if a.model.module in self._graph.of}
        )
        place = self._place(transaction.module, transaction.line)
        return Saga(place, transaction.function, certain, steps, units, transaction.runs)

    def _sql(self, side: _Side) -> list[Item]:
        found = []
        for module, facts in self._modules.facts.items():
            for sql in facts.sql:
                for table in (*sql.reads, *sql.writes):
                    owner = self._tables.get(table)
                    if owner is not None and side.between(module, owner.module) is not None:
                        verb = "writes" if table in sql.writes else "reads"
                        found.append(Item(self._place(module, sql.line), f"{verb} {table} of {owner.module}"))
        return sorted(found)

    def _place(self, module: str, line: int) -> Place:
        return Place(self._modules.files[module].path, line)


class _Side:
    """Which side of a boundary things are on."""

    def __init__(self, graph: UnitGraph, members: frozenset[str], gone: frozenset[str]) -> None:
        self._of, self._members = graph.of, members
        self._neither = gone | frozenset(graph.kernel) - members

    def of(self, module: str) -> str:
        """`inside`, `outside` or `neither`."""
        unit = self._of.get(module)
        if unit is None or unit in self._neither:
            return "neither"
        return "inside" if unit in self._members else "outside"

    def between(self, source: str, target: str) -> str | None:
        """`in` or `out` for what crosses from module to module; None for what does not."""
        sides = (self.of(source), self.of(target))
        return {("outside", "inside"): "in", ("inside", "outside"): "out"}.get(sides)

    def crosses(self, source: str, target: str) -> bool:
        """Whether one of two units is inside and the other outside."""
        if source in self._neither or target in self._neither:
            return False
        return (source in self._members) != (target in self._members)

    def enters(self, edge: Edge) -> bool:
        return self._of.get(edge.source) not in self._members

    def leaves(self, edge: Edge) -> bool:
        return self._of.get(edge.source) in self._members


def _operations(edges: Iterable[Edge]) -> dict[str, list[Place]]:
    found: dict[str, set[Place]] = {}
    for edge in edges:
        if edge.kind in ("name", "inherits", "string", "task") and edge.symbol:
            symbol = f"{edge.target}.{edge.symbol.split('.')[0]}"
            found.setdefault(symbol, set()).add(Place(edge.path, edge.line))
    return {symbol: sorted(found[symbol]) for symbol in sorted(found)}


def _items(edges: Iterable[Edge]) -> list[Item]:
    return sorted(
        {Item(Place(e.path, e.line), f"{e.source} -> {e.target}" + (f".{e.symbol}" if e.symbol else "")) for e in edges}
    )
