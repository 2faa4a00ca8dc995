"""The OpenAPI document and the edge, held against each other by Schemathesis with every check it has."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Protocol
from uuid import UUID

import msgspec
import pydantic

from calve.contract import Contract, DomainError, Message, command, query
from calve.core.context import Principal
from calve.core.errors import Unauthenticated
from calve.testing import endpoints_of
from calve.transport.rest import Headers, HttpServer, RestEdge

EXAMPLES = 10


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Card(Message, tag="card"):
    """Paid by card."""

    number: Annotated[str, msgspec.Meta(pattern="^[0-9]{4,8}$")]


class Cash(Message, tag="cash"):
    """Paid in cash."""

    given: Decimal = Decimal(0)


class Line(Message):
    """A part of an order."""

    sku: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    colour: Colour | None = None


class Order(Message):
    """Everything a message can have in it."""

    id: UUID
    lines: tuple[Line, ...]
    paid: Card | Cash
    big: int
    share: float
    at: datetime
    on: date | None = None
    takes: timedelta = timedelta(0)
    seal: bytes = b""
    labels: dict[str, int] = msgspec.field(default_factory=dict)
    pair: tuple[int, str] = (1, "a")
    kind: Literal["new", "old"] = "new"
    tags: frozenset[str] = frozenset()
    version: int = 1


class Address(pydantic.BaseModel):
    """A pydantic model; strict, because otherwise it takes more than its own schema says."""

    model_config = pydantic.ConfigDict(strict=True)

    street: str
    number: int = pydantic.Field(ge=0)


@dataclasses.dataclass
class Place:
    """A dataclass."""

    x: float
    y: float
    near: list[Address] = dataclasses.field(default_factory=list)


class NotFound(DomainError):
    """There is no such order."""

    status = 404
    id: UUID


class SoldOut(DomainError):
    """There are not that many."""

    status = 409
    left: int


class Shop(Contract, Protocol, version="1.0"):
    """Every way in and out of the edge."""

    @command(http="POST /orders", raises=[SoldOut], status=201)
    async def place(self, order: Order) -> Order: ...

    @query(http="GET /orders/{id}", raises=[NotFound])
    async def order(self, id: UUID) -> Order: ...  # noqa: A002

    @command(http="DELETE /orders/{id}", raises=[NotFound])
    async def cancel(self, id: UUID, reason: str = "") -> None: ...  # noqa: A002

    @query(http="GET /orders")
    async def search(
        self,
        colour: Colour,
        limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10,
        sizes: tuple[int, ...] = (),
        exact: bool = False,
        since: datetime | None = None,
        price: Decimal | None = None,
        takes: timedelta | None = None,
        share: float = 0.5,
    ) -> tuple[Order, ...]: ...

    @command(http="PUT /orders/{id}/lines/{number}")
    async def change(self, id: UUID, number: int, line: Line) -> Line: ...  # noqa: A002

    @command(http="PATCH /places/{name}")
    async def move(self, name: str, place: Place, address: Address | None = None, note: str = "") -> Place: ...

    @command(http="POST /secret", role="admin")
    async def secret(self, word: str) -> str: ...

    @query(http="GET /ticks")
    def ticks(self, items: Annotated[int, msgspec.Meta(ge=0, le=5)] = 3) -> AsyncIterator[int]: ...


class ShopService(Shop):
    """Keeps orders, and says back whatever else it is told."""

    def __init__(self) -> None:
        self.orders: dict[UUID, Order] = {}

    async def place(self, order: Order) -> Order:
        if len(order.lines) > 2:
            raise SoldOut(left=2)
        self.orders[order.id] = order
        return order

    async def order(self, id: UUID) -> Order:  # noqa: A002
        if id not in self.orders:
            raise NotFound(id=id)
        return self.orders[id]

    async def cancel(self, id: UUID, reason: str = "") -> None:  # noqa: A002
        if self.orders.pop(id, None) is None:
            raise NotFound(id=id)

    async def search(
        self,
        colour: Colour,
        limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10,
        sizes: tuple[int, ...] = (),
        exact: bool = False,
        since: datetime | None = None,
        price: Decimal | None = None,
        takes: timedelta | None = None,
        share: float = 0.5,
    ) -> tuple[Order, ...]:
        return tuple(self.orders.values())[:limit]

    async def change(self, id: UUID, number: int, line: Line) -> Line:  # noqa: A002
        return line

    async def move(self, name: str, place: Place, address: Address | None = None, note: str = "") -> Place:
        return place

    async def secret(self, word: str) -> str:
        return word

    async def ticks(self, items: Annotated[int, msgspec.Meta(ge=0, le=5)] = 3) -> AsyncIterator[int]:
        for number in range(items):
            yield number


async def authenticate(headers: Headers) -> Principal | None:
    if "authorization" not in headers:
        return None
    if headers["authorization"] != "Bearer good":
        raise Unauthenticated("unknown token")
    return Principal("ann", frozenset({"admin"}))


REUSED_KEYS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "422", "429"]
"""
"""It makes up few idempotency keys and gives them to different requests, which a schema cannot forbid."""


async def test_the_document_and_the_edge_agree(tmp_path: Path) -> None:
    edge = RestEdge(endpoints_of(Shop, ShopService()).values(), title="Shop", version="1", authenticate=authenticate)
    server = HttpServer(edge, host="127.0.0.1", port=0)
    await server.start()
    url = f"http://127.0.0.1:{server.port}/openapi.json"
    (tmp_path / "schemathesis.toml").write_text(REUSED_KEYS)
    options = ["--checks", "all", "-n", str(EXAMPLES), "--seed", "1"]
    options += ["--header", "Authorization: Bearer good", "--no-color", "--generation-database", "none"]
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")), "run", url, *options,
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    await server.stop(1)
    assert process.returncode == 0, out.decode()
