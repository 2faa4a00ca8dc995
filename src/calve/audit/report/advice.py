"""What is worth doing even if nothing is ever split: few lines each, and every one makes a later cut cheaper.

one way              two units that use each other, where few lines are one of the two directions
foreign write        a table that is written from a unit that does not own it, in few places
nobody imports it    a module that nothing in the repository leads to: an entry point, or dead
leans elsewhere      a module that is coupled more to another unit than to its own; right about half of the time
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..base import Edge, EdgeKind
from ..findings import Findings
from ..resolving.data import Access
from .document import Advice

PER_KIND = 8
LINES_FEW = 3
"""Lines or places up to which a change is called small."""
MODULE_LINES_MIN = 20
LEANING_SHARE = 0.6
"""Share of a module's ties to other units that have to be with one of them."""
_LOADED_BY_NAME = frozenset(
    {"__main__", "admin", "admin_site", "api", "apps", "asgi", "celery", "checks", "cli", "command", "commands"}
    | {"context_processors", "dashboard_app", "forms", "handlers", "main", "management", "middleware", "models"}
    | {"navigation", "plugin", "receivers", "routers", "routes", "search_indexes", "settings", "signals", "sitemaps"}
    | {"tasks", "templatetags", "translation", "urls", "views", "wsgi", "app", "conf", "config", "version"}
)
"""Parts of module names that frameworks load without anybody importing them."""
_IMPORTS: tuple[EdgeKind, ...] = ("import", "string")


def advice(found: Findings) -> list[Advice]:
    """All of it, the cheapest of each kind first."""
    kinds = (_one_way(found), _foreign_writes(found), _unused(found), _leaning(found))
    return [one for kind in kinds for one in list(kind)[:PER_KIND]]


def _one_way(found: Findings) -> Iterator[Advice]:
    graph = found.graph
    ways: list[tuple[int, str, str, tuple[str, int], int]] = []
    for (source, target), edges in graph.cross.items():
        lines, back = _import_lines(edges), _import_lines(graph.cross.get((target, source), []))
        if 0 < len(lines) <= LINES_FEW and (len(lines), source) < (len(back), target):
            ways.append((len(lines), source, target, lines[0], len(back)))
    for count, source, target, (path, line), times in sorted(ways, key=lambda way: (way[0], -way[4], way[1:3])):
        which = "the only line" if count == 1 else f"one of {count} lines"
        yield Advice("one way", path, line, f"{which} from {source} to {target}; {times} go the other way")


def _import_lines(edges: list[Edge]) -> list[tuple[str, int]]:
    return sorted({(e.path, e.line) for e in edges if e.kind in _IMPORTS and e.scope != "types"})


def foreign_writes(found: Findings) -> dict[tuple[str, str], list[Access]]:
    """(dotted model, unit that writes it and does not own it) -> where, sorted."""
    of = found.graph.of
    writes: dict[tuple[str, str], list[Access]] = {}
    for access in found.data.accesses:
        writer, owner = of.get(access.module), of.get(access.model.module)
        if access.write and writer is not None and owner is not None and writer != owner:
            writes.setdefault((access.model.dotted, writer), []).append(access)
    return {key: sorted(writes[key]) for key in sorted(writes)}


def _foreign_writes(found: Findings) -> Iterator[Advice]:
    writes = sorted(foreign_writes(found).items(), key=lambda item: (len(item[1]), item[0]))
    for (model, writer), accesses in writes:
        if len(accesses) > LINES_FEW:
            return
        first, owner = accesses[0], found.graph.of[accesses[0].model.module]
        which = "only here" if len(accesses) == 1 else f"here and in {len(accesses) - 1} more"
        name = model.rpartition(".")[2]
        yield Advice(
            "foreign write",
            found.modules.files[first.module].path,
            first.line,
            f"{writer} writes {name} of {owner}, {which}: let {owner} do it",
        )


def _unused(found: Findings) -> Iterator[Advice]:
    reached = {edge.target for edge in found.edges}
    reached |= {module.rpartition(".")[0] for module in reached}
    modules = []
    for module, facts in found.modules.facts.items():
        file = found.modules.files[module]
        known = set(module.split(".")) & _LOADED_BY_NAME
        decorated = any(function.decorators for function in facts.functions)
        if module in reached or file.package or known or decorated or facts.code_lines < MODULE_LINES_MIN:
            continue
        modules.append((-facts.code_lines, module, file.path))
    for lines, _, path in sorted(modules):
        yield Advice(
            "nobody imports it", path, 1, f"{-lines} lines that nothing here leads to: an entry point, or dead"
        )


def _leaning(found: Findings) -> Iterator[Advice]:
    outside = Counter[str]()
    for edges in found.graph.cross.values():
        for source, target in {(e.source, e.target) for e in edges if e.kind in _IMPORTS and e.scope != "types"}:
            outside.update((source, target))
    hints = sorted(found.misplaced, key=lambda hint: (hint[3] - hint[4], hint[0]))
    for module, unit, other, own, count in hints:
        if count < LEANING_SHARE * outside[module]:
            continue  # tied to everything: shared, not misplaced
        path = found.modules.files[module].path
        yield Advice("leans elsewhere", path, 1, f"tied to {count} modules of {other}, to {own} of its own {unit}")
