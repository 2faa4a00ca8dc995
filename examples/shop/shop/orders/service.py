"""Orders: the one service that talks to all the others.

Placing an order is five local transactions in four databases, made one after the other by plain calls:

    price the lines   at the catalog
    write the order   here, PENDING
    reserve           at the inventory      refused: REJECTED
    debit             at the wallet         refused: REJECTED, and the reservation is released
    confirm           here, CONFIRMED

What this does not give: when a process dies, or a call fails without an answer, between two of these steps, the order
stays PENDING and may hold a reservation, or even money, until somebody places the same order again: every step is
idempotent under the order's id, so the second attempt finishes what the first began. Nobody does that by itself yet; a
saga will.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid5
from weakref import WeakValueDictionary

from calve import CallError, Clock, Logger, Store

from ..catalog.contract import Catalog
from ..inventory.contract import Inventory, OutOfStock
from ..notification.contract import Notification
from ..wallet.contract import InsufficientFunds, UnknownWallet, Wallet
from .book import OrderBook
from .contract import Order, OrderIdReused, OrderLine, OrderRejected, Orders, OrderStatus, PlaceOrder, StatusChange


class OrderService(Orders):
    """Coordinates the others; the order book keeps what is decided."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        log: Logger,
        catalog: Catalog,
        inventory: Inventory,
        wallet: Wallet,
        notification: Notification,
    ) -> None:
        self._book, self._log = OrderBook(store, clock), log
        self._catalog, self._inventory, self._wallet, self._notification = catalog, inventory, wallet, notification
        # One at a time per order: of two equal requests, one must not confirm what the other undoes.
        self._turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def place(self, order: PlaceOrder) -> Order:
        async with self._turn(order.id):
            placed = await self._book.find(order.id) or await self._write_down(order)
            if placed.customer != order.customer or placed.items != order.items:
                raise OrderIdReused(order=order.id)
            if placed.status is OrderStatus.REJECTED:
                raise OrderRejected(order=order.id)
            if placed.status is not OrderStatus.PENDING:
                return placed
            try:
                await self._inventory.reserve(order.id, order.items)
                if placed.total_cents:
                    await self._wallet.debit(order.customer, placed.total_cents, order.id)
            except (OutOfStock, InsufficientFunds, UnknownWallet):
                await self._inventory.release(order.id)
                await self._book.move(order.id, OrderStatus.PENDING, OrderStatus.REJECTED)
                raise
            confirmed = await self._book.move(order.id, OrderStatus.PENDING, OrderStatus.CONFIRMED)
        await self._tell(confirmed)
        return confirmed

    async def ship(self, order: UUID) -> Order:
        async with self._turn(order):
            shipped = await self._book.move(order, OrderStatus.CONFIRMED, OrderStatus.SHIPPED)
            await self._inventory.dispatch(order)
        await self._tell(shipped)
        return shipped

    async def cancel(self, order: UUID) -> Order:
        async with self._turn(order):
            cancelled = await self._book.move(order, OrderStatus.CONFIRMED, OrderStatus.CANCELLED)
            if cancelled.total_cents:
                await self._wallet.refund(cancelled.customer, cancelled.total_cents, order)
            await self._inventory.release(order)
        await self._tell(cancelled)
        return cancelled

    async def order(self, order: UUID) -> Order:
        return await self._book.get(order)

    async def history(self, customer: UUID, limit: int = 20) -> tuple[Order, ...]:
        return await self._book.latest(customer, limit)

    async def watch(self, order: UUID) -> AsyncIterator[StatusChange]:
        await self._book.get(order)
        seen = 0
        with self._book.signals.watch(order) as next_change:
            while True:
                for step in await self._book.changes(order, seen):
                    yield step.change()
                    if step.status.final:
                        return
                    seen = step.number
                await next_change()

    def _turn(self, order: UUID) -> asyncio.Lock:
        return self._turns.setdefault(order, asyncio.Lock())

    async def _write_down(self, order: PlaceOrder) -> Order:
        prices = await self._catalog.prices(tuple(item.sku for item in order.items))
        lines = tuple(
            OrderLine(sku=item.sku, quantity=item.quantity, price_cents=prices[item.sku]) for item in order.items
        )
        return await self._book.add(order.id, order.customer, lines)

    async def _tell(self, order: Order) -> None:
        status = order.status.value
        text = f"Your order {order.id} is {status}: {order.total_cents / 100:.2f} in total."
        try:
            await self._notification.notify(uuid5(order.id, status), order.customer, text)
        except CallError as error:  # the order stands whether or not the customer hears of it
            self._log.warning("customer not told", order=order.id, status=status, error=error)
