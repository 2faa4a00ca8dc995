"""What the catalog promises: products, and finding them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Protocol

from calve import Contract, DomainError, Message, Meta, query

Sku = Annotated[str, Meta(min_length=1, max_length=40, description="Article number, such as KIT-00042.")]
Cents = Annotated[int, Meta(ge=0, le=100_000_000, description="Price or amount in cents.")]
PageSize = Annotated[int, Meta(ge=1, le=100)]


class Product(Message):
    """Something that can be bought."""

    sku: Sku
    name: str
    description: str
    price_cents: Cents
    tags: tuple[str, ...] = ()


class ProductPage(Message):
    """Part of the assortment, in order of article number."""

    products: tuple[Product, ...]
    next_after: Sku | None
    """Give this as `after` for the next page; None on the last one."""


class UnknownProduct(DomainError):
    """There is no such product."""

    status = 404
    sku: str


class Catalog(Contract, Protocol, version="1.0"):
    """What is for sale."""

    @query(http="GET /products/{sku}", raises=[UnknownProduct])
    async def product(self, sku: Sku) -> Product:
        """One product by its article number."""
        ...

    @query(http="GET /products")
    async def products(self, after: Sku | None = None, tag: str | None = None, limit: PageSize = 50) -> ProductPage:
        """Browse the assortment page by page, or only what carries a tag."""
        ...

    @query(http="GET /search")
    async def search(self, text: Annotated[str, Meta(max_length=200)], limit: PageSize = 20) -> tuple[Product, ...]:
        """Products with all the words (or beginnings of words) in name, description or tags, best match first."""
        ...

    @query(http="GET /export/products")
    def export(self) -> AsyncIterator[Product]:
        """The whole assortment in order of article number, one product at a time."""
        ...

    @query(raises=[UnknownProduct])
    async def prices(self, skus: Annotated[tuple[Sku, ...], Meta(max_length=100)]) -> dict[str, Cents]:
        """Today's price of each product; fails if one of them does not exist."""
        ...
