"""The catalog over its own database, with the database's full-text index for search."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import msgspec

from calve import Logger, Message, Meta, Settings, Store

from .contract import Catalog, Cents, PageSize, Product, ProductPage, Sku, UnknownProduct
from .search import DIALECTS
from .seed import assortment

EXPORT_CHUNK = 200


class CatalogSettings(Settings):
    """What the catalog starts with."""

    products: Annotated[int, Meta(ge=0, le=100_000)] = 3_000
    """Size of the opening assortment, loaded when there are no products at all."""


class ProductRow(Message):
    """A product as the table has it: the tags are JSON text."""

    sku: str
    name: str
    description: str
    price_cents: int
    tags: str

    @classmethod
    def of(cls, product: Product) -> ProductRow:
        """The row of a product."""
        fields = msgspec.structs.asdict(product)
        return cls(**{**fields, "tags": msgspec.json.encode(product.tags).decode()})

    def product(self) -> Product:
        """The product as the contract has it."""
        fields = msgspec.structs.asdict(self)
        return Product(**{**fields, "tags": msgspec.json.decode(self.tags, type=tuple[str, ...])})


class PriceRow(Message):
    """A price and whose it is."""

    sku: str
    price_cents: int


class CatalogService(Catalog):
    """Reads dominate: every query is one statement on the store's readers."""

    def __init__(self, store: Store, settings: CatalogSettings, log: Logger) -> None:
        self._store, self._settings, self._log = store, settings, log
        self._dialect = DIALECTS[store.dialect]

    async def start(self) -> None:
        """Load the opening assortment into an empty catalog."""
        products = assortment(self._settings.products)
        async with self._store.transaction() as tx:
            if await tx.one("SELECT 1 FROM product LIMIT 1") is not None:  # asked in here, for there may be replicas
                return
            await tx.execute_many(
                """INSERT INTO product (sku, name, description, price_cents, tags)
                   VALUES (:sku, :name, :description, :price_cents, :tags)""",
                (msgspec.structs.asdict(ProductRow.of(product)) for product in products),
            )
            await tx.execute_many(
                "INSERT INTO product_tag (tag, sku) VALUES (:tag, :sku)",
                ({"tag": tag, "sku": product.sku} for product in products for tag in product.tags),
            )
        self._log.info("assortment loaded", products=len(products))

    async def product(self, sku: Sku) -> Product:
        row = await self._store.one("SELECT * FROM product WHERE sku = :sku", ProductRow, sku=sku)
        if row is None:
            raise UnknownProduct(sku=sku)
        return row.product()

    async def products(self, after: Sku | None = None, tag: str | None = None, limit: PageSize = 50) -> ProductPage:
        # One row more than asked for tells whether there is another page.
        rows = await self._store.all(
            """SELECT * FROM product
               WHERE sku > :after AND (:tag IS NULL OR sku IN (SELECT sku FROM product_tag WHERE tag = :tag))
               ORDER BY sku LIMIT :limit""",
            ProductRow,
            after=after or "",
            tag=tag,
            limit=limit + 1,
        )
        page = tuple(row.product() for row in rows[:limit])
        return ProductPage(products=page, next_after=page[-1].sku if len(rows) > limit else None)

    async def search(self, text: str, limit: PageSize = 20) -> tuple[Product, ...]:
        expression = self._dialect.expression(text)
        if expression is None:
            return ()
        rows = await self._store.all(self._dialect.search, ProductRow, expression=expression, limit=limit)
        return tuple(row.product() for row in rows)

    async def export(self) -> AsyncIterator[Product]:
        after: str | None = ""
        while after is not None:
            page = await self.products(after, limit=EXPORT_CHUNK)
            for product in page.products:
                yield product
            after = page.next_after

    async def prices(self, skus: tuple[Sku, ...]) -> dict[str, Cents]:
        rows = await self._store.all(self._dialect.prices, PriceRow, skus=msgspec.json.encode(skus).decode())
        prices = {row.sku: row.price_cents for row in rows}
        for sku in skus:
            if sku not in prices:
                raise UnknownProduct(sku=sku)
        return prices
