"""The document of an audit: everything that is reported, as plain data in a stable order.

It is what `--json` writes, what the terminal and HTML show, and what a later audit is compared with. Units, modules and
models have their dotted names as ids. A number that rests on evidence is a `Figure`; the rest are counts of what was
read.

    schema_version     raised when a field changes its meaning or goes; new fields do not raise it
    order              lists are sorted by their first field, except candidates (best first) and steps (as they run)
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ..base import Confidence, EdgeKind, Gap
from ..judging.verdict import Outcome, Reason

SCHEMA_VERSION = 1
EVIDENCE_MAX = 200
"""Places kept per figure; `Figure.value` counts all of them."""


class Evidence(msgspec.Struct, frozen=True, order=True):
    """One place, and what is there."""

    path: str
    line: int
    what: str


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A number, how sure it is, and where it comes from."""

    value: float
    low: float
    high: float
    """Equal to `value` unless the number is a range."""
    confidence: Confidence
    evidence: list[Evidence] = []


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How much is known: (known, all) pairs, and what is not."""

    files: tuple[int, int]
    lines: int
    code_lines: int
    test_lines: int
    relations: tuple[int, int]
    """Foreign keys and the like whose target is known."""
    transactions: tuple[int, int]
    """Transactions in which at least one access is known."""
    writes: tuple[int, int]
    """Saves and deletes whose model is known."""
    string_references: int
    raw_sql: int
    http_calls: int
    runtime: Literal["not run", "merged"]
    gaps: list[Gap]


class HistoryFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What git says of the whole."""

    head: str
    commits: int
    years: float
    ignored: dict[str, int]
    regular_authors: int | None
    tags_a_year: float | None
    co_change_used: bool
    co_change_why: str
    """Why co-change was or was not used to group units."""


class UnitFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One unit."""

    name: str
    lines: int
    modules: int
    kernel: bool
    cycle: int
    """Which cycle of imports it is in with other units, the largest being 1; 0: in none."""
    isolation: float | None
    commits: int
    lockstep: int
    authors: int
    regular_authors: list[str]


class ModulePair(msgspec.Struct, frozen=True, order=True):
    """One module that depends on one of another unit: what `--fail-on new-cross-edge` compares."""

    source: str
    target: str
    kinds: list[EdgeKind]
    """Sorted; without `name` and `inherits`, which follow from the import."""
    path: str
    line: int
    """The first place."""


class UnitEdge(msgspec.Struct, frozen=True, kw_only=True):
    """All that one unit uses of another."""

    source: str
    target: str
    counts: dict[EdgeKind, int]
    pairs: list[ModulePair]


class TableFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A table, and who touches it."""

    model: str
    table: str
    owner: str
    """Unit."""
    writers: list[str]
    readers: list[str]
    keys_to: list[str]
    """Models of other units it has foreign keys to."""
    foreign_writes: list[Evidence]
    """Places in other units that write it."""


class SagaStep(msgspec.Struct, frozen=True, kw_only=True):
    """One access of a transaction."""

    path: str
    line: int
    verb: Literal["reads", "writes"]
    model: str
    unit: str
    """That owns the model."""
    said: str


class SagaFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction that a cut would tear apart, as the sequence of what it does."""

    path: str
    line: int
    function: str
    certain: bool
    units: list[str]
    steps: list[SagaStep]
    confidence: Literal["inferred", "runtime"]


class HingeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One module whose edges across the boundary are to be broken: put what it is used for behind a contract."""

    module: str
    direction: Literal["used by", "uses"]
    modules: int
    """Modules of the other side."""
    symbols: list[str]
    """What is used, the most used first."""
    isolation_after: float
    """Of the candidate, once this hinge and all before it are broken."""
    evidence: list[Evidence]


class CandidateFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A part that could become a service, and what that would take."""

    name: str
    units: list[str]
    lines: int
    tables: int
    """Of its own; a part without any is a library rather than a service."""
    isolation: Figure
    """Share of its dependencies that cross its boundary, 0 to 1."""
    crossing: int
    all_edges: int
    """What that share is made of: pairs of modules."""
    operations: Figure
    calls_in: Figure
    calls_out: Figure
    keys_in: Figure
    keys_out: Figure
    identity: Figure
    joins: Figure
    shared_tables: Figure
    sagas: Figure
    """`low`: writes on both sides are certain; `high`: both sides are touched."""
    saga_list: list[SagaFacts]
    inheritance: Figure
    tasks: Figure
    signals: Figure
    urls: Figure
    sql: Figure
    lockstep: Figure
    """Share of the commits touching it that touch other parts, too; unresolved without history."""
    commits: int
    lockstep_with: dict[str, int]
    """The units it changes with most often, and in how many commits."""
    days: Figure
    days_in_order: Figure
    """After everything in front of it has been extracted."""
    edges_to_break: int
    """Crossing dependencies that have to go before a cut is possible (isolation 0.40); 0: it is."""
    hinges: list[HingeFacts]
    """The few modules most of them meet in, in the order to break them; for one that is separable, all that is left."""
    first_edges: list[Evidence]
    """The first ten edges of the hinges."""


class VerdictFacts(msgspec.Struct, frozen=True, kw_only=True):
    """See `calve.audit.judging.verdict`."""

    outcome: Outcome
    sentence: str
    reasons: list[str]
    need: str
    need_reasons: list[Reason]
    separability: str
    separability_reasons: list[Reason]
    readiness: str
    readiness_reasons: list[Reason]
    candidate: str
    """The candidate that is meant; `` when there is none."""
    unfit: list[str]
    would_change: list[str]
    unanswered: list[str]


class TraceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What ran under the project's own tests, held against what the source shows: (known from the source, all)."""

    head: str
    """Commit the trace was made at; `` when that is not known."""
    transactions: tuple[int, int]
    accesses: tuple[int, int]
    """Reads and writes of tables, each once for a transaction."""
    never_ran: int
    """Transactions of the source that no test ran."""
    requests: int
    """Kinds of requests that touched a table."""
    requests_across: list[Evidence]
    """Those that write tables of several units."""
    missed: list[Evidence]
    """What ran and the source does not show."""
    unconfirmed: list[Evidence]
    """What the source claims of a transaction that ran, and that never happened."""


class Advice(msgspec.Struct, frozen=True, order=True):
    """Something that is worth doing whether or not anything is ever split."""

    kind: Literal["one way", "foreign write", "nobody imports it", "leans elsewhere"]
    path: str
    line: int
    what: str


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """Today's numbers, for an audit after the migration to be held against. None: not known."""

    cross_edges: int
    """Pairs of modules in different units that depend on each other."""
    cross_share: float
    largest_cycle: int
    """Units in the largest cycle of imports."""
    shared_tables: int
    cross_unit_transactions: Figure
    lockstep_share: float | None
    lead_time_days: float | None
    deploys_a_week: float | None
    change_fail_percent: float | None
    restore_hours: float | None


class StructureFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the units divide into groups more clearly than by chance; see `calve.audit.structure.null`."""

    modularity: float
    null: float
    """What 95 % of copies without structure stay below."""
    clear: bool
    """There are no `groups` where it is not."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One audit."""

    schema_version: int
    calve_version: str
    project: str
    """Name of the audited folder."""
    verdict: VerdictFacts
    coverage: Coverage
    history: HistoryFacts
    measures: Measures
    units: list[UnitFacts]
    edges: list[UnitEdge]
    tables: list[TableFacts]
    candidates: list[CandidateFacts]
    trace: TraceFacts | None
    """None when nothing was recorded."""
    groups: list[list[str]]
    """Units that belong together by what couples them, where that is not just one."""
    structure: StructureFacts
    effort: dict[str, tuple[float, float]]
    """Days per item that `days` is made from: uncalibrated."""
    do_now: list[Advice]
    """What helps even without a split, the cheapest of each kind first."""


def encode(document: Document) -> bytes:
    """As indented JSON; the same audit gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a document; published as `docs/reference/audit.schema.json`."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"Calve audit {SCHEMA_VERSION}"}
    return head | msgspec.json.schema(Document)


def decode(data: bytes) -> Document:
    """Read what `encode` wrote.

    Raises: msgspec.ValidationError, msgspec.DecodeError: it is something else.
    """
    return msgspec.json.decode(data, type=Document)
