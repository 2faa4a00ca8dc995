"""What an annotation is for HTTP: an object, a text, several texts."""

from __future__ import annotations

import dataclasses
import enum
import sys
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, TypedDict, TypeVar
from uuid import UUID

import msgspec
import pydantic
import pytest

from calve import Message
from calve.contract.kinds import is_message, is_textual, plain

T = TypeVar("T")


class Balance(Message):
    cents: int


class Page(Message, Generic[T]):
    items: tuple[T, ...]


@dataclasses.dataclass
class Point:
    x: int


class Size(TypedDict):
    width: int


class Model(pydantic.BaseModel):
    x: int


class Attrs:
    __attrs_attrs__ = ()


class Pair(NamedTuple):
    left: int


class Colour(enum.Enum):
    RED = "red"


UserId = NewType("UserId", int)
Nested = NewType("Nested", UserId)

MESSAGES = [Balance, Page[Balance], Page, Point, Size, Model, Attrs, Annotated[Balance, msgspec.Meta()]]
SCALARS = [
    str, int, float, bool, UUID, Decimal, date, datetime, timedelta, Colour, UserId, Nested, Any, Literal["a"],
    Annotated[int, msgspec.Meta(ge=0)], int | None, str | msgspec.UnsetType, Annotated[UserId, "x"] | None,
]  # fmt: skip
REPEATED = [list[int], tuple[UserId, ...], set[UUID], frozenset[str], tuple[int, str], list[int] | None]
NEITHER = [
    dict,
    dict[str, int],
    bytes,
    bytearray,
    memoryview,
    list,
    list[Balance],
    list[list[int]],
    Pair,
    int | Balance,
]


@pytest.mark.parametrize("kind", MESSAGES, ids=str)
def test_objects_with_named_fields_are_messages_and_no_text(kind: Any) -> None:
    assert is_message(kind)
    assert not is_textual(kind, sequences=True)


@pytest.mark.parametrize("kind", SCALARS, ids=str)
def test_scalars_are_text_anywhere(kind: Any) -> None:
    assert is_textual(kind, sequences=False)
    assert is_textual(kind, sequences=True)
    assert not is_message(kind)


@pytest.mark.parametrize("kind", REPEATED, ids=str)
def test_sequences_are_text_where_a_name_may_repeat(kind: Any) -> None:
    assert is_textual(kind, sequences=True)
    assert not is_textual(kind, sequences=False)
    assert not is_message(kind)


@pytest.mark.parametrize("kind", NEITHER, ids=str)
def test_other_things_are_neither(kind: Any) -> None:
    assert not is_textual(kind, sequences=True)
    assert not is_message(kind)


def test_the_value_of_a_type_alias_counts() -> None:
    class TypeAliasType:
        """Stands for the class of that name, which Python 3.11 does not have."""

        __value__ = Annotated[int, "constraint"]

    assert plain(TypeAliasType()) is int


@pytest.mark.skipif(
    sys.version_info < (3, 12), reason="only on Python 3.12 and newer: type aliases are a statement there"
)
def test_type_aliases_are_looked_through() -> None:
    names: dict[str, Any] = {}
    exec("type Number = int\ntype Numbers = list[Number]", names)
    assert plain(names["Number"]) is int
    assert is_textual(names["Numbers"], sequences=True)
