"""Stopping and starting again: everything acknowledged is still there, and the opening assortment is loaded once."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from calve.testing import Runner
from shop.catalog.contract import Catalog
from shop.inventory.contract import Inventory, Item
from shop.notification.contract import Notification
from shop.orders.contract import Orders, PlaceOrder
from shop.testing import customer_with
from shop.wallet.contract import Wallet

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHOP = Path(__file__).parents[1]


async def test_what_was_acknowledged_survives_a_restart(
    runners: Runner, stores: dict[str, Any], tmp_path: Path
) -> None:
    settings = {"store.url": f"sqlite:///{tmp_path}/{{service}}.db", **stores}
    async with runners.start(SHOP, settings=settings) as app:
        customer = await customer_with(app, 1_000_000)
        items = (Item(sku="KIT-00000", quantity=3),)
        placed = await app.get(Orders).place(PlaceOrder(id=uuid4(), customer=customer, items=items))
        statement = await app.get(Wallet).statement(customer)
        notices = await app.get(Notification).notices(customer)
        assert notices

    async with runners.start(SHOP, settings=settings) as app:
        assert await app.get(Orders).order(placed.id) == placed
        assert await app.get(Wallet).statement(customer) == statement
        assert await app.get(Notification).notices(customer) == notices
        assert (await app.get(Inventory).level("KIT-00000")).available == 497
        assert len([product async for product in app.get(Catalog).export()]) == 3_000


async def test_the_size_of_the_opening_assortment_is_a_setting(runners: Runner) -> None:
    settings = {"service.catalog.products": 7, "service.inventory.products": 7, "service.inventory.units": 3}
    async with runners.start(SHOP, settings=settings) as app:
        assert len([product async for product in app.get(Catalog).export()]) == 7
        assert (await app.get(Inventory).level("KIT-00006")).available == 3
        assert (await app.get(Inventory).level("GAR-00007")).available == 0
