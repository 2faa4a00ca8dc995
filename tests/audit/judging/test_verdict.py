"""Verdicts: a table of situations, and what holds for all of them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calve.audit.base import Place
from calve.audit.findings import Findings
from calve.audit.judging.answers import QUESTIONS, Answers
from calve.audit.judging.detection import Sign
from calve.audit.judging.verdict import STRENGTH, Case, Outcome, Verdict, judge
from calve.audit.pricing.bill import Bill, Item, Saga
from calve.audit.pricing.order import Candidate
from calve.audit.structure.freeing import Hinge

PLACE = Place("a.py", 1)
NEEDY = Answers(
    team_size=40,
    teams=4,
    teams_wait=False,
    early_product=False,
    scale_apart=["search"],
    strict_acid=[],
    lead_time_days=3,
    deploys_a_week=20,
    change_fail_percent=0,
    restore_hours=0,
    on_call=True,
    monitoring=True,
    rapid_provisioning=True,
)
"""Everything was answered, and everything speaks for services."""


def candidate(name: str, crossing: int, torn: int = 0, unsure: int = 0, edges: int = 100, tables: int = 1) -> Candidate:
    """A candidate of one unit."""
    sagas = [Saga(PLACE, "f", n < torn, [Item(PLACE, "writes")], [name, "app"], 0) for n in range(torn + unsure)]
    bill = Bill({}, [], [], [], [], [], [], {}, sagas, [], [], [], [], [], crossing, edges)
    hinge = Hinge("app.search.index", "used by", ["app.a", "app.b"], [], [PLACE, PLACE], 1, edges)
    hinges = [hinge] if crossing > 0.4 * edges else []
    return Candidate(name, [name], 5000, bill, (1, 2), bill, (1, 2), hinges, tables)


CLEAN = candidate("app.search", 20)
ENTANGLED = candidate("app.orders", 70)


def case(answers: Answers = NEEDY, *candidates: Candidate, **change: Any) -> Case:
    """A large project, ready to be divided."""
    found = list(candidates) or [CLEAN, ENTANGLED]
    usual: dict[str, Any] = {
        "signs": [Sign(str(n), True, "x") for n in range(5)],
        "code_lines": 100_000,
        "units": ["app.search", "app.orders", "app.core", "app.web"],
        "parsed": 1.0,
        "regular_authors": 30,
    }
    return Case(answers=answers, candidates=found, **{**usual, **change})


def said(**change: Any) -> Answers:
    """The same answers but for some."""
    return msgspec.structs.replace(NEEDY, **change)


NO_PAIN = said(scale_apart=[])

SITUATIONS: dict[str, tuple[Case, str]] = {
    "a need, a separable part and a ready team": (case(), "Extract app.search, and nothing else for now."),
    "nobody was asked": (case(Answers()), "Do not split: no need for it has been shown."),
    "nothing hurts": (case(NO_PAIN, regular_authors=5), "Do not split: there is no need for it."),
    "teams wait for each other": (
        case(said(scale_apart=None, teams_wait=True)),
        "Extract app.search, and nothing else for now.",
    ),
    "two weak reasons": (
        case(said(scale_apart=[], lead_time_days=30)),
        "Modularise in place: there is some need, but none that only services meet.",
    ),
    "only many authors": (case(said(scale_apart=[], teams=1)), "Do not split: there is no need for it."),
    # When not to use microservices
    "a simple application": (
        case(code_lines=9000),
        "Do not split: a simple application: 9000 lines of code.",
    ),
    "a small team": (case(said(team_size=4)), "Do not split: a small team: 4 people."),
    "strict ACID": (
        case(said(strict_acid=["search"])),
        "Do not split: app.search must stay in one transaction with the rest.",
    ),
    "strict ACID everywhere": (
        case(said(strict_acid=["*"])),
        "Do not split: app.search must stay in one transaction with the rest.",
    ),
    "strict ACID with another part": (
        case(said(strict_acid=["search", "orders"])),
        "Do not split: app.search must stay in one transaction with orders.",
    ),
    "strict ACID elsewhere": (
        case(said(strict_acid=["orders", "core"])),
        "Extract app.search, and nothing else for now.",
    ),
    "an early product": (
        case(said(early_product=True)),
        "Do not split: an early product: its boundaries are not known yet.",
    ),
    "one package": (
        case(NEEDY, units=["app"]),
        "Do not split: all code is one unit: there is nothing to divide along.",
    ),
    # What is not known
    "the size of the team is not known": (
        case(said(team_size=None)),
        "Do not split: whether services fit is not known "
        "(the size of the team is not known; 30 people commit regularly).",
    ),
    "what must be ACID is not known": (
        case(said(strict_acid=None)),
        "Do not split: whether services fit is not known (what must stay in one transaction is not known).",
    ),
    "ACID for a part that is none": (
        case(said(strict_acid=["billing"])),
        "Do not split: whether services fit is not known ('billing' must stay in one transaction, but is no unit here; "
        "known: app.core, app.orders, app.search, app.web).",
    ),
    "a need for a part that is none": (
        case(said(scale_apart=["billing"], teams=1), regular_authors=1),
        "Do not split: no need for it has been shown.",
    ),
    "too little was read": (
        case(parsed=0.5),
        "Too little is known to say anything: 50% of the files were read, 4 units found.",
    ),
    # Parts that are not separable
    "the part in need is entangled": (
        case(said(scale_apart=["orders"])),
        "Modularise in place: app.orders is not separable yet.",
    ),
    "the part in need is a kernel": (
        case(said(scale_apart=["core"])),
        "Modularise in place: app.core is not known to be separable.",
    ),
    "half of the edges cross": (
        case(NEEDY, candidate("app.search", 50)),
        "Modularise in place: app.search is not separable yet.",
    ),
    "a transaction writes on both sides": (
        case(NEEDY, candidate("app.search", 10, torn=1)),
        "Modularise in place: app.search is not separable yet.",
    ),
    "a transaction may write on both sides": (
        case(NEEDY, candidate("app.search", 10, unsure=1)),
        "Modularise in place: app.search is not known to be separable.",
    ),
    "too few edges to tell": (
        case(NEEDY, candidate("app.search", 1, edges=5)),
        "Modularise in place: app.search is not known to be separable.",
    ),
    # Teams that are not ready
    "nobody on call": (case(said(on_call=False)), "Modularise in place: the team is not ready to run services."),
    "deploys once in two months": (
        case(said(deploys_a_week=0.1)),
        "Modularise in place: the team is not ready to run services.",
    ),
    "every third deploy fails": (
        case(said(change_fail_percent=33)),
        "Modularise in place: the team is not ready to run services.",
    ),
    "restored next week": (
        case(said(restore_hours=100)),
        "Modularise in place: the team is not ready to run services.",
    ),
    "nobody said who is on call": (
        case(said(on_call=None)),
        "Modularise in place: the team is not known to be ready to run services.",
    ),
    "no sign of a pipeline": (
        case(signs=[]),
        "Modularise in place: the team is not known to be ready to run services.",
    ),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_situations_and_their_verdicts(situation: str) -> None:
    given_case, sentence = SITUATIONS[situation]
    assert judge(given_case).sentence == sentence


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_verdict_short_of_extraction_says_what_would_change_it(situation: str) -> None:
    verdict = judge(SITUATIONS[situation][0])
    assert (verdict.would_change == []) == (verdict.outcome == "extract one")


def test_the_edges_that_would_free_the_part_are_named() -> None:
    verdict = judge(case(said(scale_apart=["orders"])))
    assert verdict.would_change == [
        "breaking 50 edges of app.orders: first app.search.index, which is used by 2 modules (a.py:1)"
    ]
    assert judge(case(NEEDY, candidate("app.search", 10, unsure=1))).would_change == [
        "seeing what the transactions around app.search write: `calve audit trace -- pytest`"
    ]


def test_a_part_without_tables_is_meant_only_where_no_part_has_any() -> None:
    library = candidate("app.settings", 10, tables=0)
    waiting = said(scale_apart=None, teams_wait=True)
    assert judge(case(waiting, library, ENTANGLED)).candidate == "app.orders"
    assert judge(case(waiting, library, candidate("app.orders", 70, tables=0))).candidate == "app.settings"
    assert judge(
        case(said(scale_apart=["settings"]), library, ENTANGLED, units=["app.settings", "app.orders"])
    ).candidate == ("app.settings"), "whoever asks for it gets it"


def test_a_small_shop_is_not_split(django: Findings) -> None:
    assert django.verdict.outcome == "do not split"
    assert "simple application" in django.verdict.unfit[0]


# What holds for all -------------------------------------------------------------------------------------------------

ANY_SPEED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
PARTS = st.lists(st.sampled_from(["search", "orders", "core", "nowhere", "*"]), max_size=3)
ANSWERS = st.builds(
    Answers,
    deploys_a_week=st.none() | st.sampled_from([0.0, 1.0, 9.0]),
    lead_time_days=st.none() | st.sampled_from([0.0, 7.0, 30.0]),
    change_fail_percent=st.none() | st.sampled_from([0.0, 15.0, 60.0]),
    restore_hours=st.none() | st.sampled_from([0.0, 24.0, 90.0]),
    on_call=st.none() | st.booleans(),
    team_size=st.none() | st.sampled_from([1, 10, 400]),
    teams=st.none() | st.sampled_from([1, 2, 30]),
    teams_wait=st.none() | st.booleans(),
    scale_apart=st.none() | PARTS,
    strict_acid=st.none() | PARTS,
    early_product=st.none() | st.booleans(),
    monitoring=st.none() | st.booleans(),
    rapid_provisioning=st.none() | st.booleans(),
)
NEARLY = st.builds(
    lambda part, names: msgspec.structs.replace(NEEDY, **{name: getattr(part, name) for name in names}),
    ANSWERS,
    st.sets(st.sampled_from([q.name for q in QUESTIONS]), max_size=3),
)
"""Answers that lack little, since most random ones end the same way."""
CANDIDATES = st.lists(
    st.builds(
        candidate,
        st.sampled_from(["app.search", "app.orders", "app.web"]),
        st.integers(0, 100),
        st.integers(0, 1),
        st.integers(0, 1),
        st.sampled_from([10, 100]),
    ),
    max_size=3,
    unique_by=lambda found: found.name,
)
CASES = st.builds(
    lambda answers, found, **change: msgspec.structs.replace(case(answers), candidates=found, **change),
    ANSWERS | NEARLY,
    CANDIDATES | st.just([CLEAN, ENTANGLED]),
    code_lines=st.sampled_from([100, 100_000]),
    parsed=st.sampled_from([0.5, 1.0]),
    regular_authors=st.none() | st.sampled_from([0, 30]),
    signs=st.lists(st.builds(Sign, st.just("s"), st.booleans(), st.just("")), max_size=6),
)


def _strength(verdict: Verdict) -> int:
    return STRENGTH.index(verdict.outcome)


@ANY_SPEED
@given(CASES, st.sampled_from(QUESTIONS))
def test_forgetting_an_answer_never_makes_a_verdict_stronger(one: Case, question: Any) -> None:
    forgotten = msgspec.structs.replace(one, answers=msgspec.structs.replace(one.answers, **{question.name: None}))
    assert _strength(judge(forgotten)) <= _strength(judge(one))


@ANY_SPEED
@given(CASES)
def test_nothing_is_extracted_unless_everything_it_takes_is_known(one: Case) -> None:
    if judge(one).outcome == "extract one":
        a = one.answers
        needed = (a.team_size, a.early_product, a.strict_acid, a.on_call, a.monitoring, a.rapid_provisioning)
        assert None not in (*needed, a.deploys_a_week, a.change_fail_percent, a.restore_hours)


@ANY_SPEED
@given(CASES, st.sampled_from(["search", "orders", "core", "nowhere"]), st.integers(1, 50))
def test_one_more_need_never_makes_a_verdict_weaker(one: Case, part: str, more: int) -> None:
    before, a = _strength(judge(one)), one.answers
    for change in (
        {"scale_apart": [*(a.scale_apart or []), part]},
        {"teams_wait": True},
        {"teams": (a.teams or 1) + more},
        {"lead_time_days": (a.lead_time_days or 0.0) + more},
    ):
        needier = msgspec.structs.replace(one, answers=msgspec.structs.replace(a, **change))
        assert _strength(judge(needier)) >= before
    assert _strength(judge(msgspec.structs.replace(one, regular_authors=(one.regular_authors or 0) + more))) >= before


@ANY_SPEED
@given(CASES)
def test_losing_a_sign_or_an_unread_file_never_makes_a_verdict_stronger(one: Case) -> None:
    now = _strength(judge(one))
    assert _strength(judge(msgspec.structs.replace(one, signs=one.signs[1:]))) <= now
    assert _strength(judge(msgspec.structs.replace(one, parsed=one.parsed / 2))) <= now
    assert _strength(judge(msgspec.structs.replace(one, code_lines=one.code_lines // 10))) <= now


@ANY_SPEED
@given(CASES)
def test_more_edges_across_the_boundary_never_make_a_verdict_stronger(one: Case) -> None:
    def worse(found: Candidate) -> Candidate:
        return candidate(found.name, found.bill.crossing + 1, found.bill.sagas_low, 0, found.bill.all_edges + 1)

    plain = [candidate(c.name, c.bill.crossing, c.bill.sagas_low, 0, c.bill.all_edges) for c in one.candidates]
    if any(c.bill.all_edges == 10 for c in plain):
        return  # there, one more edge may make it enough to tell
    now = _strength(judge(msgspec.structs.replace(one, candidates=plain)))
    assert _strength(judge(msgspec.structs.replace(one, candidates=[worse(c) for c in plain]))) <= now


def test_outcomes_are_ordered() -> None:
    assert set(STRENGTH) == set(Outcome.__args__)  # type: ignore[attr-defined]
