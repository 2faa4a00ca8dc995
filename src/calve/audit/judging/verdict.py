"""The verdict.

    do not split           the normal answer: no need was shown, or services would cost more than they give
    modularise in place    there is a need, but the parts are not separable yet, or the team is not ready
    extract one            a need with evidence, a separable candidate, a team that is ready: one, not a fleet
    insufficient evidence  too little of the code was read to say anything

Weighed for each part that was named and for the one that is nearest to standing on its own; the strongest outcome is
the verdict. Forgetting an answer never makes it stronger, and one more need never makes it weaker: both are tested as
properties.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from ..pricing.order import Candidate
from ..structure.freeing import SEPARABLE, edges_to_break
from .weighing import (
    EDGES_MIN,
    Case,
    Level,
    Reason,
    Separability,
    acid,
    fit,
    general_need,
    is_named,
    level_of_need,
    level_of_readiness,
    named_need,
    readiness,
    separability,
    unanswered,
)

__all__ = ["Case", "judge", "Level", "Outcome", "Reason", "Separability", "Verdict"]

Outcome = Literal["do not split", "modularise in place", "extract one", "insufficient evidence"]
STRENGTH: tuple[Outcome, ...] = ("insufficient evidence", "do not split", "modularise in place", "extract one")
"""From the weakest to the strongest."""
PARSED_MIN = 0.9


class Verdict(msgspec.Struct):
    """What to do, and why."""

    outcome: Outcome
    sentence: str
    reasons: list[str]
    """The three that decide."""
    candidate: str
    """Name of the candidate it is about; `` when there is none."""
    need: Level
    need_reasons: list[Reason]
    separability: Separability
    separability_reasons: list[Reason]
    readiness: Level
    readiness_reasons: list[Reason]
    unfit: list[str]
    """Why services do not suit this project, whatever the rest says."""
    would_change: list[str]
    unanswered: list[str]
    """Names of questions."""


class _Option(msgspec.Struct):
    """A part, and what follows for it."""

    candidate: Candidate | None
    name: str
    need: Level
    separability: Separability
    separability_reasons: list[Reason]
    unfit: list[str]
    outcome: Outcome = "do not split"
    why: str = ""


def judge(case: Case) -> Verdict:
    """Weigh a case."""
    named, suits, ready = list(named_need(case)), list(fit(case)), list(readiness(case))
    general = [*(reason for reason in named if reason.counts == "unknown"), *general_need(case)]
    readiness_level = level_of_readiness(ready, case)
    options = list(_options(case, general, [reason.text for reason in suits if reason.counts == "no"]))
    unclear = [reason.text for reason in suits if reason.counts == "unknown"]
    for option in options:
        option.outcome, option.why = _outcome(case, option, readiness_level, unclear)
    chosen = max(options, key=lambda option: STRENGTH.index(option.outcome))  # the first of equals
    levels = (f"need: {chosen.need}", f"separability: {chosen.separability}", f"readiness: {readiness_level}")
    return Verdict(
        chosen.outcome,
        _sentence(chosen),
        [*chosen.unfit, *levels][:3],
        chosen.candidate.name if chosen.candidate else "",
        chosen.need,
        [*(reason for reason in named if reason.counts == "yes"), *general],
        chosen.separability,
        chosen.separability_reasons,
        readiness_level,
        ready,
        chosen.unfit,
        list(_would_change(case, chosen, unclear, ready, readiness_level)),
        unanswered(case.answers),
    )


def _options(case: Case, general: list[Reason], unfit: list[str]) -> Iterator[_Option]:
    """The parts that were named, then the one that is nearest to standing on its own."""
    for unit in case.units:
        if is_named(unit, case.answers.scale_apart or ()):
            candidate = next((c for c in case.candidates if unit in c.units), None)
            yield _option(case, candidate, unit, "yes", unfit)
    best = min(case.candidates, key=_distance, default=None)
    yield _option(case, best, best.name if best else "a part", level_of_need(general), unfit)


def _option(case: Case, candidate: Candidate | None, name: str, need: Level, unfit: list[str]) -> _Option:
    level, reasons = separability(candidate)
    if candidate is None and name in case.units:
        reasons = [Reason(f"{name} is no candidate: too small, or a kernel that the others share", "unknown")]
    bound = acid(candidate, case.answers.strict_acid or ()) if candidate else None
    return _Option(candidate, name, need, level, reasons, [*unfit, *([bound.text] if bound else [])])


def _distance(candidate: Candidate) -> tuple[bool, bool, bool, bool, float]:
    """How far a candidate is from standing on its own: what the few edges that are named would free comes first.

    Behind all of them come parts without tables, where others have some: they are libraries rather than services.
    """
    level, _ = separability(candidate)
    bill, last = candidate.bill, candidate.hinges[-1].isolation if candidate.hinges else 0.0
    entangled, few = level not in ("clean", "possible"), bill.all_edges < EDGES_MIN
    return not candidate.tables, entangled, few, last > SEPARABLE, bill.isolation


def _outcome(case: Case, option: _Option, readiness_level: Level, unclear: list[str]) -> tuple[Outcome, str]:
    """What to do with one part, and why in a clause."""
    if case.parsed < PARSED_MIN or not case.units:
        return "insufficient evidence", f"{case.parsed:.0%} of the files were read, {len(case.units)} units found"
    if option.unfit:
        return "do not split", option.unfit[0]
    if option.need == "unknown":
        return "do not split", "no need for it has been shown"
    if option.need == "no":
        return "do not split", "there is no need for it"
    if unclear:
        return "do not split", f"whether services fit is not known ({unclear[0]})"
    if option.need == "partly":
        return "modularise in place", "there is some need, but none that only services meet"
    if option.separability not in ("clean", "possible"):
        why = "is not known to be separable" if option.separability == "unknown" else "is not separable yet"
        return "modularise in place", f"{option.name} {why}"
    if readiness_level != "yes":
        known = "is not ready" if readiness_level == "no" else "is not known to be ready"
        return "modularise in place", f"the team {known} to run services"
    return "extract one", option.name


def _sentence(option: _Option) -> str:
    if option.outcome == "insufficient evidence":
        return f"Too little is known to say anything: {option.why}."
    if option.outcome == "extract one":
        return f"Extract {option.name}, and nothing else for now."
    return f"{option.outcome.capitalize()}: {option.why}."


def _would_change(
    case: Case, option: _Option, unclear: list[str], ready: list[Reason], readiness_level: Level
) -> Iterator[str]:
    """What would have to be so for a stronger outcome, one clause for each obstacle."""
    if option.outcome == "extract one":
        return
    if option.outcome == "insufficient evidence":
        yield "files that can be read: see the gaps"
    if option.unfit:
        yield "growing out of: " + "; ".join(option.unfit)
    if unclear:
        yield f"knowing whether services fit (`calve assess` asks): {'; '.join(unclear)}"
    if option.need != "yes":
        yield f"a need: if {option.name} must scale apart, or teams wait for each other to deploy (`calve assess` asks)"
    if option.separability not in ("clean", "possible"):
        yield _would_free(option)
    if readiness_level == "no":
        yield "readiness: mend " + "; ".join(reason.text for reason in ready if reason.counts == "no")
    elif missing := unanswered(case.answers, "readiness"):
        yield f"readiness: answer {', '.join(missing)}"
    elif readiness_level == "partly":
        yield "readiness: more signs of it in the repository than were found"


def _would_free(option: _Option) -> str:
    """The few edges to break first."""
    candidate = option.candidate
    if candidate is None:
        return "a part that is large enough to be a service"
    bill = candidate.bill
    unsure = any(not saga.certain and not saga.runs for saga in bill.sagas)
    if unsure and not candidate.hinges and not bill.sagas_low:
        return f"seeing what the transactions around {candidate.name} write: `calve audit trace -- pytest`"
    if not candidate.hinges:
        return f"keeping the transactions of {candidate.name} on one side each: see its list"
    first = candidate.hinges[0]
    count = edges_to_break(bill.crossing, bill.all_edges)
    other = f"{len(first.others)} module{'' if len(first.others) == 1 else 's'}"
    where = f"first {first.module}, which {'is used by' if first.direction == 'used by' else 'uses'} {other}"
    return f"breaking {count} edges of {candidate.name}: {where} ({first.places[0]})"
