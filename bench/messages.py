"""What every stack of the REST and wire benchmarks is sent: a small order, answered with a small object.

Also sockets for the stacks of the wire that have none of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar
from uuid import UUID, uuid4

import msgspec

from calve.contract import Contract, Message, command
from calve.transport.wire import Address

P = TypeVar("P", bound=asyncio.BaseProtocol)
PATH = "/wallets/debits"


class Item(Message):
    """A line of the order."""

    sku: str
    quantity: int
    cents: int


class Debit(Message):
    """The request, for stacks that have no contract."""

    order_id: UUID
    amount_cents: int
    items: tuple[Item, ...]


class Answer(Message):
    """What comes back."""

    ok: bool
    balance: int


class Wallet(Contract, Protocol, version="1.0"):
    """The same as a contract: a command, so that every call has an idempotency key."""

    @command(http="POST /wallets/debits")
    async def debit(self, order_id: UUID, amount_cents: int, items: tuple[Item, ...]) -> Answer: ...


ITEMS = tuple(Item(sku=f"sku-{n}", quantity=n, cents=100 * n) for n in range(1, 4))
REQUEST = Debit(order_id=uuid4(), amount_cents=500, items=ITEMS)
BODY = msgspec.json.encode(REQUEST)
"""The same as the body of a POST."""
ANSWER = Answer(ok=True, balance=5)


async def listen_socket(address: str, factory: Callable[[], asyncio.Protocol]) -> tuple[asyncio.Server, str]:
    """Listen; returns the server and the address with its real port."""
    where, loop = Address.parse(address), asyncio.get_running_loop()
    if where.scheme == "unix":
        return await loop.create_unix_server(factory, where.path), address
    server = await loop.create_server(factory, where.host, where.port)
    return server, f"tcp://{where.host}:{server.sockets[0].getsockname()[1]}"


async def connect_socket(address: str, factory: Callable[[], P]) -> P:
    """Connect; returns the protocol."""
    where, loop = Address.parse(address), asyncio.get_running_loop()
    if where.scheme == "unix":
        return (await loop.create_unix_connection(factory, where.path))[1]
    return (await loop.create_connection(factory, where.host, where.port))[1]
