"""Messages and events: frozen, keyword-only, and still plain Structs."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

import msgspec
import pytest

from calve import Event, Message
from calve.core.codec import Codec
from calve.core.errors import InvalidArgument

T = TypeVar("T")


class Balance(Message):
    owner: str
    cents: Annotated[int, msgspec.Meta(ge=0)] = 0


class Savings(Balance):
    rate: float


class WalletDebited(Event):
    cents: int


class Page(Message, Generic[T]):
    items: tuple[T, ...]
    next: str | None = None


class Card(Message, tag=True):
    number: str


class Cash(Message, tag="cash", rename="camel"):
    cents_given: int


class Draft(Message, frozen=False):  # type: ignore[misc]
    text: str


class Point(Message, kw_only=False):
    x: int
    y: int


@pytest.mark.parametrize("thing", [Balance(owner="a"), WalletDebited(cents=1)], ids=repr)
def test_they_cannot_be_changed(thing: msgspec.Struct) -> None:
    with pytest.raises(AttributeError):
        thing.cents = 5  # type: ignore[attr-defined]


def test_fields_are_given_by_name() -> None:
    with pytest.raises(TypeError):
        Balance("a")  # type: ignore[call-arg]


def test_equal_fields_are_equal_and_hash_alike() -> None:
    assert Balance(owner="a") == Balance(owner="a", cents=0)
    assert len({Balance(owner="a"), Balance(owner="a", cents=0)}) == 1


def test_a_class_may_say_otherwise() -> None:
    draft = Draft(text="a")
    draft.text = "b"
    assert draft.text == "b"
    assert Point(1, 2) == Point(1, y=2)


def test_they_can_be_extended_with_required_fields_after_defaults() -> None:
    assert Savings(owner="a", rate=0.5).cents == 0


def test_they_can_be_generic() -> None:
    codec = Codec(Page[Balance])
    page = Page(items=(Balance(owner="a"),))
    assert codec.copy(page) == page
    with pytest.raises(InvalidArgument, match=r"items\[0\]"):
        codec.convert({"items": [1]})


def test_they_can_be_told_apart_by_a_tag() -> None:
    codec = Codec(tuple[Card | Cash, ...])
    both = (Card(number="1"), Cash(cents_given=2))
    assert codec.copy(both) == both
    assert codec.encode_json(both) == b'[{"type":"Card","number":"1"},{"type":"cash","centsGiven":2}]'


def test_constraints_are_checked_on_arrival_not_when_made() -> None:
    broken = Balance(owner="a", cents=-1)
    with pytest.raises(InvalidArgument, match=r">= 0 at \$\.cents"):
        Codec(Balance).copy(broken)
