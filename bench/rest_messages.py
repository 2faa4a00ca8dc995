"""What every stack of the REST benchmark serves: a POST of a small order, answered with a small object."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID, uuid4

import msgspec

from calve.contract import Contract, Message, command

PATH = "/wallets/debits"


class Item(Message):
    """A line of the order."""

    sku: str
    quantity: int
    cents: int


class Debit(Message):
    """The body, for stacks that have no contract."""

    order_id: UUID
    amount_cents: int
    items: tuple[Item, ...]


class Answer(Message):
    """What comes back."""

    ok: bool
    balance: int


class Wallet(Contract, Protocol, version="1.0"):
    """The same as a contract."""

    @command(http="POST /wallets/debits")
    async def debit(self, order_id: UUID, amount_cents: int, items: tuple[Item, ...]) -> Answer: ...


ITEMS = tuple(Item(sku=f"sku-{n}", quantity=n, cents=100 * n) for n in range(1, 4))
BODY = msgspec.json.encode(Debit(order_id=uuid4(), amount_cents=500, items=ITEMS))
