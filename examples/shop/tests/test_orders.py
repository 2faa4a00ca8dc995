"""Ordering from end to end: through catalog, inventory, wallet and notification."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from calve.testing import App
from shop.catalog.contract import Catalog, UnknownProduct
from shop.inventory.contract import Inventory, Item, OutOfStock
from shop.notification.contract import Notification
from shop.orders.contract import (
    OrderIdReused,
    OrderLine,
    OrderRejected,
    Orders,
    OrderStatus,
    PlaceOrder,
    UnknownOrder,
    WrongStatus,
)
from shop.testing import customer_with
from shop.wallet.contract import InsufficientFunds, UnknownWallet, Wallet

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def orders(app: App) -> Orders:
    """A stub of orders."""
    return app.get(Orders)


def order(customer: UUID, sku: str, quantity: int = 1) -> PlaceOrder:
    """An order of one line under a new id."""
    return PlaceOrder(id=uuid4(), customer=customer, items=(Item(sku=sku, quantity=quantity),))


async def price(app: App, sku: str) -> int:
    """What the catalog asks for the product."""
    return (await app.get(Catalog).product(sku)).price_cents


async def levels(app: App, sku: str) -> tuple[int, int]:
    """Available and reserved units."""
    level = await app.get(Inventory).level(sku)
    return level.available, level.reserved


async def balance(app: App, customer: UUID) -> int:
    """What the customer has."""
    return (await app.get(Wallet).balance(customer)).cents


async def test_an_order_takes_money_and_stock(app: App, orders: Orders, sku: str) -> None:
    customer, cents = await customer_with(app, 100_000), await price(app, sku)
    wanted = order(customer, sku, 2)
    placed = await orders.place(wanted)
    assert (placed.id, placed.customer, placed.status) == (wanted.id, customer, OrderStatus.CONFIRMED)
    assert placed.lines == (OrderLine(sku=sku, quantity=2, price_cents=cents),)
    assert placed.total_cents == 2 * cents
    assert await orders.order(wanted.id) == placed
    assert await balance(app, customer) == 100_000 - 2 * cents
    assert await levels(app, sku) == (498, 2)


async def test_the_customer_is_told(app: App, orders: Orders, sku: str) -> None:
    customer = await customer_with(app, 100_000)
    placed = await orders.place(order(customer, sku))
    await orders.ship(placed.id)
    notices = await app.get(Notification).notices(customer)
    assert [str(placed.id) in notice.text for notice in notices] == [True, True]
    assert ["confirmed" in notices[0].text, "shipped" in notices[1].text] == [True, True]


async def test_the_same_order_twice_is_one_order(app: App, orders: Orders, sku: str) -> None:
    customer = await customer_with(app, 100_000)
    wanted = order(customer, sku)
    first, *others = await asyncio.gather(*(orders.place(wanted) for _ in range(5)))
    assert all(other == first for other in others)
    assert await balance(app, customer) == 100_000 - first.total_cents
    assert await levels(app, sku) == (499, 1)
    assert len(await app.get(Notification).notices(customer)) == 1


async def test_an_id_stands_for_one_order(app: App, orders: Orders, sku: str) -> None:
    placed = await orders.place(order(await customer_with(app, 100_000), sku))
    other = PlaceOrder(id=placed.id, customer=await customer_with(app, 100_000), items=placed.items)
    with pytest.raises(OrderIdReused):
        await orders.place(other)


async def test_without_money_nothing_has_happened(app: App, orders: Orders, sku: str) -> None:
    cents = await price(app, sku)
    customer = await customer_with(app, cents - 1)
    wanted = order(customer, sku)
    with pytest.raises(InsufficientFunds) as caught:
        await orders.place(wanted)
    assert caught.value.missing_cents == 1
    assert await balance(app, customer) == cents - 1
    assert await levels(app, sku) == (500, 0)
    assert (await orders.order(wanted.id)).status is OrderStatus.REJECTED
    assert await app.get(Notification).notices(customer) == ()


async def test_a_rejected_order_stays_rejected(app: App, orders: Orders, sku: str) -> None:
    customer = await customer_with(app, 1)
    wanted = order(customer, sku)
    with pytest.raises(InsufficientFunds):
        await orders.place(wanted)
    await app.get(Wallet).deposit(customer, 100_000, uuid4())
    with pytest.raises(OrderRejected) as caught:
        await orders.place(wanted)
    assert caught.value.order == wanted.id
    assert await balance(app, customer) == 100_001


async def test_without_stock_nothing_has_happened(app: App, orders: Orders, sku: str) -> None:
    customer = await customer_with(app, 10_000_000_000)
    with pytest.raises(OutOfStock) as caught:
        await orders.place(order(customer, sku, 501))
    assert caught.value == OutOfStock(sku=sku, available=500)
    assert await balance(app, customer) == 10_000_000_000
    assert await levels(app, sku) == (500, 0)


async def test_a_customer_without_wallet_cannot_order(app: App, orders: Orders, sku: str) -> None:
    with pytest.raises(UnknownWallet):
        await orders.place(order(uuid4(), sku))
    assert await levels(app, sku) == (500, 0)


async def test_an_unknown_product_leaves_no_order(app: App, orders: Orders) -> None:
    wanted = order(await customer_with(app, 100), "NO-SUCH")
    with pytest.raises(UnknownProduct):
        await orders.place(wanted)
    with pytest.raises(UnknownOrder):
        await orders.order(wanted.id)


async def test_cancelling_gives_everything_back(app: App, orders: Orders, sku: str) -> None:
    customer = await customer_with(app, 100_000)
    placed = await orders.place(order(customer, sku, 3))
    for _ in range(2):
        assert (await orders.cancel(placed.id)).status is OrderStatus.CANCELLED
    assert await balance(app, customer) == 100_000
    assert await levels(app, sku) == (500, 0)


async def test_what_is_shipped_is_gone_and_cannot_be_cancelled(app: App, orders: Orders, sku: str) -> None:
    placed = await orders.place(order(await customer_with(app, 100_000), sku, 3))
    assert (await orders.ship(placed.id)).status is OrderStatus.SHIPPED
    assert await levels(app, sku) == (497, 0)
    with pytest.raises(WrongStatus) as caught:
        await orders.cancel(placed.id)
    assert caught.value.order_status is OrderStatus.SHIPPED


async def test_an_unknown_order_is_named_everywhere(orders: Orders) -> None:
    missing = uuid4()
    for call in (
        orders.order(missing),
        orders.ship(missing),
        orders.cancel(missing),
        anext(aiter(orders.watch(missing))),
    ):
        with pytest.raises(UnknownOrder) as caught:
            await call
        assert caught.value.order == missing


async def test_the_history_has_the_newest_first(app: App, orders: Orders, sku: str) -> None:
    customer = await customer_with(app, 1_000_000)
    placed = [await orders.place(order(customer, sku)) for _ in range(3)]
    assert await orders.history(customer, limit=2) == (placed[2], placed[1])
    assert await orders.history(uuid4()) == ()


async def test_who_watches_sees_every_status_until_the_last(app: App, orders: Orders, sku: str) -> None:
    placed = await orders.place(order(await customer_with(app, 100_000), sku))
    stream = aiter(orders.watch(placed.id))
    assert [(await anext(stream)).status for _ in range(2)] == [OrderStatus.PENDING, OrderStatus.CONFIRMED]
    coming = asyncio.ensure_future(anext(stream))
    await orders.ship(placed.id)
    assert (await coming).status is OrderStatus.SHIPPED
    assert [step async for step in stream] == []
