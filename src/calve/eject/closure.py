"""Which modules an ejected service needs: its own, and what those import of the project, as far as it goes.

    shop.orders.service ──> shop.orders.book ──> shop.signals           shared modules go along
                       └──> shop.wallet.contract                        contracts of others too, for their types
                       └──> shop.wallet.service                         refused: it is private

What is imported of libraries becomes a dependency of the new project.
"""

from __future__ import annotations

import ast
import importlib.metadata
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..boundaries import Application
from ..boundaries.source import Module, parents
from ..boundaries.territory import below
from .base import Refusal

_TESTS = ("conftest", "tests", "testing")


class Closure(NamedTuple):
    """What goes along."""

    modules: dict[str, Module]
    """By dotted name, sorted."""
    libraries: list[str]
    """Requirements, such as `numpy>=2.1`."""
    refusals: list[Refusal]


def closure(application: Application, service: str) -> Closure:
    """Find it, from the source alone."""
    sources, package = application.sources, application.services[service].package
    waiting = [name for name in application.modules_of(service) if not _is_test(name, package)]
    found: dict[str, Module] = {}
    refusals: list[Refusal] = []
    tops: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found or name not in sources:
            continue
        module = found[name] = sources[name]
        waiting += parents(name)
        for target, node in _imports(module):
            known = target if target in sources else target.rpartition(".")[0]
            if known not in sources:
                tops.add(target.partition(".")[0])
                continue
            if _is_private(application, service, known):
                where = module.place(node).shown(application.config.root)
                what = f"{name} imports {known}, which belongs to {application.owner(known)} alone"
                refusals.append(Refusal(where, what, "import its contract instead; `calve check` finds more of these"))
                continue
            waiting.append(known)
    return Closure(dict(sorted(found.items())), _requirements(tops - {n.partition(".")[0] for n in found}), refusals)


def _is_test(name: str, package: str) -> bool:
    parts = name.removeprefix(package).split(".")
    return any(part in _TESTS or part.startswith("test_") for part in parts)


def _is_private(application: Application, service: str, module: str) -> bool:
    owner = application.owner(module)
    if owner is None or owner == service or application.is_shared(module):
        return False
    contract = application.contract_module(owner)
    return contract is None or not (below(module, contract) or contract.startswith(f"{module}."))


def _imports(module: Module) -> Iterator[tuple[str, ast.stmt]]:
    """Dotted names that are imported, each as a module or as a name in one, and the statement."""
    for node in module.nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (base := module.absolute(node.level, node.module)):
            yield from ((f"{base}.{alias.name}", node) for alias in node.names)


def _requirements(tops: set[str]) -> list[str]:
    """Distributions that have some top-level modules, at least in the version that is installed."""
    foreign = sorted(top for top in tops if top not in sys.stdlib_module_names and top not in ("calve", "msgspec"))
    owners = importlib.metadata.packages_distributions() if foreign else {}
    return sorted({_requirement(owners.get(top, ())) or top for top in foreign})


def _requirement(distributions: Sequence[str]) -> str | None:
    """The distribution that a module comes from; None when it is not installed."""
    return next((f"{name}>={importlib.metadata.version(name)}" for name in distributions), None)
