"""Verdicts: what is not known never counts as yes."""

from __future__ import annotations

import msgspec
import pytest

from calve.audit.base import Place
from calve.audit.findings import Findings
from calve.audit.judging.answers import Answers
from calve.audit.judging.detection import Sign
from calve.audit.judging.verdict import Case, judge
from calve.audit.pricing.bill import Bill, Item, Saga
from calve.audit.pricing.order import Candidate

READY = Answers(
    team_size=40, scale_apart=["search"], deploys_a_week=20, change_fail_percent=5, restore_hours=1, on_call=True
)


def _candidate(crossing: int = 2, sagas: int = 0) -> Candidate:
    saga = Saga(Place("a.py", 1), "f", True, [Item(Place("a.py", 1), "writes")], ["app.search", "app"])
    bill = Bill({}, [], [], [], [], [], [], {}, [saga] * sagas, [], [], [], [], [], crossing, 10)
    return Candidate("app.search", ["app.search"], 5000, bill, (1, 2), bill, (1, 2), [])


def _case(answers: Answers = READY, crossing: int = 2, sagas: int = 0, parsed: float = 1.0) -> Case:
    return Case(
        answers=answers,
        signs=[Sign(str(n), True, "x") for n in range(5)],
        candidates=[_candidate(crossing, sagas)],
        code_lines=100_000,
        units=12,
        parsed=parsed,
        regular_authors=30,
    )


def test_a_need_a_separable_part_and_a_ready_team() -> None:
    verdict = judge(_case())
    assert (verdict.outcome, verdict.sentence) == ("extract one", "Extract app.search, and nothing else for now.")


def test_what_nobody_said_never_counts_as_yes() -> None:
    verdict = judge(_case(Answers()))
    assert (verdict.outcome, verdict.need, verdict.readiness) == ("do not split", "unknown", "unknown")
    assert "team_size" in verdict.unanswered


@pytest.mark.parametrize(("crossing", "sagas"), [(7, 0), (5, 0), (1, 1)])
def test_a_part_that_is_not_separable_is_modularised_in_place(crossing: int, sagas: int) -> None:
    assert judge(_case(crossing=crossing, sagas=sagas)).outcome == "modularise in place"


def test_a_team_that_is_not_ready_modularises_in_place() -> None:
    assert judge(_case(msgspec.structs.replace(READY, on_call=False))).outcome == "modularise in place"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"team_size": 4}, "a small team"),
        ({"early_product": True}, "an early product"),
        ({"strict_acid": ["search"]}, "one transaction"),
    ],
)
def test_where_services_do_not_fit_nothing_else_counts(change: dict[str, object], why: str) -> None:
    verdict = judge(_case(msgspec.structs.replace(READY, **change)))
    assert verdict.outcome == "do not split"
    assert why in verdict.unfit[0]


def test_too_little_read_is_no_verdict() -> None:
    assert judge(_case(parsed=0.5)).outcome == "insufficient evidence"


def test_a_small_shop_is_not_split(django: Findings) -> None:
    assert django.verdict.outcome == "do not split"
    assert "simple application" in django.verdict.unfit[0]
