"""What orders promise: an order is placed once, whole, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import Annotated, Protocol
from uuid import UUID

from calve import Contract, DomainError, Message, Meta, command, query

from ..catalog.contract import Cents, Sku, UnknownProduct
from ..inventory.contract import Item, OutOfStock, Quantity
from ..wallet.contract import InsufficientFunds, UnknownWallet


class PlaceOrder(Message):
    """What a customer wants."""

    id: UUID
    """Chosen by the customer's side: sending the same order again never orders twice."""
    customer: UUID
    items: Annotated[tuple[Item, ...], Meta(min_length=1, max_length=50)]


class OrderStatus(Enum):
    """PENDING -> CONFIRMED -> SHIPPED, or PENDING -> REJECTED, or CONFIRMED -> CANCELLED."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing can follow."""
        return self in (OrderStatus.REJECTED, OrderStatus.SHIPPED, OrderStatus.CANCELLED)


class OrderLine(Message):
    """One product of an order, at the price of the day."""

    sku: Sku
    quantity: Quantity
    price_cents: Cents


class Order(Message):
    """An order as it stands."""

    id: UUID
    customer: UUID
    status: OrderStatus
    total_cents: int
    placed_at: datetime
    lines: tuple[OrderLine, ...]

    @property
    def items(self) -> tuple[Item, ...]:
        """The lines as they were asked for, without prices."""
        return tuple(Item(sku=line.sku, quantity=line.quantity) for line in self.lines)


class StatusChange(Message):
    """One step in the life of an order."""

    status: OrderStatus
    at: datetime


class UnknownOrder(DomainError):
    """There is no such order."""

    status = 404
    order: UUID


class OrderRejected(DomainError):
    """The order was rejected before; place it under a new id."""

    status = 409
    order: UUID


class OrderIdReused(DomainError):
    """The id stands for another order already."""

    status = 409
    order: UUID


class WrongStatus(DomainError):
    """The order is past the point where this can be done, or not there yet."""

    status = 409
    order_status: OrderStatus


class Orders(Contract, Protocol, version="1.0"):
    """Placing orders and following them."""

    @command(
        http="POST /orders",
        status=201,
        raises=[UnknownProduct, OutOfStock, UnknownWallet, InsufficientFunds, OrderRejected, OrderIdReused],
    )
    async def place(self, order: PlaceOrder) -> Order:
        """Look up prices, set the items aside and take the money; if any of it is refused, none of it has happened."""
        ...

    @command(http="POST /orders/{order}/shipment", raises=[UnknownOrder, WrongStatus])
    async def ship(self, order: UUID) -> Order:
        """The parcel has left the house."""
        ...

    @command(http="POST /orders/{order}/cancellation", raises=[UnknownOrder, WrongStatus])
    async def cancel(self, order: UUID) -> Order:
        """Give the money back and the items free, as long as nothing was shipped."""
        ...

    @query(http="GET /orders/{order}", raises=[UnknownOrder])
    async def order(self, order: UUID) -> Order:
        """One order as it stands."""
        ...

    @query(http="GET /customers/{customer}/orders")
    async def history(self, customer: UUID, limit: Annotated[int, Meta(ge=1, le=100)] = 20) -> tuple[Order, ...]:
        """A customer's latest orders, the newest first."""
        ...

    @query(http="GET /orders/{order}/status", raises=[UnknownOrder])
    def watch(self, order: UUID) -> AsyncIterator[StatusChange]:
        """Every status the order has had, then each new one as it comes; ends after a final one."""
        ...
