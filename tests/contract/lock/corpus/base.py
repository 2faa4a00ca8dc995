"""The contract that is edited, and what an edit is."""

from __future__ import annotations

from typing import Literal, NamedTuple

BASE = '''
from collections.abc import AsyncIterator
from datetime import datetime, date
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Literal, Protocol
from uuid import UUID
from calve import UNSET, Contract, DomainError, Event, Message, Meta, Unset, command, query

class Color(Enum):
    RED = "red"
    GREEN = "green"

class Level(IntEnum):
    LOW = 1
    HIGH = 2

class Card(Message, tag=True):
    number: str

class Cash(Message, tag=True):
    cents: int

class Item(Message):
    sku: Annotated[str, Meta(max_length=40)]
    count: Annotated[int, Meta(ge=1, le=100)] = 1
    note: str | None = None
    code: Annotated[str, Meta(pattern="^[a-z]+$")] = "x"

class Receipt(Message):
    id: UUID
    total: Annotated[int, Meta(ge=0, le=1000)]
    color: Color
    paid_by: Card | Cash
    owner: str | None
    at: datetime
    nick: str | Unset = UNSET
    tags: tuple[str, ...] = ()

class Sparse(Message, omit_defaults=True):
    size: int = 1

class Point(Message, array_like=True):
    x: int
    y: int = 0

class Exact(Message, forbid_unknown_fields=True):
    a: int = 0

class Paid(Event):
    order: UUID
    cents: int
    currency: str = "EUR"

class Shipped(Event):
    order: UUID

class OutOfStock(DomainError):
    """There is not enough."""
    status = 409
    sku: str
    left: int = 0

class NotFound(DomainError):
    """There is no such thing."""
    status = 404

class Till(Contract, Protocol, version="1.0", publishes=[Paid, Shipped]):
    @command(http="POST /orders", raises=[OutOfStock])
    async def buy(self, item: Item) -> Receipt: ...

    @command(http="POST /orders/{order}/payments", role="cashier")
    async def pay(self, order: UUID, cents: Annotated[int, Meta(ge=0)], method: Card | Cash, memo: str = "") -> None:
        ...

    @query(http="GET /orders/{order}", raises=[NotFound])
    async def order(self, order: UUID) -> Receipt: ...

    @query(http="GET /orders")
    async def find(self, color: Color | None = None, limit: int = 20, *, exact: bool = False) -> tuple[Receipt, ...]:
        ...

    @query()
    async def sizes(self, sizes: list[int], weights: tuple[float, float], exact: Exact) -> dict[str, Sparse]: ...

    @query()
    def watch(self, order: UUID, unit: Literal["cm", "in"]) -> AsyncIterator[Point]: ...

    @query(timeout_seconds=5)
    async def price(self, level: Level, first: int, second: int) -> Decimal: ...
'''


class Edit(NamedTuple):
    """One edit."""

    title: str
    before: str
    """Comes once in BASE."""
    after: str
    verdict: Literal["breaking", "minor", "patch"]
    rules: tuple[str, ...] = ()
    """Rules of the breaking findings, or of the minor ones when none breaks."""
    numbers: dict[str, dict[str, int]] = {}  # noqa: RUF012 - never changed
    """Protobuf numbers that the new lock has, for what only shows there."""
