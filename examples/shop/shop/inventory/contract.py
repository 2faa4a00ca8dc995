"""What the inventory promises: nothing is promised twice."""

from __future__ import annotations

from typing import Annotated, Protocol
from uuid import UUID

from calve import Contract, DomainError, Message, Meta, command, query

from ..catalog.contract import Sku

Quantity = Annotated[int, Meta(ge=1, le=10_000)]


class Item(Message):
    """So many of one product."""

    sku: Sku
    quantity: Quantity


Items = Annotated[tuple[Item, ...], Meta(min_length=1, max_length=100)]


class StockLevel(Message):
    """How much there is of one product."""

    sku: Sku
    available: Annotated[int, Meta(ge=0)]
    """May still be reserved."""
    reserved: Annotated[int, Meta(ge=0)]
    """Set aside for orders."""


class OutOfStock(DomainError):
    """There is not enough of a product in stock."""

    status = 409
    sku: str
    available: int


class Inventory(Contract, Protocol, version="1.0"):
    """What is in stock and what is set aside for orders."""

    @query(http="GET /stock/{sku}")
    async def level(self, sku: Sku) -> StockLevel:
        """How much there is; nothing, for a product that was never delivered."""
        ...

    @command(http="POST /stock/{sku}/deliveries")
    async def restock(self, sku: Sku, quantity: Quantity, delivery: UUID) -> StockLevel:
        """Take in a delivery. The same delivery counts once per product, however often it is reported."""
        ...

    @command(raises=[OutOfStock])
    async def reserve(self, order: UUID, items: Items) -> None:
        """Set all items aside for the order, or none of them. An order that has its reservation keeps it unchanged."""
        ...

    @command()
    async def release(self, order: UUID) -> None:
        """Put back what is set aside for the order; nothing if there is no such reservation."""
        ...

    @command()
    async def dispatch(self, order: UUID) -> None:
        """What is set aside for the order has left the house; nothing if there is no such reservation."""
        ...
