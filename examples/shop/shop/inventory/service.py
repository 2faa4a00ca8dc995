"""The inventory over its own database: units available and reserved per product, and who they are reserved for."""

from __future__ import annotations

from collections import Counter
from typing import Annotated
from uuid import UUID

from calve import Message, Meta, Settings, Store
from calve.store import Reader

from ..catalog.contract import Sku
from ..seed import articles
from .contract import Inventory, Items, OutOfStock, Quantity, StockLevel


class InventorySettings(Settings):
    """What the inventory starts with."""

    products: Annotated[int, Meta(ge=0, le=100_000)] = 3_000
    """How many products of the opening assortment are in stock when the inventory is empty."""
    units: Annotated[int, Meta(ge=0, le=1_000_000)] = 500
    """How many of each."""


class Reserved(Message):
    """One line of a reservation."""

    sku: str
    quantity: int


class InventoryService(Inventory):
    """A reservation moves units from `available` to `reserved` in one transaction, for all its items or for none."""

    def __init__(self, store: Store, settings: InventorySettings) -> None:
        self._store, self._settings = store, settings

    async def start(self) -> None:
        """Fill empty shelves with the opening assortment."""
        settings = self._settings
        async with self._store.transaction() as tx:
            if await tx.one("SELECT 1 FROM stock LIMIT 1") is not None:
                return
            await tx.execute_many(
                "INSERT INTO stock (sku, available) VALUES (:sku, :units)",
                ({"sku": article.sku, "units": settings.units} for article in articles(settings.products)),
            )

    async def level(self, sku: Sku) -> StockLevel:
        return await _level(self._store, sku)

    async def restock(self, sku: Sku, quantity: Quantity, delivery: UUID) -> StockLevel:
        async with self._store.transaction() as tx:
            await tx.execute("INSERT INTO stock (sku, available) VALUES (:sku, 0) ON CONFLICT DO NOTHING", sku=sku)
            new = await tx.execute(
                "INSERT INTO delivery (id, sku) VALUES (:delivery, :sku) ON CONFLICT DO NOTHING",
                delivery=delivery,
                sku=sku,
            )
            if new:
                await tx.execute(
                    "UPDATE stock SET available = available + :quantity WHERE sku = :sku", quantity=quantity, sku=sku
                )
            return await _level(tx, sku)

    async def reserve(self, order: UUID, items: Items) -> None:
        async with self._store.transaction() as tx:
            if await _reserved(tx, order):
                return
            wanted: Counter[Sku] = Counter()
            for item in items:
                wanted[item.sku] += item.quantity
            for sku, quantity in wanted.items():
                taken = await tx.execute(
                    """UPDATE stock SET available = available - :quantity, reserved = reserved + :quantity
                       WHERE sku = :sku AND available >= :quantity""",
                    sku=sku,
                    quantity=quantity,
                )
                if not taken:  # leaving the block with an error puts the items taken so far back
                    raise OutOfStock(sku=sku, available=(await _level(tx, sku)).available)
                await tx.execute(
                    "INSERT INTO reservation (order_id, sku, quantity) VALUES (:order, :sku, :quantity)",
                    order=order,
                    sku=sku,
                    quantity=quantity,
                )

    async def release(self, order: UUID) -> None:
        await self._settle(order, back_to_shelf=True)

    async def dispatch(self, order: UUID) -> None:
        await self._settle(order, back_to_shelf=False)

    async def _settle(self, order: UUID, *, back_to_shelf: bool) -> None:
        """End a reservation: its units become available again, or are gone."""
        async with self._store.transaction() as tx:
            for line in await _reserved(tx, order):
                await tx.execute(
                    "UPDATE stock SET reserved = reserved - :quantity, available = available + :back WHERE sku = :sku",
                    sku=line.sku,
                    quantity=line.quantity,
                    back=line.quantity if back_to_shelf else 0,
                )
            await tx.execute("DELETE FROM reservation WHERE order_id = :order", order=order)


async def _reserved(reader: Reader, order: UUID) -> list[Reserved]:
    return await reader.all("SELECT sku, quantity FROM reservation WHERE order_id = :order", Reserved, order=order)


async def _level(reader: Reader, sku: Sku) -> StockLevel:
    level = await reader.one("SELECT * FROM stock WHERE sku = :sku", StockLevel, sku=sku)
    return level or StockLevel(sku=sku, available=0, reserved=0)
