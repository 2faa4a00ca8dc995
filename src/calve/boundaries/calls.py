"""Which operation calls which, read from the source.

    class OrderService(Orders):
        def __init__(self, store: Store, wallet: Wallet):      wallet is a stub of the service wallet
            self._till = Till(wallet)                          so is self._wallet in Till, through its constructor
        async def place(self, …):                              an operation
            await self._till.pay(…)                            followed into Till.pay
                await self._wallet.debit(…)                    orders.place calls wallet.debit, here

Values are followed through names, attributes, arguments and returns, not through containers. Where a stub goes
somewhere that cannot be followed, the operation counts as calling every operation of that service, and a note says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .base import Note
from .flow import Flow, Function
from .source import Place
from .territory import Application
from .walk import follow

ANY = "*"
"""Stands for an operation that the source does not tell."""

HOOKS = ("start", "stop")
"""Methods that Calve calls itself; chains may begin there."""


class Operation(NamedTuple):
    """An operation of a service."""

    service: str
    name: str
    """`*`: any of them."""

    def __str__(self) -> str:
        return f"{self.service}.{self.name}"


class CallSite(NamedTuple):
    """One operation calls another."""

    caller: Operation
    callee: Operation
    place: Place


class CallGraph(NamedTuple):
    """All calls between services."""

    operations: dict[str, list[str]]
    """Service -> its operations, and its hooks if it has them."""
    calls: list[CallSite]
    """One per pair of operations, the first place of each; in the order of services and operations."""
    notes: list[Note]
    """What was not certain."""

    def between(self, caller: str, callee: str) -> list[CallSite]:
        """Calls from one service to another."""
        return [site for site in self.calls if (site.caller.service, site.callee.service) == (caller, callee)]


def call_graph(application: Application) -> CallGraph:
    """Read the whole call graph."""
    operations: dict[str, list[str]] = {}
    calls: dict[tuple[Operation, Operation], CallSite] = {}
    notes: list[Note] = []
    for service in application.services:
        contract = application.contract(service)
        operations[service] = [] if contract is None else sorted(application.classes.operations(contract))
    for service in application.services:
        for site in sorted(_calls_of(application, service, operations)):
            calls.setdefault((site.caller, site.callee), site)
            if site.callee.name == ANY and site.caller.name != ANY:
                note = _note(application, service, site.callee.service, site.place)
                notes += [note] if note not in notes else []
    return CallGraph(operations, list(calls.values()), notes)


def _calls_of(application: Application, service: str, operations: dict[str, list[str]]) -> Iterator[CallSite]:
    implementation = application.implementation(service)
    if implementation is None:
        yield from _declared_only(application, service)
        return
    flow = Flow(application, service, implementation)
    operations[service] += [n for n in HOOKS if n not in operations[service] and flow.method(implementation, n)]
    entries = {name: method for name in operations[service] if (method := flow.method(implementation, name))}
    follow(flow, [*entries.values(), *flow.constructors])
    found: set[str] = set()
    for name, method in entries.items():
        for callee, operation, place in _called(flow, [method]):
            known = operation if operation in operations[callee] else ANY
            found.add(callee)
            yield CallSite(Operation(service, name), Operation(callee, known), place)
    unclear = [(callee, place) for callee, _, place in _called(flow, flow.constructors)]
    certain = found | {callee for callee, _ in unclear}
    unclear += [(c, place) for c, (_, place) in application.declared(service).items() if c not in certain]
    for callee, place in unclear:
        for name in entries:
            yield CallSite(Operation(service, name), Operation(callee, ANY), place)


def _called(flow: Flow, entries: Iterable[Function]) -> Iterator[tuple[str, str, Place]]:
    """Service, operation and place of whatever is called from some functions on."""
    for function in flow.reachable(entries):
        yield from flow.facts[function].calls
        yield from ((callee, ANY, place) for callee, place in flow.facts[function].escapes)


def _declared_only(application: Application, service: str) -> Iterator[CallSite]:
    """An adopted application: what it says it calls; its code is not read for it."""
    for callee, (_, place) in application.declared(service).items():
        yield CallSite(Operation(service, ANY), Operation(callee, ANY), place)


def _note(application: Application, service: str, callee: str, place: Place) -> Note:
    if application.declared(service).get(callee, ("", None))[1] == place:
        what = f"{service} asks for {callee}, and no call of it was found"
    else:
        what = f"the source does not tell what of {callee} is called here"
    return Note(place, f"{what}; {service} counts as calling all of its operations")
