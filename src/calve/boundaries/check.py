"""All rules over one project, and what calve.toml accepts of what they find.

    [[check.accept]]
    rule = "import"
    what = "shop.orders.report -> shop.wallet.service"      as the check shows it
    reason = "the report moves into the wallet in May"

An accepted violation does not count; one that no longer occurs does, so that the list cannot outlive its reasons.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ..runtime import AppConfig
from .base import Note, Violation
from .calls import CallGraph, call_graph
from .chains import check_chains, check_circles
from .data import check_stores, check_tables
from .imports import check_contracts, check_imports, check_owners_of_modules, computed_imports
from .territory import Application, place_of


class Report(msgspec.Struct, frozen=True):
    """The outcome of a check."""

    violations: list[Violation]
    """What counts, by file and line."""
    accepted: list[tuple[Violation, str]]
    """What calve.toml accepts, with the reason."""
    notes: list[Note]
    """What the check could not see through; does not count."""
    services: int
    modules: int


def check(config: AppConfig, *, strict: bool = False) -> Report:
    """Check the boundaries of a project, reading its source and importing none of it.

    Args:
        config: The project.
        strict: Ask for owners, as `[app] strict` does.
    Raises: ConfigError: a file cannot be read or parsed, or calve.toml names a module that is not there.
    """
    application = Application(config)
    graph = call_graph(application)
    found = list(_find(application, graph, strict=strict or config.app.strict))
    reasons = {(accepted.rule, accepted.what): accepted.reason for accepted in config.check.accept}
    counted = [v for v in found if (v.rule, v.what) not in reasons]
    accepted = [(v, reasons[v.rule, v.what]) for v in found if (v.rule, v.what) in reasons]
    counted += _stale(config, {(v.rule, v.what) for v in found})
    counted.sort(key=lambda v: (v.place.shown(config.root).rpartition(":")[0], v.place.line, v.rule, v.what))
    notes = [*graph.notes, *computed_imports(application)]
    return Report(counted, accepted, notes, len(application.services), len(application.sources))


def _find(application: Application, graph: CallGraph, *, strict: bool) -> Iterator[Violation]:
    yield from check_imports(application)
    yield from check_contracts(application)
    yield from check_owners_of_modules(application)
    yield from check_stores(application)
    yield from check_tables(application)
    yield from check_circles(application, graph)
    yield from check_chains(application, graph, application.config.check.call_chain_max)
    if strict:
        yield from _check_owners(application)


def _check_owners(application: Application) -> Iterator[Violation]:
    config = application.config
    for name in application.services:
        if not config.service[name].owner:
            section = f"service.{name}" if config.file.table(f"service.{name}") else "app"
            yield Violation(
                rule="owner",
                what=name,
                place=place_of(config.file.path, config.file.where(section, "services")),
                message=f"{name} has no owner",
                fix=f'write owner = "team-…" under [service.{name}]',
            )


def _stale(config: AppConfig, found: set[tuple[str, str]]) -> Iterator[Violation]:
    for index, accepted in enumerate(config.check.accept):
        if (accepted.rule, accepted.what) not in found:
            yield Violation(
                rule="accept",
                what=f"{accepted.rule}: {accepted.what}",
                place=place_of(config.file.path, config.file.where_item("check.accept", index)),
                message=f'an accepted violation does not occur: {accepted.rule} "{accepted.what}"',
                fix="remove it, or copy rule and what from the output of `calve check`",
            )
