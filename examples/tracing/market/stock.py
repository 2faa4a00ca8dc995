"""What is on the shelves."""

from __future__ import annotations

from typing import Protocol

from calve import Contract, query


class Stock(Contract, Protocol, version="1.0"):
    """Counts."""

    @query()
    async def count(self, product: str) -> int:
        """How much is left of a product."""
        ...


class StockService(Stock):
    """One unit for each letter of the name."""

    async def count(self, product: str) -> int:
        return len(product)
