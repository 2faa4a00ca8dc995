"""What counts as the same meaning."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from calve import UNSET, Message, Unset
from calve.testing.contracts.meaning import differences


class Old(Message):
    a: int
    b: str | Unset = UNSET


class New(Message):
    a: int
    c: int = 0


@dataclasses.dataclass
class Data:
    a: int


class Pair(NamedTuple):
    a: int


class Low(IntEnum):
    A = 1
    B = 2


class Swapped(IntEnum):
    A = 2
    B = 1


class Renamed(IntEnum):
    X = 1


class Text(Enum):
    A = "a"


KEY = UUID(int=5)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (Old(a=1), New(a=1)),
        (Old(a=1), Data(1)),
        (Pair(1), Old(a=1)),
        ({"a": 1}, Old(a=1)),
        (1, 1.0),
        (0.1, Decimal("0.1")),
        (KEY, str(KEY)),
        (Low.A, Renamed.X),
        (Text.A, "a"),
        ([1, 2], (1, 2)),
        ([1, 2], {1, 2}),
        ({"k": Old(a=1)}, {"k": New(a=1)}),
        ({1: 2}, {1: 2}),
        ({}, {}),
        (None, None),
    ],
)
def test_the_same(written: Any, read: Any) -> None:
    assert list(differences(written, read, lossy=False)) == []


@pytest.mark.parametrize(
    ("written", "read", "said"),
    [
        (Old(a=1), New(a=2), "$.a: 1 was read as 2"),
        (Old(a=1, b="x"), New(a=1), "$.b was lost"),
        (Low.A, Swapped.B, "$: <Low.A: 1> was read as <Swapped.B: 1>"),
        ([1, 1], {1}, "$ repeats an item, and was read without"),
        ([1], [1, 2], "$ has 1 items and was read as 2"),
        ({1}, {1, 2}, "$ has 1 items and was read as 2"),
        ({1: 1}, {1: 1, 2: 2}, "$ has 1 members and was read as 2"),
        ([Old(a=1)], [New(a=2)], "$[0].a: 1 was read as 2"),
        (2**53 + 1, float(2**53), f"$: {2**53 + 1} was read as {float(2**53)!r}"),
        ("", None, "$: '' was read as None"),
    ],
)
def test_not_the_same(written: Any, read: Any, said: str) -> None:
    assert list(differences(written, read, lossy=False)) == [said]


def test_what_the_reader_has_not_may_be_lost() -> None:
    assert list(differences(Old(a=1, b="x"), New(a=1), lossy=True)) == []
