"""An audit held against an earlier one: what is new between units, and whether the numbers moved.

    new-cross-edge       a module depends on one of another unit in a way it did not before
    new-shared-table     a unit writes a table that it does not own and did not write before

Compared by names, never by lines: code that only moves within its file is not new. A module that was renamed is, and
so is everything whose unit changed; `[audit.units]` keeps units as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from ...core.errors import ConfigError
from .document import SCHEMA_VERSION, Document, Figure, Measures, decode
from .words import percent

Check = Literal["new-cross-edge", "new-shared-table"]
CHECKS: tuple[Check, ...] = ("new-cross-edge", "new-shared-table")
TRANSACTIONS = "transactions over several units"


class New(msgspec.Struct, frozen=True, order=True):
    """Something that was not there before."""

    check: Check
    path: str
    line: int
    what: str


class Moved(msgspec.Struct, frozen=True):
    """One of the numbers that a migration is meant to move."""

    name: str
    before: str
    after: str


class Comparison(msgspec.Struct, frozen=True):
    """An audit and its baseline."""

    new: list[New]
    moved: list[Moved]


class _Header(msgspec.Struct):
    schema_version: int


def read_baseline(path: Path) -> Document:
    """Read what `calve audit --json` wrote.

    Raises: ConfigError: it cannot be read, is not JSON, no audit, or one with another schema.
    """
    where, again = str(path), "write a new one: calve audit --json FILE"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=where, fix=again) from error
    try:
        version = msgspec.json.decode(data, type=_Header).schema_version
        if version != SCHEMA_VERSION:
            text = f"has schema version {version}; this Calve compares version {SCHEMA_VERSION}"
            raise ConfigError(text, where=where, fix=again)
        return decode(data)
    except msgspec.ValidationError as error:
        raise ConfigError(f"is no audit: {error}", where=where, fix=again) from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"is not JSON: {error}", where=where, fix=again) from error


def compare(before: Document, after: Document) -> Comparison:
    """Hold an audit against an earlier one."""
    return Comparison(sorted([*_new_edges(before, after), *_new_writers(before, after)]), list(_moved(before, after)))


def _new_edges(before: Document, after: Document) -> Iterator[New]:
    known = {(p.source, p.target): set(p.kinds) for edge in before.edges for p in edge.pairs}
    for edge in after.edges:
        for pair in edge.pairs:
            kinds = sorted(set(pair.kinds) - known.get((pair.source, pair.target), set()))
            if kinds:
                what = f"{pair.source} -> {pair.target} ({', '.join(kinds)}), from {edge.source} to {edge.target}"
                yield New("new-cross-edge", pair.path, pair.line, what)


def _new_writers(before: Document, after: Document) -> Iterator[New]:
    known = {(table.model, writer) for table in before.tables for writer in table.writers}
    for table in after.tables:
        for writer in table.writers:
            if writer != table.owner and (table.model, writer) not in known:
                first = next(w for w in table.foreign_writes if w.what.endswith(f" by {writer}"))
                what = f"{writer} writes {table.model} of {table.owner}"
                yield New("new-shared-table", first.path, first.line, what)


def _moved(before: Document, after: Document) -> Iterator[Moved]:
    for (name, old), (_, new) in zip(numbers(before.measures), numbers(after.measures), strict=True):
        yield Moved(name, old, new)


def numbers(measures: Measures) -> Iterator[tuple[str, str]]:
    """What a migration is meant to move: each number by its name, `?` for what is not known."""
    yield "dependencies between units", str(measures.cross_edges)
    yield "share of all dependencies", percent(measures.cross_share)
    yield "units in the largest cycle", str(measures.largest_cycle)
    yield "tables written by several units", str(measures.shared_tables)
    yield TRANSACTIONS, _range(measures.cross_unit_transactions)
    yield "commits over several units", _share(measures.lockstep_share)
    yield "days from commit to production", _number(measures.lead_time_days)
    yield "deploys a week", _number(measures.deploys_a_week)
    yield "percent of deploys that fail", _number(measures.change_fail_percent)
    yield "hours to restore", _number(measures.restore_hours)


def _range(figure: Figure) -> str:
    return f"{figure.low:g}" if figure.low == figure.high else f"{figure.low:g}-{figure.high:g}"


def _share(share: float | None) -> str:
    return "?" if share is None else percent(share)


def _number(number: float | None) -> str:
    return "?" if number is None else f"{number:g}"
