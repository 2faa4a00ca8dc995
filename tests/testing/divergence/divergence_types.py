"""The types of the divergence tests: one of every kind that can cross."""

from __future__ import annotations

import dataclasses
import enum
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal, NamedTuple, NewType, TypedDict
from uuid import UUID

import pydantic

from calve import UNSET, DomainError, Message, Meta, Unset


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Kind(enum.StrEnum):
    NEW = "new"


class Card(Message, tag=True):
    number: str


class Cash(Message, tag=True):
    cents: int


class Wire(Message, tag="transfer"):
    iban: str


Payment = Card | Cash | Wire


class Profile(Message):
    name: str
    nick: str | None = None
    phone: str | Unset = UNSET
    email: str | Unset | None = UNSET


class Node(Message):
    value: int
    children: tuple[Node, ...] = ()


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.0


@dataclasses.dataclass(frozen=True)
class Line:
    start: Point
    tags: list[str] = dataclasses.field(default_factory=list)


class Size(TypedDict):
    width: int
    height: int


class PartialSize(TypedDict, total=False):
    width: int


class Pair(NamedTuple):
    left: int
    right: str


class Address(pydantic.BaseModel):
    street: str = pydantic.Field(alias="streetName", min_length=2)
    since: date | None = None


UserId = NewType("UserId", int)
Choice = Literal["a", 1] | None


class Everything(Message):
    """Containers in containers."""

    table: dict[UUID, list[Payment]]
    matrix: tuple[tuple[int, ...], ...]
    maybe: dict[str, Profile | None]
    points: list[Line]
    home: Address
    prices: dict[str, Decimal]
    times: tuple[datetime, timedelta | None]


class Declared(DomainError):
    """Declared by the contract."""

    status = 409
    text: str
    number: int = 0
    rows: tuple[int, ...] = ()
    when: datetime | None = None


class AlsoDeclared(DomainError):
    status = 404


class Undeclared(DomainError):
    """Not in raises=[...]."""

    text: str = "secret"


Text = Annotated[str, Meta(max_length=5, pattern="^[a-z]*$")]
