"""Whether the audit sees every import that grimp sees, in other people's projects.

    make bench ARGS="audit-edges saleor=PATH netbox=PATH"

grimp reads imports only, and is the peer for that: a project that it cannot read (one file with a mistake is enough) is
reported with no figure. Tests and migrations are compared, too, though an audit leaves them out of the coupling. Edges
that only the audit sees are counted as `more`: imports of packages without `__init__.py`, and of what `__init__`
modules re-export from a place that grimp takes for the package.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import grimp
import msgspec
from grimp.exceptions import GrimpException

from calve.audit.discover import discover
from calve.audit.reading.cache import FactsCache
from calve.audit.reading.pool import read_files
from calve.audit.resolving.imports import import_edges
from calve.audit.resolving.modules import Modules

from .common import Result, result

Pair = tuple[str, str]


def run(paths: Mapping[str, Path]) -> list[Result]:
    """Compare every project that a path is given for."""
    return [entry for name in sorted(paths) for entry in _compared(name, paths[name])]


def _compared(name: str, path: Path) -> Iterator[Result]:
    project = discover(path)
    project = msgspec.structs.replace(project, files=[msgspec.structs.replace(f, role="code") for f in project.files])
    modules = Modules(project.files, read_files(project, FactsCache(None)).facts)
    ours = {(edge.source, edge.target) for edge in import_edges(modules)}
    for folder, packages in sorted(roots(modules, Path(project.root)).items()):
        try:
            theirs = grimp_edges(folder, packages)
        except GrimpException as error:
            print(f"{name}: grimp could not read {', '.join(packages)}: {type(error).__name__}", file=sys.stderr)
            continue
        missed = sorted(theirs - ours)
        for pair in missed[:10]:
            print(f"{name}: only grimp sees {pair[0]} -> {pair[1]}", file=sys.stderr)
        mine = {pair for pair in ours if {part.partition(".")[0] for part in pair} <= set(packages)}
        peers = {"grimp edges": len(theirs), "more": len(mine - theirs)}
        found = 1 - len(missed) / len(theirs) if theirs else 1.0
        yield result(f"{name}, {packages[0]}: share of grimp's imports", found, "ratio", ">= 1", peers)


def roots(modules: Modules, root: Path) -> dict[Path, list[str]]:
    """The folders that have packages, and which: those with an `__init__.py`, as grimp needs it."""
    found: dict[Path, list[str]] = {}
    for module, file in modules.files.items():
        if file.package and "." not in module:
            found.setdefault((root / file.path).parent.parent, []).append(module)
    return {folder: sorted(names) for folder, names in found.items()}


def grimp_edges(folder: Path, packages: list[str]) -> set[Pair]:
    """Every direct import between two modules of some packages, as grimp sees it; nothing of them is run."""
    sys.path.insert(0, str(folder))
    try:
        graph = grimp.build_graph(packages[0], *packages[1:], cache_dir=None)
    finally:
        sys.path.remove(str(folder))
    pairs = {(module, used) for module in graph.modules for used in graph.find_modules_directly_imported_by(module)}
    return {(module, used) for module, used in pairs if module != used}
