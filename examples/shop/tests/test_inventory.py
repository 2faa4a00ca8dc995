"""The inventory: what is promised is there."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from calve.testing import App
from shop.inventory.contract import Inventory, Item, OutOfStock, StockLevel

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def inventory(app: App) -> Inventory:
    """A stub of the inventory."""
    return app.get(Inventory)


async def test_shelves_are_full_at_first(inventory: Inventory, sku: str) -> None:
    assert await inventory.level(sku) == StockLevel(sku=sku, available=500, reserved=0)


async def test_a_product_never_delivered_has_no_stock(inventory: Inventory) -> None:
    assert await inventory.level("NEVER") == StockLevel(sku="NEVER", available=0, reserved=0)


async def test_a_delivery_counts_once(inventory: Inventory) -> None:
    sku, delivery = f"NEW-{uuid4().hex[:8]}", uuid4()
    for _ in range(2):
        assert await inventory.restock(sku, 40, delivery) == StockLevel(sku=sku, available=40, reserved=0)
    assert (await inventory.restock(sku, 2, uuid4())).available == 42


async def test_reserve_and_release_are_idempotent(inventory: Inventory, sku: str) -> None:
    order = uuid4()
    for _ in range(2):
        await inventory.reserve(order, (Item(sku=sku, quantity=30),))
        assert await inventory.level(sku) == StockLevel(sku=sku, available=470, reserved=30)
    for _ in range(2):
        await inventory.release(order)
        assert await inventory.level(sku) == StockLevel(sku=sku, available=500, reserved=0)


async def test_the_same_product_twice_is_added_up(inventory: Inventory, sku: str) -> None:
    await inventory.reserve(uuid4(), (Item(sku=sku, quantity=1), Item(sku=sku, quantity=2)))
    assert (await inventory.level(sku)).reserved == 3


async def test_what_is_dispatched_is_gone(inventory: Inventory, sku: str) -> None:
    order = uuid4()
    await inventory.reserve(order, (Item(sku=sku, quantity=30),))
    for _ in range(2):
        await inventory.dispatch(order)
    await inventory.release(order)
    assert await inventory.level(sku) == StockLevel(sku=sku, available=470, reserved=0)


async def test_all_items_or_none(inventory: Inventory, sku: str) -> None:
    with pytest.raises(OutOfStock) as caught:
        await inventory.reserve(uuid4(), (Item(sku=sku, quantity=1), Item(sku="NEVER", quantity=1)))
    assert caught.value == OutOfStock(sku="NEVER", available=0)
    assert await inventory.level(sku) == StockLevel(sku=sku, available=500, reserved=0)


async def test_a_refused_reservation_may_be_tried_again(inventory: Inventory, sku: str) -> None:
    order = uuid4()
    with pytest.raises(OutOfStock):
        await inventory.reserve(order, (Item(sku=sku, quantity=501),))
    await inventory.restock(sku, 1, uuid4())
    await inventory.reserve(order, (Item(sku=sku, quantity=501),))
    assert await inventory.level(sku) == StockLevel(sku=sku, available=0, reserved=501)


async def test_parallel_reservations_never_promise_twice(inventory: Inventory, sku: str) -> None:
    wanted = (Item(sku=sku, quantity=7),)
    answers = await asyncio.gather(*(inventory.reserve(uuid4(), wanted) for _ in range(100)), return_exceptions=True)
    assert sum(answer is None for answer in answers) == 71
    assert sum(isinstance(answer, OutOfStock) for answer in answers) == 29
    assert await inventory.level(sku) == StockLevel(sku=sku, available=3, reserved=497)
