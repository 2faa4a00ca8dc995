"""Everything one audit finds out, in the order it is found out.

discover ──> read ──> resolve (modules, models, data, names) ──> edges ──> units ──> graph ──> groups ──> candidates
                                                                 history ─────────────────────┘
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from .base import Edge, Gap
from .discover import Project, discover
from .git import History, UnitHistory, read_history, regular_authors, unit_history
from .judging.answers import Answers
from .judging.detection import Sign, detect
from .judging.verdict import Case, Verdict, judge
from .judging.weighing import is_named
from .pricing.bill import Market
from .pricing.effort import DEFAULT_EFFORT, Effort
from .pricing.order import Candidate, candidates
from .reading import FileFacts, read_files
from .reading.cache import FactsCache, default_folder
from .resolving.data import Data
from .resolving.models import Models
from .resolving.modules import Modules, Symbol
from .resolving.strings import Names
from .structure.cochange import CoChange, gated
from .structure.graph import UnitGraph, all_edges, unit_graph
from .structure.grouping import coupling, groups, idf_of, misplaced, weights_of
from .structure.null import Structure, structure
from .structure.units import make_units
from .trace.file import DEFAULT_PATH, read_trace
from .trace.merge import Recall, merge

Progress = Callable[[str, int, int], None]
"""Told `(step, done, count)`; count is 0 for a step without parts."""


class AuditOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a user may set, in `[audit]` of calve.toml or on the command line."""

    answers: Answers = Answers()
    units: Mapping[str, Sequence[str]] = {}
    """Unit -> prefixes of module names; overrides what the audit would choose."""
    effort: Effort = DEFAULT_EFFORT
    history_years: float = 3.0
    trace: Path | None = None
    """What `calve audit trace` wrote; by default `.calve/trace.json` in the project, if there is one."""
    cache: bool = True
    processes: int | None = None


class Findings:
    """One audited project. Attributes are filled in by `audit`, in this order.

    Attributes:
        project, facts, gaps: Its files, what each says (by path), and what is not known.
        modules, models, data, names: What that means together.
        recall: What a trace says of that; None without one.
        edges, graph: What depends on what; the same between units.
        history, unit_histories, co_change: What git says.
        structure: Whether units divide into groups more clearly than by chance; there are no groups otherwise.
        groups, misplaced, candidates: Where structure and packages disagree; what could become a service.
        signs, verdict: What the repository shows of being ready; what to do.
    """

    project: Project
    facts: dict[str, FileFacts]
    gaps: list[Gap]
    cached: int
    modules: Modules
    models: Models
    data: Data
    recall: Recall | None
    names: Names
    edges: list[Edge]
    graph: UnitGraph
    history: History
    unit_histories: dict[str, UnitHistory]
    co_change: CoChange
    structure: Structure
    groups: list[frozenset[str]]
    misplaced: list[tuple[str, str, str, int, int]]
    candidates: list[Candidate]
    signs: list[Sign]
    verdict: Verdict

    @property
    def user(self) -> Symbol | None:
        """The project's own user model."""
        return self.models.user


def _silent(step: str, done: int, count: int) -> None:
    """Tell nobody."""


def audit(path: Path, options: AuditOptions | None = None, progress: Progress = _silent) -> Findings:
    """Audit a project. Nothing of it is imported or run.

    Args:
        path: A folder with Python code.
        options: Settings.
        progress: Told what is being done.
    Raises: ConfigError: there is no Python at `path`.
    """
    options = options or AuditOptions()
    found = Findings()
    progress("looking for files", 0, 0)
    found.project = discover(path)
    cache = FactsCache(default_folder(found.project.root) if options.cache else None)
    reading = read_files(
        found.project,
        cache,
        processes=options.processes,
        progress=lambda done, count: progress("reading files", done, count),
    )
    found.facts, found.cached = reading.facts, reading.cached
    found.gaps = sorted([*found.project.gaps, *reading.gaps])
    _resolve(found, progress)
    _structure(found, options, progress)
    _merge_trace(found, options)
    weigh(found, options, progress)
    return found


def _merge_trace(found: Findings, options: AuditOptions) -> None:
    path = options.trace or Path(found.project.root) / DEFAULT_PATH
    found.recall = None
    if options.trace is None and not path.is_file():
        return
    trace = read_trace(path)
    found.recall = merge(trace, found.modules, found.models, found.data, found.graph.of)
    if trace.head != found.history.head:
        at, now = trace.head[:12] or "no commit", found.history.head[:12] or "none"
        why = f"the trace was made at {at}, the code is at {now}"
        found.gaps = sorted([*found.gaps, Gap("old trace", path.name, 0, why)])
    if trace.errors:
        why = "the recorder failed: " + ", ".join(f"{kind} {count} times" for kind, count in trace.errors.items())
        found.gaps = sorted([*found.gaps, Gap("trace", path.name, 0, why)])


def weigh(found: Findings, options: AuditOptions, progress: Progress = _silent) -> None:
    """Price the cuts and come to a verdict; again, when there are other answers than before.

    Args:
        found: An audit; its candidates, signs and verdict are replaced.
        options: Settings; those that say how to read and divide the project count in `audit` only.
    """
    progress("pricing cuts", 0, 0)
    market = Market(found.modules, found.models, found.data, found.graph, found.user)
    wanted = frozenset(u for u in found.graph.units if is_named(u, options.answers.scale_apart or ()))
    found.candidates = candidates(found.graph, market, found.groups, options.effort, wanted)
    found.signs = detect(Path(found.project.root), found.project.files, found.facts, found.history)
    found.verdict = judge(
        Case(
            answers=options.answers,
            signs=found.signs,
            candidates=found.candidates,
            code_lines=sum(unit.lines for unit in found.graph.units.values()),
            units=list(found.graph.units),
            parsed=len(found.facts) / len(found.project.files),
            regular_authors=regular_authors(found.history),
        )
    )


def _resolve(found: Findings, progress: Progress) -> None:
    progress("following names", 0, 0)
    code = [file for file in found.project.files if file.role == "code"]
    found.modules = Modules(code, found.facts)
    found.models = Models(found.modules)
    progress("finding reads, writes and transactions", 0, 0)
    found.data = Data(found.modules, found.models)
    found.names = Names(found.modules, found.models)
    found.edges = all_edges(found.modules, found.models, found.data, found.names)


def _structure(found: Findings, options: AuditOptions, progress: Progress) -> None:
    progress("finding units", 0, 0)
    units = make_units(found.modules, found.models, found.edges, options.units)
    found.graph = unit_graph(units, found.edges)
    progress("reading the history", 0, 0)
    folder = default_folder(found.project.root) if options.cache else None
    found.history = read_history(Path(found.project.root), years=options.history_years, cache=folder)
    paths = {found.modules.files[m].path: unit for m, unit in found.graph.of.items()}
    found.unit_histories = unit_history(found.history, paths)
    if found.history.gap is not None:
        found.gaps = sorted([*found.gaps, found.history.gap])
    progress("grouping units", 0, 0)
    found.co_change = gated(found.history, paths)
    pairs, idf = coupling(found.graph), idf_of(found.graph)
    found.structure = structure(found.graph)
    clear = found.structure.clear
    found.groups = groups(found.graph, weights_of(found.graph, pairs, idf, found.co_change.weights)) if clear else []
    found.misplaced = list(misplaced(found.graph))
