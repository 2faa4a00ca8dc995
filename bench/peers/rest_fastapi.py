"""The usual way: FastAPI with pydantic models."""

from __future__ import annotations

from uuid import UUID

from fastapi import FastAPI
from pydantic import BaseModel

from ..messages import PATH

app = FastAPI()


class Item(BaseModel):
    """A line of the order."""

    sku: str
    quantity: int
    cents: int


class Debit(BaseModel):
    """The body."""

    order_id: UUID
    amount_cents: int
    items: list[Item]


class Answer(BaseModel):
    """What comes back."""

    ok: bool
    balance: int


@app.post(PATH)
async def debit(order: Debit) -> Answer:
    """Take money."""
    return Answer(ok=True, balance=order.amount_cents)
