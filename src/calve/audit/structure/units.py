"""Units: the packages as people named them, which is where every candidate for a service starts from.

    1  an application of Django (a package with models or an AppConfig) is a unit
    2  else a unit is a package on the first level below the project's own package; modules that lie loose there are one
       unit, called after the package
    3  one that has more than a quarter of all code, and packages in it, is split one level deeper; not an application:
       what is in it are its layers
    4  a layer that repeats the names of others (`shop.graphql.orders` beside `shop.orders`) is folded into them
    5  a package deeper inside that has next to nothing to do with what is around it is a unit of its own: it lies there
       for want of a better place, as a library of widgets does in a web server
    6  `[audit.units]` in calve.toml overrides everything:  orders = ["shop.orders", "shop.graphql.orders"]

Clusters of the import graph are no better start: measured against what maintainers really extracted, directories score
0.90 (adjusted mutual information), clusters of modules between 0.1 and 0.6.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ..base import Edge, module_pairs
from ..resolving.models import Models
from ..resolving.modules import Modules

OVERSIZED = 0.25
"""Share of all code above which a unit is looked into."""
TWINS_MIN = 3
"""So many children of a layer have to be named like units before it counts as a layer."""
LODGER_EDGES_MIN = 10
"""A lodger has at least so many edges within itself: less is no part, but loose modules."""
LODGER_TIES_MAX = 0.1
"""Edges of a lodger to the rest of its unit, for each edge within it, at most."""


class Unit(msgspec.Struct, frozen=True):
    """One part of the project."""

    name: str
    modules: tuple[str, ...]
    """Sorted."""
    lines: int
    """Of code."""


def make_units(
    modules: Modules, models: Models, edges: Iterable[Edge], overrides: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Unit]:
    """Divide the modules into units.

    Args:
        edges: Between modules.
        overrides: Unit -> prefixes of module names; the longest prefix counts.
    Returns: the units by name, sorted.
    """
    size = {module: facts.code_lines for module, facts in modules.facts.items()}
    apps = _applications(modules, models)
    base = _base(modules)
    of = {module: _unit_of(module, apps, base, modules) for module in modules.facts}
    of = _split_oversized(of, size, apps, modules)
    of = _fold_twins(of)
    of = _move_lodgers(of, apps, module_pairs(edges))
    if overrides:
        of = {module: _overridden(module, overrides) or name for module, name in of.items()}
    members: dict[str, list[str]] = {}
    for module, name in of.items():
        members.setdefault(name, []).append(module)
    return {
        name: Unit(name, tuple(sorted(found)), sum(size[m] for m in found)) for name, found in sorted(members.items())
    }


def _applications(modules: Modules, models: Models) -> set[str]:
    """Packages that are applications of Django: with concrete models of their own, or an AppConfig."""
    found = set()
    for model in models.all.values():
        if model.framework == "django":
            parts = model.symbol.module.split(".")
            for mark in ("models", "abstract_models"):
                if mark in parts[1:]:
                    found.add(".".join(parts[: parts.index(mark, 1)]))
    for module, facts in modules.facts.items():
        if module.endswith(".apps") and any(base.endswith("Config") for cls in facts.classes for base in cls.bases):
            found.add(module.rpartition(".")[0])
    return found


def _base(modules: Modules) -> str:
    """The project's own package: the one that nearly everything is in; `` when there are several."""
    base = ""
    while True:
        sizes: Counter[str] = Counter()
        for module, facts in modules.facts.items():
            if not base or module.startswith(base + "."):
                child = module[len(base) + 1 if base else 0 :].partition(".")[0]
                sizes[child] += facts.code_lines
        total = sum(sizes.values())
        if not total:
            return base
        child, most = max(sizes.items(), key=lambda item: (item[1], item[0]))
        inner = f"{base}.{child}" if base else child
        if most < 0.9 * total or not any(m.startswith(inner + ".") for m in modules.facts):
            return base
        base = inner


def _unit_of(module: str, apps: set[str], base: str, modules: Modules) -> str:
    parts = module.split(".")
    for end in range(len(parts), 0, -1):
        name = ".".join(parts[:end])
        if name in apps and name != base:
            return name
    if base and not module.startswith(base + "."):
        return parts[0] if module != base else base
    depth = base.count(".") + 2 if base else 1
    if len(parts) > depth or (len(parts) == depth and modules.files[module].package):
        return ".".join(parts[:depth])
    return base or parts[0]


def _split_oversized(of: dict[str, str], size: Mapping[str, int], apps: set[str], modules: Modules) -> dict[str, str]:
    total = sum(size.values()) or 1
    share: Counter[str] = Counter()
    for module, name in of.items():
        share[name] += size[module]
    result = dict(of)
    for name in sorted(share):
        if share[name] <= OVERSIZED * total or name in apps:
            continue
        inner = {m: _child(m, name, modules) for m, unit in of.items() if unit == name}
        if len(set(inner.values())) > 1:
            result.update(inner)
    return result


def _child(module: str, unit: str, modules: Modules) -> str:
    """The package right below a unit that a module is in; the unit itself for a loose module."""
    depth = unit.count(".") + 2
    parts = module.split(".")
    inside = module.startswith(unit + ".") and (len(parts) > depth or modules.files[module].package)
    return ".".join(parts[:depth]) if inside else unit


def _fold_twins(of: dict[str, str]) -> dict[str, str]:
    """`shop.graphql.orders` becomes a part of `shop.orders` when several of its siblings have such a twin."""
    names = set(of.values())
    twins: dict[str, dict[str, str]] = {}
    for name in names:
        layer, _, last = name.rpartition(".")
        twin = f"{layer.rpartition('.')[0]}.{last}" if "." in layer else last
        if layer and twin in names and twin != name:
            twins.setdefault(layer, {})[name] = twin
    folded = {name: twin for pairs in twins.values() if len(pairs) >= TWINS_MIN for name, twin in pairs.items()}
    return {module: folded.get(name, name) for module, name in of.items()}


def _move_lodgers(of: dict[str, str], apps: set[str], pairs: set[tuple[str, str]]) -> dict[str, str]:
    """Make packages that only lie in a unit units of their own; the outermost ones that qualify."""
    within, ties = Counter[str](), Counter[str]()
    for source, target in pairs:
        unit = of.get(source)
        if unit is None or of.get(target) != unit:
            continue
        ours, theirs = (set(_packages_in(unit, module)) for module in (source, target))
        within.update(ours & theirs)
        ties.update(ours ^ theirs)
    lodgers = {p for p, count in within.items() if count >= LODGER_EDGES_MIN and ties[p] <= LODGER_TIES_MAX * count}
    result = {}
    for module, unit in of.items():
        found = [] if unit in apps else [p for p in _packages_in(unit, module) if p in lodgers]
        result[module] = found[0] if found else unit
    return result


def _packages_in(unit: str, module: str) -> list[str]:
    """The names around a module that are below its unit, the outermost first; the module's own comes last."""
    if not module.startswith(unit + "."):
        return []
    parts, depth = module.split("."), unit.count(".") + 2
    return [".".join(parts[:end]) for end in range(depth, len(parts) + 1)]


def _overridden(module: str, overrides: Mapping[str, Sequence[str]]) -> str | None:
    best: tuple[int, str] | None = None
    for name, prefixes in overrides.items():
        for prefix in prefixes:
            if module == prefix or module.startswith(prefix + "."):
                best = max(best or (0, ""), (len(prefix), name))
    return best[1] if best else None
