"""The order book: orders and their status in the database, and nobody else's business.

    PENDING ──> CONFIRMED ──> SHIPPED
       │            └───────> CANCELLED
       └──────> REJECTED

Each move is one transaction: check the status, change it, add a line to the history that `watch` reads.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from calve import Clock, Message, Store, Transaction

from ..signals import LOOK_SECONDS, Signals
from .contract import Order, OrderLine, OrderStatus, StatusChange, UnknownOrder, WrongStatus


class OrderRow(Message):
    """An order as the table has it: the lines are JSON text."""

    id: UUID
    customer: UUID
    status: OrderStatus
    total_cents: int
    placed_at: datetime
    lines: str

    def order(self) -> Order:
        """The order as the contract has it."""
        return Order(
            id=self.id,
            customer=self.customer,
            status=self.status,
            total_cents=self.total_cents,
            placed_at=self.placed_at,
            lines=msgspec.json.decode(self.lines, type=tuple[OrderLine, ...]),
        )


class NumberedChange(Message):
    """A status change and its place in the order of events."""

    number: int
    status: OrderStatus
    at: datetime

    def change(self) -> StatusChange:
        """The change as the contract has it."""
        return StatusChange(status=self.status, at=self.at)


class OrderBook:
    """Reads and writes orders; wakes whoever watches one."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self.signals = Signals(None if store.exclusive else LOOK_SECONDS)

    async def find(self, order: UUID) -> Order | None:
        """The order, or None."""
        row = await self._store.one("SELECT * FROM customer_order WHERE id = :order", OrderRow, order=order)
        return row.order() if row else None

    async def get(self, order: UUID) -> Order:
        """The order. Raises UnknownOrder."""
        found = await self.find(order)
        if found is None:
            raise UnknownOrder(order=order)
        return found

    async def latest(self, customer: UUID, limit: int) -> tuple[Order, ...]:
        """A customer's orders, the newest first."""
        rows = await self._store.all(
            "SELECT * FROM customer_order WHERE customer = :customer ORDER BY placed_at DESC, id LIMIT :limit",
            OrderRow,
            customer=customer,
            limit=limit,
        )
        return tuple(row.order() for row in rows)

    async def add(self, order: UUID, customer: UUID, lines: tuple[OrderLine, ...]) -> Order:
        """Write down a new order, PENDING."""
        row = OrderRow(
            id=order,
            customer=customer,
            status=OrderStatus.PENDING,
            total_cents=sum(line.price_cents * line.quantity for line in lines),
            placed_at=self._clock.now(),
            lines=msgspec.json.encode(lines).decode(),
        )
        async with self._store.transaction() as tx:
            await tx.execute(
                """INSERT INTO customer_order (id, customer, status, total_cents, placed_at, lines)
                   VALUES (:id, :customer, :status, :total_cents, :placed_at, :lines)""",
                **msgspec.structs.asdict(row),
            )
            await _note(tx, order, OrderStatus.PENDING, row.placed_at)
        return row.order()

    async def move(self, order: UUID, before: OrderStatus, after: OrderStatus) -> Order:
        """Move the order from one status to the next; one that is in `after` already stays as it is.

        Returns: the order, in status `after`.
        Raises: UnknownOrder, or WrongStatus with the status it is in.
        """

        async def moving(tx: Transaction) -> OrderRow:
            row = await tx.one("SELECT * FROM customer_order WHERE id = :order", OrderRow, order=order)
            if row is None:
                raise UnknownOrder(order=order)
            if row.status is before:
                await tx.execute(
                    "UPDATE customer_order SET status = :after WHERE id = :order", order=order, after=after
                )
                await _note(tx, order, after, self._clock.now())
            elif row.status is not after:
                raise WrongStatus(order_status=row.status)
            return row

        # By then other services have done their part, so the operation could not run again; this much of it can.
        row = await self._store.transact(moving)
        self.signals.wake(order)
        return msgspec.structs.replace(row, status=after).order()

    async def changes(self, order: UUID, after: int) -> list[NumberedChange]:
        """The order's status changes with a number above `after`."""
        return await self._store.all(
            "SELECT number, status, at FROM status_change WHERE order_id = :order AND number > :after ORDER BY number",
            NumberedChange,
            order=order,
            after=after,
        )


async def _note(tx: Transaction, order: UUID, status: OrderStatus, now: datetime) -> None:
    await tx.execute(
        "INSERT INTO status_change (order_id, status, at) VALUES (:order, :status, :now)",
        order=order,
        status=status,
        now=now,
    )
