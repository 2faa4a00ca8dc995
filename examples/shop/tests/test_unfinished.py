"""When a call gives no answer in the middle of an order: nothing is lost, and placing the order again finishes it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from calve import Logger, Unavailable
from calve.core.clock import SystemClock
from calve.store import SqliteStore, Store, load_schema
from calve.testing import App
from shop.catalog.contract import Catalog
from shop.inventory.contract import Inventory, Item
from shop.notification.contract import Notification
from shop.orders import service as orders_module
from shop.orders.contract import OrderStatus, PlaceOrder
from shop.orders.service import OrderService
from shop.testing import customer_with
from shop.wallet.contract import Balance, Wallet

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCHEMA = Path(orders_module.__file__).parent / "schema"


@pytest_asyncio.fixture(loop_scope="module")
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An order book of this test's own; the shop itself may be on another database."""
    async with await SqliteStore.open(tmp_path / "orders.db", load_schema(SCHEMA)) as store:
        yield store


def order_service(app: App, store: Store, **others: Any) -> OrderService:
    """Orders over the running shop, with some of its neighbours replaced."""
    neighbours: dict[str, Any] = {
        "catalog": app.get(Catalog),
        "inventory": app.get(Inventory),
        "wallet": app.get(Wallet),
        "notification": app.get(Notification),
        **others,
    }
    return OrderService(store, SystemClock(), Logger("orders"), **neighbours)


def losing_answers(wallet: Wallet) -> Wallet:
    """A wallet that debits, but whose first answer never arrives."""
    answers = 0

    async def debit(owner: UUID, cents: int, reference: UUID) -> Balance:
        nonlocal answers
        answers += 1
        balance = await wallet.debit(owner, cents, reference)
        if answers == 1:
            raise Unavailable("the connection was lost")
        return balance

    return cast(Wallet, SimpleNamespace(debit=debit))


async def test_a_lost_answer_leaves_the_order_pending_and_the_next_try_finishes_it(
    app: App, store: Store, sku: str
) -> None:
    orders = order_service(app, store, wallet=losing_answers(app.get(Wallet)))
    customer = await customer_with(app, 100_000)
    wanted = PlaceOrder(id=uuid4(), customer=customer, items=(Item(sku=sku, quantity=2),))
    with pytest.raises(Unavailable):
        await orders.place(wanted)
    assert (await orders.order(wanted.id)).status is OrderStatus.PENDING

    placed = await orders.place(wanted)
    assert placed.status is OrderStatus.CONFIRMED
    assert (await app.get(Wallet).balance(customer)).cents == 100_000 - placed.total_cents
    assert (await app.get(Inventory).level(sku)).reserved == 2


async def test_an_order_stands_even_if_the_customer_cannot_be_told(app: App, store: Store, sku: str) -> None:
    async def notify(notice: UUID, customer: UUID, text: str) -> None:
        raise Unavailable("nobody there")

    orders = order_service(app, store, notification=SimpleNamespace(notify=notify))
    wanted = PlaceOrder(id=uuid4(), customer=await customer_with(app, 100_000), items=(Item(sku=sku, quantity=1),))
    assert (await orders.place(wanted)).status is OrderStatus.CONFIRMED
