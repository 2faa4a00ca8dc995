"""A hundred orders at once: never more sold than there is, never more spent than there was."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from calve.testing import App
from shop.catalog.contract import Catalog
from shop.inventory.contract import Inventory, Item, OutOfStock, StockLevel
from shop.orders.contract import Order, Orders, PlaceOrder
from shop.testing import customer_with
from shop.wallet.contract import InsufficientFunds, Wallet

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_scarce_stock_is_not_oversold(app: App, sku: str) -> None:
    orders, customer = app.get(Orders), await customer_with(app, 10_000_000_000)
    wanted = (Item(sku=sku, quantity=12),)
    answers = await asyncio.gather(
        *(orders.place(PlaceOrder(id=uuid4(), customer=customer, items=wanted)) for _ in range(100)),
        return_exceptions=True,
    )
    placed = [answer for answer in answers if isinstance(answer, Order)]
    assert len(placed) == 41
    assert sum(isinstance(answer, OutOfStock) for answer in answers) == 59
    assert await app.get(Inventory).level(sku) == StockLevel(sku=sku, available=8, reserved=492)
    spent = sum(order.total_cents for order in placed)
    assert (await app.get(Wallet).balance(customer)).cents == 10_000_000_000 - spent


async def test_scarce_money_is_not_overdrawn(app: App, sku: str) -> None:
    orders, cents = app.get(Orders), (await app.get(Catalog).product(sku)).price_cents
    customer = await customer_with(app, 30 * cents + 1)
    wanted = (Item(sku=sku, quantity=1),)
    answers = await asyncio.gather(
        *(orders.place(PlaceOrder(id=uuid4(), customer=customer, items=wanted)) for _ in range(100)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Order) for answer in answers) == 30
    assert sum(isinstance(answer, InsufficientFunds) for answer in answers) == 70
    assert (await app.get(Wallet).balance(customer)).cents == 1
    # What was reserved for the refused orders is back on the shelf.
    assert await app.get(Inventory).level(sku) == StockLevel(sku=sku, available=470, reserved=30)
