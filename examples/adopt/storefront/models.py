"""What goes in and out of the storefront."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Item(BaseModel):
    """Something for sale."""

    name: str
    cents: int = Field(gt=0)


class Purchase(BaseModel):
    """What somebody wants to buy."""

    customer: str
    item: str
    number: int = Field(1, ge=1, le=10)


class Receipt(BaseModel):
    """What it cost, and what is left."""

    paid_cents: int
    left_cents: int


class Account(BaseModel):
    """What a customer has."""

    customer: str
    cents: int
