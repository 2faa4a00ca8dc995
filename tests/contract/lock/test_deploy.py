"""Whether a unit fits: callers of before, callees as they are live, and those whom nobody knows by name."""

from __future__ import annotations

import msgspec
import pytest

from calve.contract.lock import Description
from calve.contract.lock.deploy import Fit, fits
from calve.contract.lock.snapshot import UnitContracts

from .conftest import Described
from .corpus import Edit
from .corpus.events import ERRORS_AND_EVENTS
from .corpus.messages import MESSAGES
from .corpus.operations import OPERATIONS
from .corpus.parameters import PARAMETERS

EDITS = {edit.title: edit for edit in [*OPERATIONS, *PARAMETERS, *MESSAGES, *ERRORS_AND_EVENTS]}


def caller(of: Description) -> UnitContracts:
    return UnitContracts({}, {"till": of})


def offers(what: Description) -> UnitContracts:
    return UnitContracts({"till": what}, {})


def changed(described: Described, title: str) -> Description:
    edit: Edit = EDITS[title]
    return described((edit.before, edit.after))


def unfit(found: list[Fit]) -> list[tuple[str, str, str]]:
    return [(fit.side, fit.unit, finding.rule) for fit in found for finding in fit.findings]


def test_all_that_has_to_fit_is_listed(described: Described) -> None:
    base = described()
    live = {"front": caller(base), "money": offers(base), "other": UnitContracts({}, {})}
    found = list(fits("money", offers(base), live))
    assert [(f.service, f.side, f.unit, f.ours, f.theirs, f.findings) for f in found] == [
        ("till", "caller", "front", "1.0", "1.0", ()),
        ("till", "others", "money", "1.0", "1.0", ()),
    ]
    assert [(f.side, f.unit, f.findings) for f in fits("front", caller(base), live)] == [("callee", "money", ())]


def test_the_first_unit_has_nothing_to_fit(described: Described) -> None:
    assert list(fits("money", offers(described()), {})) == []


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("a parameter is narrowed", [("caller", "front", "narrowed"), ("others", "money", "narrowed")]),
        ("an operation is removed or renamed", [("caller", "front", "operation-removed")]),
        ("a path on REST changes", [("others", "money", "http-rule")]),
        ("an event is no longer published", [("others", "money", "event-removed")]),
        ("the default of a field of an event changes", [("others", "money", "default")]),
        ("parameters of one type change places", []),
        ("an operation is added", []),
        ("a timeout changes", []),
    ],
)
def test_a_service_that_changes(title: str, found: list[tuple[str, str, str]], described: Described) -> None:
    base = described()
    live = {"front": caller(base), "money": offers(base)}
    assert unfit(list(fits("money", offers(changed(described, title)), live))) == found


@pytest.mark.parametrize(
    ("title", "rules"),
    [
        ("an operation is added", ["operation-removed"]),
        ("a parameter is widened", ["narrowed"]),
        ("a required field is added to an answer", ["field-missing"]),
        ("a parameter is narrowed", []),
    ],
)
def test_a_caller_of_what_is_not_live_yet(title: str, rules: list[str], described: Described) -> None:
    live = {"money": offers(described())}
    (fit,) = fits("front", caller(changed(described, title)), live)
    assert [finding.rule for finding in fit.findings] == rules
    assert all(finding.fix == "deploy money first, with a version that has it" for finding in fit.findings)


def test_other_majors_do_not_talk(described: Described) -> None:
    base, later = described(), described(('version="1.0"', 'version="2.0"'))
    live = {"front": caller(base), "money": offers(base)}
    assert unfit(list(fits("money", offers(later), live))) == [("caller", "front", "major")]
    assert unfit(list(fits("front", caller(later), live))) == [("callee", "money", "major")]


def test_what_nobody_offers(described: Described) -> None:
    base = described()
    assert unfit(list(fits("front", caller(base), {}))) == [("callee", "", "nobody")]
    live = {"front": caller(base), "money": offers(base)}
    assert unfit(list(fits("money", UnitContracts({}, {}), live))) == [("caller", "front", "nobody")]
    moved = {**live, "new": offers(base)}
    assert unfit(list(fits("money", UnitContracts({}, {}), moved))) == []


def test_what_a_unit_has_itself_it_asks_of_nobody(described: Described) -> None:
    base = described()
    both = UnitContracts({"till": base}, {"till": base})
    older = msgspec.structs.replace(base, version="0.1")
    assert list(fits("all", both, {"money": UnitContracts({"till": older}, {"till": older})})) == []
