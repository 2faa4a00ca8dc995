"""What goes over HTTP, as pydantic models."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Amount = Annotated[int, Field(ge=1, le=10_000_000_000)]


class ProductOut(BaseModel):
    """A product."""

    model_config = ConfigDict(from_attributes=True)
    sku: str
    name: str
    description: str
    price_cents: int
    tags: list[str]


class BalanceOut(BaseModel):
    """What is in a wallet."""

    model_config = ConfigDict(from_attributes=True)
    owner: UUID
    cents: int


class MoveIn(BaseModel):
    """A deposit or a debit."""

    cents: Amount
    reference: UUID


class Item(BaseModel):
    """So many of one product."""

    sku: Annotated[str, Field(min_length=1, max_length=40)]
    quantity: Annotated[int, Field(ge=1, le=10_000)]


class ReserveIn(BaseModel):
    """What to set aside."""

    items: Annotated[list[Item], Field(min_length=1, max_length=100)]


class OrderIn(BaseModel):
    """What a customer wants."""

    id: UUID
    customer: UUID
    items: Annotated[list[Item], Field(min_length=1, max_length=50)]


class LineOut(Item):
    """One line of an order."""

    price_cents: int


class OrderOut(BaseModel):
    """An order as it stands."""

    model_config = ConfigDict(from_attributes=True)
    id: UUID
    customer: UUID
    status: str
    total_cents: int
    placed_at: datetime
    lines: list[LineOut]
