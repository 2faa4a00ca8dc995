"""A contract with every kind of thing that a contract may hold, and names that other languages keep for themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, Protocol
from uuid import UUID

import msgspec

from calve import UNSET, Contract, DomainError, Event, Message, Meta, Unset, command, query


class Color(Enum):
    """What it looks like.

    In two paragraphs; */ ends no comment, and \"\"\" no docstring.
    """

    RED = "red"
    DARK_RED = "dark red"


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


class Open(Enum):
    A = "a"

    @classmethod
    def _missing_(cls, value: object) -> Open:
        return cls.A


class Card(Message, tag=True):
    number: Annotated[str, Meta(description="As printed.")]


class Cash(Message, tag="cash"):
    cents: int


class Point(Message, array_like=True):
    x: float
    y: float = 0.5


class Result(Message, rename={"class_": "class", "from_": "from-where"}):
    """Has a name that a client has, too."""

    class_: str
    from_: str | None = None


class Node(Message):
    name: str
    children: tuple[Node, ...] = ()
    parent: Node | None = None


class Scalars(Message):
    i: int
    f: float
    b: bool
    s: str
    y: bytes
    u: UUID
    d: date
    t: time
    at: datetime
    local: Annotated[datetime, Meta(tz=False)]
    span: timedelta
    money: Decimal
    anything: Any
    color: Color
    size: Size
    open: Open
    word: Literal["a", "b"]
    digit: Literal[1, 2]


class Shapes(Message):
    pay: Card | Cash
    text_or_number: str | int | None
    pays: tuple[Card | Cash, ...]
    matrix: tuple[tuple[float, ...], ...]
    by_name: dict[str, Point]
    by_number: dict[int, tuple[str, ...]]
    unique: frozenset[Color]
    pair: tuple[int, str]
    gaps: tuple[int | None, ...]
    list_or_nothing: tuple[int, ...] | None
    node: Node
    result: Result
    nick: str | Unset = UNSET
    color: Color = Color.RED
    tags: tuple[str, ...] = ()
    limit: int = 20
    span: timedelta = timedelta(minutes=5)
    id: UUID = msgspec.field(default_factory=lambda: UUID(int=1))


class Moved(Event):
    """It is somewhere else now."""

    where: Point
    pay: Card | Cash


class NotThere(DomainError):
    """There is no such thing."""

    status = 404
    name: str


class Result2(DomainError):
    """Refused."""

    status = 409
    shapes: tuple[int, ...] = ()


class Everything(Contract, Protocol, version="2.5", publishes=[Moved]):
    """Has everything.

    Twice.
    """

    @command(http="POST /scalars", raises=[NotThere, Result2], status=201)
    async def scalars(self, scalars: Scalars) -> Scalars:
        """Give them back."""
        ...

    @command(http="PUT /shapes/{name}")
    async def shapes(self, name: str, shapes: Shapes, when: datetime | None = None) -> Shapes: ...

    @query(http="GET /things/{import_}", raises=[NotThere])
    async def node(
        self, import_: str, deep: bool = False, colors: tuple[Color, ...] = (), *, size: int = 3
    ) -> Node: ...

    @command(http="DELETE /things/{name}", raises=[NotThere])
    async def delete(self, name: str) -> None: ...

    @query(http="GET /points/{upto}")
    def points(self, upto: int) -> AsyncIterator[Point]: ...

    @query(http="GET /prices")
    async def prices(self) -> dict[str, Decimal]: ...

    @query()
    async def hidden(self, ids: frozenset[UUID]) -> Annotated[int, Meta(ge=0)] | None: ...
