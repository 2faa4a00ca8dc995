"""What is left of each article; its table belongs to it alone."""

from __future__ import annotations

from typing import Protocol

from calve import Contract, Store, query


class Stock(Contract, Protocol, version="1.0"):
    """How much is left."""

    @query()
    async def left(self, article: str) -> int:
        """How many there are."""
        ...


class StockService(Stock):
    """Counts in a table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def left(self, article: str) -> int:
        return await self._store.one("SELECT units FROM shelf WHERE article = :article", int, article=article) or 0
