"""The rules about calls: no chain of them is too long, and none comes back to where it began.

    orders.place                         a chain of two calls: orders waits for the wallet, which waits for rates
      -> wallet.debit     orders/service.py:88
        -> rates.today    wallet/service.py:31

The length of a chain is the number of calls between services in it, of which each waits for the next: the chance that
all of them are well is the product of their chances, and their times add up. Calls within a service do not count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from .base import Violation
from .calls import ANY, CallGraph, CallSite, Operation
from .source import Place
from .territory import Application

Chain = tuple[CallSite, ...]


def check_chains(application: Application, graph: CallGraph, longest: int) -> Iterator[Violation]:
    """Find chains of more than `longest` calls; the longest one from each operation that no other of them contains."""
    circles = _components(_edges(application, graph))
    together = {name: number for number, circle in enumerate(circles) for name in circle}
    sites: dict[Operation, list[CallSite]] = {}
    for site in graph.calls:
        caller, callee = together.get(site.caller.service, -1), together.get(site.callee.service, -2)
        if caller != callee:
            sites.setdefault(site.caller, []).append(site)
    known: dict[Operation, Chain] = {}
    chains = {start: _longest(start, graph, sites, known) for start in sites}
    inside = {site.callee for chain in chains.values() for site in chain if len(chain) > longest}
    for start, chain in chains.items():
        if len(chain) > longest and start not in inside and Operation(start.service, ANY) not in inside:
            yield _too_long(application, start, chain, longest)


def _longest(
    start: Operation, graph: CallGraph, sites: Mapping[Operation, list[CallSite]], known: dict[Operation, Chain]
) -> Chain:
    if start in known:
        return known[start]
    known[start] = ()
    best: Chain = ()
    starts = [start]
    if start.name == ANY:
        starts += [Operation(start.service, name) for name in graph.operations.get(start.service, ())]
    for operation in starts:
        for site in sites.get(operation, ()):
            chain = (site, *_longest(site.callee, graph, sites, known))
            if len(chain) > len(best):
                best = chain
    known[start] = best
    return best


def _too_long(application: Application, start: Operation, chain: Chain, longest: int) -> Violation:
    path = [start, *(site.callee for site in chain)]
    return Violation(
        rule="chain",
        what=" -> ".join(map(str, path)),
        place=chain[0].place,
        message=f"{start} starts a chain of {len(chain)} calls that wait for each other; at most {longest} may",
        fix="let one of them publish an event, or fetch what it needs earlier; or raise [check] call_chain_max",
        drawing=draw(application, start, chain),
    )


def draw(application: Application, start: Operation, chain: Chain) -> tuple[str, ...]:
    """A chain, a line per call, each with its place."""
    root = application.config.root
    lines = [str(start)]
    for depth, site in enumerate(chain, 1):
        lines.append(f"{'  ' * depth}-> {site.callee}  {site.place.shown(root)}")
    width = max(line.rfind("  ") for line in lines[1:])
    return (lines[0], *(f"{line[: line.rfind('  ')]:<{width}}  {line[line.rfind('  ') + 2 :]}" for line in lines[1:]))


def check_circles(application: Application, graph: CallGraph) -> Iterator[Violation]:
    """Find services that need each other in a circle, the shortest circle of each knot."""
    edges = _edges(application, graph)
    for knot in _components(edges):
        circle = _shortest(edges, knot)
        steps = list(pairwise(circle))
        places = [_site(application, graph, caller, callee) for caller, callee in steps]
        root = application.config.root
        drawing = [f"{shown}  {place.shown(root)}" for shown, place in places]
        yield Violation(
            rule="circle",
            what=" -> ".join(circle),
            place=places[0][1],
            message=f"services call each other in a circle: {' -> '.join(circle)}",
            fix="let one of them publish an event, or move the shared part into a service of its own",
            drawing=tuple(drawing),
        )


def _site(application: Application, graph: CallGraph, caller: str, callee: str) -> tuple[str, Place]:
    sites = graph.between(caller, callee)
    certain = [site for site in sites if site.callee.name != ANY] or sites
    if certain:
        return f"{certain[0].caller} -> {certain[0].callee}", certain[0].place
    parameter, place = application.declared(caller)[callee]
    return f"{caller} -> {callee} (its constructor asks for {parameter})", place


def _edges(application: Application, graph: CallGraph) -> dict[str, set[str]]:
    """Who calls whom: calls that were found, and what constructors declare."""
    edges = {name: set(application.declared(name)) for name in application.services}
    for site in graph.calls:
        edges[site.caller.service].add(site.callee.service)
    return edges


def _components(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """Knots: sets of services of which each reaches all others; services alone are none. In the order of `edges`."""
    reach = {name: _reachable(edges, name) for name in edges}
    knots: list[list[str]] = []
    for name in edges:
        knot = [other for other in edges if other in reach[name] and name in reach[other]]
        if knot and knot not in knots:
            knots.append(knot)
    return knots


def _reachable(edges: Mapping[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = list(edges[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += edges.get(name, ())
    return found


def _shortest(edges: Mapping[str, set[str]], knot: list[str]) -> list[str]:
    """The shortest circle in a knot, from the first service of it in calve.toml that is on one so short."""
    best: list[str] = []
    for start in knot:
        paths = [[start]]
        seen: set[str] = set()
        while paths and not (best and len(paths[0]) + 1 >= len(best)):
            path = paths.pop(0)
            for callee in sorted(edges[path[-1]]):
                if callee == start:
                    best = [*path, start]
                    paths = []
                    break
                if callee in knot and callee not in seen:
                    seen.add(callee)
                    paths.append([*path, callee])
    return best
