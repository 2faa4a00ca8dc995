"""The four things a verdict weighs, each as reasons with the figures behind them.

    fit            whether services suit the project      simple application, small team, early product, strict ACID
    need           what hurts today                       parts that must scale apart, teams that wait
    separability   of one candidate                       share of its edges that cross, transactions it would tear
    readiness      of the team                            what was answered, and signs in the repository

A reason counts as `yes`, `partly`, `no` or `unknown`. Nothing that is unknown is ever taken for yes: a level is `yes`
only when everything it takes was said or measured.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal

import msgspec

from ...core.suggest import did_you_mean
from ..pricing.order import Candidate
from ..structure.freeing import SEPARABLE
from .answers import QUESTIONS, Answers
from .detection import Sign

Level = Literal["yes", "partly", "no", "unknown"]
Separability = Literal["clean", "possible", "modularise first", "entangled", "unknown"]

CLEAN, MODULARISE_FIRST = 0.25, 0.60
"""Isolation of what was really extracted elsewhere: 0.07 to 0.35, twice 0.5."""
SMALL_CODE_LINES = 20_000
SMALL_TEAM = 10
LEAD_TIME_DAYS_MAX = 7.0
TEAMS_MIN = 2
REGULARS_MIN = 25
DEPLOYS_A_WEEK_MIN = 1.0
CHANGE_FAIL_PERCENT_MAX = 15.0
RESTORE_HOURS_MAX = 24.0
SIGNS_READY = 5
EDGES_MIN = 20
"""A part with fewer edges has no share of them that means anything."""


class Reason(msgspec.Struct, frozen=True):
    """One reason, with the figures behind it."""

    text: str
    counts: Level


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What a verdict is made from."""

    answers: Answers
    signs: list[Sign]
    candidates: list[Candidate]
    code_lines: int
    units: list[str]
    """Names of all units of the project."""
    parsed: float
    """Share of files that were read, 0 to 1."""
    regular_authors: int | None
    """See `calve.audit.git.regular_authors`."""


def is_named(unit: str, names: Collection[str]) -> bool:
    """Whether one of these names is meant to be this unit: its whole name or the end of it; `*` is every unit."""
    return any(name == "*" or f".{unit}".endswith("." + name.strip("./").replace("/", ".")) for name in names)


# Fit ------------------------------------------------------------------------------------------------------------------


def fit(case: Case) -> Iterator[Reason]:
    """Whether services suit this project, whichever part is meant; `no` is a reason against all of them."""
    a = case.answers
    lines = f"{_count(case.code_lines, 'line', 'lines')} of code"
    simple = case.code_lines < SMALL_CODE_LINES
    yield Reason(f"a simple application: {lines}", "no") if simple else Reason(lines, "yes")
    if len(case.units) < 2:
        yield Reason("all code is one unit: there is nothing to divide along", "no")
    if a.team_size is None:
        known = (
            ""
            if case.regular_authors is None
            else f"; {_count(case.regular_authors, 'person commits', 'people commit')} regularly"
        )
        yield Reason(f"the size of the team is not known{known}", "unknown")
    else:
        small = a.team_size < SMALL_TEAM
        yield Reason(
            f"a {'small ' if small else ''}team: {_count(a.team_size, 'person', 'people')}", "no" if small else "yes"
        )
    if a.early_product is None:
        yield Reason("whether the product has found its shape is not known", "unknown")
    elif a.early_product:
        yield Reason("an early product: its boundaries are not known yet", "no")
    else:
        yield Reason("the product has found its shape", "yes")
    if a.strict_acid is None:
        yield Reason("what must stay in one transaction is not known", "unknown")
    for name in a.strict_acid or ():
        if not any(is_named(unit, [name]) for unit in case.units):
            text = f"{name!r} must stay in one transaction, but is no unit here; {did_you_mean(name, case.units)}"
            yield Reason(text, "unknown")


def acid(candidate: Candidate, strict: Collection[str]) -> Reason | None:
    """Whether a candidate must stay in one transaction with what is outside of it; None when nothing says so."""
    inside = [name for name in strict if any(is_named(unit, [name]) for unit in candidate.units)]
    if not inside or (len(strict) > 1 and len(inside) == len(strict) and "*" not in strict):
        return None  # nothing of it, or all that must stay together
    rest = ", ".join(sorted(set(strict) - set(inside))) or "the rest"
    return Reason(f"{candidate.name} must stay in one transaction with {rest}", "no")


# Need -----------------------------------------------------------------------------------------------------------------


def general_need(case: Case) -> Iterator[Reason]:
    """What speaks for services, whichever part is meant."""
    a = case.answers
    if a.teams_wait is not None:
        text = f"teams {'wait' if a.teams_wait else 'do not wait'} for each other to deploy"
        yield Reason(text, "yes" if a.teams_wait else "no")
    if a.teams is not None:
        text = f"{_count(a.teams, 'team decides', 'teams decide')} on {'its' if a.teams == 1 else 'their'} own"
        yield Reason(text, "partly" if a.teams >= TEAMS_MIN else "no")
    if a.lead_time_days is not None:
        slow = a.lead_time_days > LEAD_TIME_DAYS_MAX
        yield Reason(f"{a.lead_time_days:g} days from commit to production", "partly" if slow else "no")
    if case.regular_authors is not None:
        many = case.regular_authors >= REGULARS_MIN
        yield Reason(
            f"{_count(case.regular_authors, 'regular author', 'regular authors')} in the last year",
            "partly" if many else "no",
        )


def named_need(case: Case) -> Iterator[Reason]:
    """The parts that must scale, fail or be secured apart."""
    for name in case.answers.scale_apart or ():
        if any(is_named(unit, [name]) for unit in case.units):
            yield Reason(f"{name} must scale, fail or be secured apart", "yes")
        else:
            yield Reason(f"{name!r} must scale apart, but is no unit here; {did_you_mean(name, case.units)}", "unknown")


def level_of_need(reasons: list[Reason]) -> Level:
    """One strong reason, or two weaker ones; `no` only when enough was asked to say so."""
    levels = [reason.counts for reason in reasons]
    if "yes" in levels:
        return "yes"
    if levels.count("partly") >= 2:
        return "partly"
    return "no" if len(levels) >= 3 and "unknown" not in levels else "unknown"


# Separability ---------------------------------------------------------------------------------------------------------


def separability(candidate: Candidate | None) -> tuple[Separability, list[Reason]]:
    """How far a candidate stands on its own already."""
    if candidate is None:
        return "unknown", [Reason("no part is large enough to be a candidate", "unknown")]
    bill, share = candidate.bill, candidate.bill.isolation
    text = f"{candidate.name}: {bill.crossing} of {bill.all_edges} dependencies cross its boundary ({share:.2f})"
    level: Separability = "entangled"
    if bill.all_edges < EDGES_MIN:
        level, text = "unknown", f"{text}: too few to mean anything"
    elif share <= CLEAN:
        level = "clean"
    elif share <= SEPARABLE:
        level = "possible"
    elif share <= MODULARISE_FIRST:
        level = "modularise first"
    reasons = [Reason(text, "unknown" if level == "unknown" else "yes" if level in ("clean", "possible") else "no")]
    unsure = sum(not saga.certain and not saga.runs for saga in bill.sagas)
    if bill.sagas_low:
        torn = _count(bill.sagas_low, "transaction writes", "transactions write")
        reasons.append(Reason(f"{torn} on both sides of {candidate.name}", "no"))
        level = level if level in ("entangled", "unknown") else "modularise first"
    elif unsure:
        text = f"{_count(unsure, 'transaction touches', 'transactions touch')} both sides of {candidate.name}"
        reasons.append(Reason(f"{text}; what is written is not known", "unknown"))
        level = "unknown" if level in ("clean", "possible") else level
    return level, reasons


# Readiness ------------------------------------------------------------------------------------------------------------


def readiness(case: Case) -> Iterator[Reason]:
    """What was answered of the team's practice, then what the repository shows."""
    a = case.answers
    asked: list[tuple[object, str, bool]] = [
        (
            a.deploys_a_week,
            f"{a.deploys_a_week or 0:g} deploys a week",
            _at_least(a.deploys_a_week, DEPLOYS_A_WEEK_MIN),
        ),
        (
            a.change_fail_percent,
            f"{a.change_fail_percent or 0:g} % of deploys fail",
            _at_most(a.change_fail_percent, CHANGE_FAIL_PERCENT_MAX),
        ),
        (a.restore_hours, f"{a.restore_hours or 0:g} hours to restore", _at_most(a.restore_hours, RESTORE_HOURS_MAX)),
        (a.on_call, "somebody is on call" if a.on_call else "nobody is on call", bool(a.on_call)),
        (a.monitoring, "monitored" if a.monitoring else "not monitored", bool(a.monitoring)),
        (
            a.rapid_provisioning,
            "a server within a day" if a.rapid_provisioning else "servers take days",
            bool(a.rapid_provisioning),
        ),
    ]
    for value, text, good in asked:
        if value is not None:
            yield Reason(text, "yes" if good else "no")
    for sign in case.signs:
        shown = f" ({sign.where})" if sign.where else ""
        text = f"found{shown}" if sign.found else f"not found in this repository{shown}"
        yield Reason(f"{sign.name}: {text}", "yes" if sign.found else "unknown")


def level_of_readiness(reasons: list[Reason], case: Case) -> Level:
    """`yes` takes an answer to every question of readiness, each a good one, and enough signs of it."""
    if any(reason.counts == "no" for reason in reasons):
        return "no"
    if unanswered(case.answers, "readiness"):
        return "unknown"
    return "yes" if sum(sign.found for sign in case.signs) >= SIGNS_READY else "partly"


def unanswered(answers: Answers, topic: str | None = None) -> list[str]:
    """Names of the questions nobody answered, of one topic or of all."""
    return [q.name for q in QUESTIONS if topic in (None, q.topic) and getattr(answers, q.name) is None]


def _at_least(value: float | None, least: float) -> bool:
    return value is not None and value >= least


def _at_most(value: float | None, most: float) -> bool:
    return value is not None and value <= most


def _count(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"
