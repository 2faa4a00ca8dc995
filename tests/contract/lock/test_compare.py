"""Every edit of the corpus gets its verdict, and where data shows a break, samples of both versions find it, too."""

from __future__ import annotations

import msgspec
import pytest

from calve.contract.lock import Description, compare
from calve.contract.lock.model import Numbers
from calve.testing.contracts.compat import CodeSide, LockSide, misread

from .conftest import Described, MakeContract
from .corpus import BASE, CORPUS, Edit


def renumber(description: Description, numbers: dict[str, dict[str, int]]) -> Description:
    changed = {key: Numbers(used={**description.numbers[key].used, **given}) for key, given in numbers.items()}
    return msgspec.structs.replace(description, numbers={**description.numbers, **changed})


@pytest.mark.parametrize("edit", CORPUS, ids=lambda edit: edit.title)
def test_the_verdict(edit: Edit, described: Described) -> None:
    old = described()
    new = renumber(described((edit.before, edit.after), old=old), edit.numbers)
    comparison = compare(old, new)
    worst = comparison.findings[0].level if comparison.findings else "patch"
    assert worst == edit.verdict, comparison.findings
    rules = sorted(f.rule for f in comparison.findings if f.level == worst)
    if worst != "patch":
        assert rules == sorted(edit.rules), comparison.findings
    assert all(f.fix for f in comparison.breaking), "a break without advice"
    assert all(f.who and f.what and f.path for f in comparison.findings)


@pytest.mark.parametrize("edit", CORPUS, ids=lambda edit: edit.title)
def test_what_is_written_and_read_agrees_with_the_rules(
    edit: Edit, described: Described, contract: MakeContract
) -> None:
    old = described()
    new = contract(BASE.replace(edit.before, edit.after))
    misreadings = [str(m) for m in misread(LockSide(old), CodeSide(new))]
    expected = [f for f in compare(old, described((edit.before, edit.after), old=old)).breaking if f.data]
    assert bool(misreadings) == bool(expected), (misreadings[:5], expected)


def test_the_corpus_is_large_and_says_each_thing_once() -> None:
    assert len(CORPUS) >= 60
    assert len({edit.title for edit in CORPUS}) == len(CORPUS)
    assert sum(edit.verdict == "breaking" for edit in CORPUS) >= 30


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('role="cashier"', 'role="boss"', "Till.pay needed role 'cashier', needs 'boss'"),
        ("@query(timeout_seconds=5)", '@query(role="boss")', "Till.price needed no role, needs 'boss'"),
        ("max_length=40", "max_length=30", "Item.sku was str, at most 40 letters, is str, at most 30 letters"),
        ("limit: int = 20", "limit: int = 50", "Till.find(limit) its default was 20, is 50"),
        ("    LOW = 1\n    HIGH = 2", "    LOW = 2\n    HIGH = 1", "Level HIGH was 2, is 1"),
        ("second: int) ->", "second: int, third: int) ->", "Till.price(third) is new and required"),
        ("    at: datetime\n", "", "Receipt.at was removed, and readers of before need it"),
        ("-> None:", "-> int:", "Till.pay -> answer was null, is int"),
    ],
)
def test_what_is_said(before: str, after: str, said: str, described: Described) -> None:
    old = described()
    found = [f"{f.path} {f.what}" for f in compare(old, described((before, after), old=old)).breaking]
    assert said in found


def test_a_change_of_a_message_names_the_operations_that_have_it(described: Described) -> None:
    old = described()
    new = described(("le=1000", "le=2000"), old=old)
    (finding,) = compare(old, new).breaking
    assert (finding.path, finding.operations) == ("Receipt.total", ("Till.buy", "Till.find", "Till.order"))
    (narrowed,) = compare(
        old, described(("cents: Annotated[int, Meta(ge=0)]", "cents: Annotated[int, Meta(ge=1)]"), old=old)
    ).breaking
    assert (narrowed.path, narrowed.operations) == ("Till.pay(cents)", ())
