"""The verdict.

    do not split           the normal answer: no need was shown, or services would cost more than they give
    modularise in place    there is a need, but the parts are not separable yet, or the team is not ready
    extract one            a need with evidence, a separable candidate, a team that is ready: one, not a fleet
    insufficient evidence  too little of the code was read to say anything

Need, separability and readiness each have a level and reasons. `unknown` is a level of its own and never counts as yes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from ..pricing.order import Candidate
from .answers import QUESTIONS, Answers
from .detection import Sign

Outcome = Literal["do not split", "modularise in place", "extract one", "insufficient evidence"]
Level = Literal["yes", "partly", "no", "unknown"]

CLEAN, POSSIBLE, MODULARISE_FIRST = 0.25, 0.40, 0.60
"""Isolation of what was really extracted elsewhere: 0.07 to 0.35, twice 0.5."""
SMALL_CODE_LINES = 20_000
SMALL_TEAM = 10
PARSED_MIN = 0.9
SIGNS_READY = 4


class Reason(msgspec.Struct, frozen=True):
    """One reason, with the figures behind it."""

    text: str
    counts: Level


class Verdict(msgspec.Struct):
    """What to do, and why."""

    outcome: Outcome
    sentence: str
    reasons: list[str]
    """The three that decide."""
    need: Level
    need_reasons: list[Reason]
    separability: Literal["clean", "possible", "modularise first", "entangled", "unknown"]
    separability_reasons: list[Reason]
    readiness: Level
    readiness_reasons: list[Reason]
    unfit: list[str]
    """Why services do not suit this project, whatever the rest says."""
    would_change: list[str]
    unanswered: list[str]
    """Names of questions."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What a verdict is made from."""

    answers: Answers
    signs: list[Sign]
    candidates: list[Candidate]
    code_lines: int
    units: int
    parsed: float
    """Share of files that were read, 0 to 1."""
    regular_authors: int | None
    """See `calve.audit.git.regular_authors`."""


def judge(case: Case) -> Verdict:
    """Weigh a case."""
    best = _best(case)
    need_reasons, readiness_reasons = list(_need(case)), list(_readiness(case))
    need, readiness = _level_of_need(need_reasons), _level_of_readiness(readiness_reasons, case)
    separability, separability_reasons = _separability(best)
    unfit = list(_unfit(case, best))
    outcome, sentence, reasons = _decide(case, best, need, separability, readiness, unfit)
    return Verdict(
        outcome,
        sentence,
        reasons[:3],
        need,
        need_reasons,
        separability,
        separability_reasons,
        readiness,
        readiness_reasons,
        unfit,
        list(_would_change(case, best, need, separability, readiness, unfit)),
        [q.name for q in QUESTIONS if getattr(case.answers, q.name) is None],
    )


def _best(case: Case) -> Candidate | None:
    """The candidate that is meant: one that has to scale apart if somebody said so, else the first."""
    wanted = case.answers.scale_apart or []
    for candidate in case.candidates:
        if any(_names(unit, wanted) for unit in candidate.units):
            return candidate
    return case.candidates[0] if case.candidates else None


def _names(unit: str, wanted: list[str]) -> bool:
    return any(unit == name or unit.endswith("." + name) for name in wanted)


def _need(case: Case) -> Iterator[Reason]:
    a = case.answers
    if a.scale_apart:
        yield Reason(f"{', '.join(a.scale_apart)} must scale, fail or be secured apart", "yes")
    if a.teams_wait is not None:
        yield Reason(
            f"teams {'wait' if a.teams_wait else 'do not wait'} for each other to deploy",
            "yes" if a.teams_wait else "no",
        )
    if a.teams is not None:
        yield Reason(f"{a.teams} teams decide on their own", "partly" if a.teams >= 2 else "no")
    if a.lead_time_days is not None:
        yield Reason(f"{a.lead_time_days:g} days from commit to production", "partly" if a.lead_time_days > 7 else "no")
    if case.regular_authors is not None:
        yield Reason(
            f"{case.regular_authors} regular authors in the last year", "partly" if case.regular_authors >= 25 else "no"
        )


def _level_of_need(reasons: list[Reason]) -> Level:
    levels = [reason.counts for reason in reasons]
    if "yes" in levels:
        return "yes"
    if levels.count("partly") >= 2:
        return "partly"
    return "no" if len(levels) >= 3 else "unknown"


def _readiness(case: Case) -> Iterator[Reason]:
    a = case.answers
    asked: list[tuple[object, str, bool]] = [
        (a.deploys_a_week, f"{a.deploys_a_week} deploys a week", (a.deploys_a_week or 0) >= 1),
        (a.change_fail_percent, f"{a.change_fail_percent} % of deploys fail", (a.change_fail_percent or 100) <= 15),
        (a.restore_hours, f"{a.restore_hours} hours to restore", (a.restore_hours or 1000) <= 24),
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
        yield Reason(
            f"{sign.name}: {'found' + shown if sign.found else 'not found in this repository' + shown}",
            "yes" if sign.found else "unknown",
        )


def _level_of_readiness(reasons: list[Reason], case: Case) -> Level:
    a = case.answers
    answered = [a.deploys_a_week, a.change_fail_percent, a.restore_hours, a.on_call, a.monitoring, a.rapid_provisioning]
    if any(reason.counts == "no" for reason in reasons):
        return "no"
    if sum(value is not None for value in answered) < 3:
        return "unknown"
    return "yes" if sum(sign.found for sign in case.signs) >= SIGNS_READY else "partly"


def _separability(
    best: Candidate | None,
) -> tuple[Literal["clean", "possible", "modularise first", "entangled", "unknown"], list[Reason]]:
    if best is None:
        return "unknown", [Reason("no part is large enough to be a candidate", "unknown")]
    share, bill = best.bill.isolation, best.bill
    text = f"{best.name}: {bill.crossing} of {bill.all_edges} dependencies cross its boundary ({share:.2f})"
    reasons = [Reason(text, "yes" if share <= POSSIBLE else "no")]
    level: Literal["clean", "possible", "modularise first", "entangled", "unknown"] = "entangled"
    if share <= CLEAN:
        level = "clean"
    elif share <= POSSIBLE:
        level = "possible"
    elif share <= MODULARISE_FIRST:
        level = "modularise first"
    if bill.sagas_low:
        reasons.append(Reason(f"{bill.sagas_low} transactions certainly write on both sides of {best.name}", "no"))
        level = level if level == "entangled" else "modularise first"
    return level, reasons


def _unfit(case: Case, best: Candidate | None) -> Iterator[str]:
    a = case.answers
    if case.code_lines < SMALL_CODE_LINES:
        yield f"a simple application: {case.code_lines} lines of code"
    if a.team_size is not None and a.team_size < SMALL_TEAM:
        yield f"a small team: {a.team_size} people"
    if a.early_product:
        yield "an early product: its boundaries are not known yet"
    if best is not None and a.strict_acid and any(_names(unit, a.strict_acid) for unit in best.units):
        yield f"{best.name} must stay in one transaction with the rest"


def _decide(
    case: Case, best: Candidate | None, need: Level, separability: str, readiness: Level, unfit: list[str]
) -> tuple[Outcome, str, list[str]]:
    if case.parsed < PARSED_MIN or case.units < 2:
        read = f"{case.parsed:.0%} of the files were read, {case.units} units found"
        return "insufficient evidence", "Too little is known to say anything.", [read]
    facts = [f"need: {need}", f"separability: {separability}", f"readiness: {readiness}"]
    if unfit:
        return "do not split", "Do not split: this is not a case for services.", [*unfit, *facts]
    if need == "unknown" or need == "no":
        why = "no need for it has been shown" if need == "unknown" else "there is no need for it"
        return "do not split", f"Do not split: {why}.", facts
    separable = separability in ("clean", "possible")
    if need == "yes" and separable and readiness == "yes" and best is not None:
        return "extract one", f"Extract {best.name}, and nothing else for now.", facts
    what = "the parts are not separable yet" if not separable else "the team is not ready to run services"
    return "modularise in place", f"Modularise in place: {what}.", facts


def _would_change(
    case: Case, best: Candidate | None, need: Level, separability: str, readiness: Level, unfit: list[str]
) -> Iterator[str]:
    name = best.name if best else "a part"
    if unfit:
        yield "growing out of: " + "; ".join(unfit)
    if need in ("unknown", "no"):
        yield f"a need: if {name} must scale apart, or teams wait for each other to deploy (`calve assess` asks)"
    if separability not in ("clean", "possible"):
        yield f"breaking the first edges of {name}: see its list"
    if readiness != "yes":
        yield "readiness: " + (
            "answers to `calve assess`" if readiness == "unknown" else "mending what is listed as missing"
        )
