"""A service with one operation for each thing that the REST edge does, and clients of an edge that serves it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Protocol
from uuid import UUID

import msgspec
import pytest

from calve.contract import Contract, DomainError, Message, command, query
from calve.core.context import Principal, current_call
from calve.core.errors import Unauthenticated
from calve.testing import VirtualLoop, endpoints_of
from calve.testing.asgi import AsgiClient
from calve.transport.rest import Authenticator, Headers, RestEdge, RestOptions

MINUTE = 60.0


class Balance(Message):
    """What is in a wallet."""

    owner: UUID
    cents: int
    version: int


class Line(Message):
    """A part of an order."""

    sku: str
    quantity: Annotated[int, msgspec.Meta(ge=1, le=1000)]


class Order(Message):
    """What somebody wants."""

    lines: tuple[Line, ...]
    note: str | None = None
    due: datetime | None = None
    extra: Any = None


class InsufficientFunds(DomainError):
    """There is not enough money in the wallet."""

    status = 409
    missing_cents: int


class Wallet(Contract, Protocol, version="1.0"):
    """Money held for a customer."""

    @command(http="POST /wallets/{owner}/debits", raises=[InsufficientFunds])
    async def debit(self, owner: UUID, cents: int) -> Balance:
        """Take money out of a wallet.

        There must be enough in it.
        """
        ...

    @query(http="GET /wallets/{owner}")
    async def balance(self, owner: UUID) -> Balance: ...

    @command(http="PATCH /wallets/{owner}")
    async def rename(self, owner: UUID, name: str = "anonymous", tags: tuple[str, ...] = ()) -> str: ...

    @command(http="DELETE /wallets/{owner}")
    async def close(self, owner: UUID, force: bool = False) -> None: ...

    @command(http="POST /orders")
    async def place(self, order: Order) -> Order: ...

    @command(http="POST /ping", status=202)
    async def ping(self) -> None: ...

    @query(http="GET /search")
    async def search(
        self,
        text: str,
        limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10,
        ids: tuple[int, ...] = (),
        exact: bool | None = None,
        since: datetime | None = None,
        price: Decimal | None = None,
    ) -> dict[str, Any]: ...

    @query(http="GET /context")
    async def context(self) -> dict[str, Any]: ...

    @query(http="GET /secret", role="wallet:admin")
    async def secret(self) -> str: ...

    @query(http="GET /fail")
    async def fail(self) -> str: ...

    @query(http="GET /wrong")
    async def wrong(self) -> Balance: ...

    @query(http="GET /wait", timeout_seconds=10 * MINUTE)
    async def wait(self) -> str: ...

    @command(http="POST /work", timeout_seconds=10 * MINUTE)
    async def work(self, note: str) -> str: ...

    @query(http="GET /names/{name}")
    async def name(self, name: str) -> str: ...

    @query(http="GET /wallets/{owner}/history", raises=[InsufficientFunds])
    def history(self, owner: UUID, items: int = 3, fail_at: int = -1) -> AsyncIterator[Balance]: ...

    @query(http="GET /odd")
    def odd(self) -> AsyncIterator[int]: ...

    @query(http="GET /quiet")
    def quiet(self) -> AsyncIterator[int]: ...


class WalletService(Wallet):
    """Keeps nothing; says what happened to it."""

    def __init__(self) -> None:
        self.running = asyncio.Event()
        self.go_on = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.closed = asyncio.Event()
        self.note = ""

    async def debit(self, owner: UUID, cents: int) -> Balance:
        if cents > 100:
            raise InsufficientFunds(missing_cents=cents - 100)
        return Balance(owner=owner, cents=100 - cents, version=2)

    async def balance(self, owner: UUID) -> Balance:
        return Balance(owner=owner, cents=100, version=7)

    async def rename(self, owner: UUID, name: str = "anonymous", tags: tuple[str, ...] = ()) -> str:
        return f"{name} {','.join(tags)}"

    async def close(self, owner: UUID, force: bool = False) -> None:
        self.note = f"closed, force={force}"

    async def place(self, order: Order) -> Order:
        return order

    async def ping(self) -> None:
        self.note = "pinged"

    async def search(
        self,
        text: str,
        limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10,
        ids: tuple[int, ...] = (),
        exact: bool | None = None,
        since: datetime | None = None,
        price: Decimal | None = None,
    ) -> dict[str, Any]:
        return {"text": text, "limit": limit, "ids": ids, "exact": exact, "since": since, "price": price}

    async def context(self) -> dict[str, Any]:
        call = current_call()
        assert call is not None
        trace = call.given_trace
        return {
            "deadline": call.deadline,
            "key": call.given_key,
            "principal": call.principal.subject if call.principal else None,
            "trace": trace.traceparent() if trace else None,
            "state": trace.state if trace else None,
        }

    async def secret(self) -> str:
        return "42"

    async def fail(self) -> str:
        raise RuntimeError("password=hunter2")

    async def wrong(self) -> Balance:
        return {"cents": "a lot", "password": "hunter2"}  # type: ignore[return-value]

    async def wait(self) -> str:
        self.running.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return "done"

    async def work(self, note: str) -> str:
        return note + await self.wait()

    async def name(self, name: str) -> str:
        return name

    async def history(self, owner: UUID, items: int = 3, fail_at: int = -1) -> AsyncIterator[Balance]:
        for number in range(items):
            if number == fail_at:
                raise InsufficientFunds(missing_cents=number)
            yield Balance(owner=owner, cents=number, version=number)

    async def odd(self) -> AsyncIterator[int]:
        try:
            yield 1
            yield "hunter2"  # type: ignore[misc]
        finally:
            self.closed.set()

    async def quiet(self) -> AsyncIterator[int]:
        try:
            self.running.set()
            await self.go_on.wait()
            yield 1
            await asyncio.Event().wait()
        except (asyncio.CancelledError, GeneratorExit):
            self.closed.set()
            raise


async def authenticate(headers: Headers) -> Principal | None:
    """`Bearer <role>`: whoever names a role has it."""
    scheme, _, role = headers.get("authorization", "").partition(" ")
    if scheme and role in ("", "expired"):
        raise Unauthenticated("the token has expired")
    return Principal("ann", frozenset({role})) if role else None


class Bank:
    """The service behind an edge. Edges are made inside the loop that serves them, be its time real or virtual."""

    def __init__(self) -> None:
        self.service = WalletService()

    def edge(self, authenticate: Authenticator = authenticate, **options: Any) -> RestEdge:
        """An edge with other limits than usual."""
        loop = asyncio.get_running_loop()
        return RestEdge(
            endpoints_of(Wallet, self.service).values(),
            title="Bank",
            version="1.2",
            options=RestOptions(**options),
            authenticate=authenticate,
            clock=loop.clock if isinstance(loop, VirtualLoop) else None,
        )

    def client(self, **options: Any) -> AsgiClient:
        """A client of such an edge."""
        return AsgiClient(self.edge(**options))


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest.fixture
async def client(bank: Bank) -> AsgiClient:
    return bank.client()
