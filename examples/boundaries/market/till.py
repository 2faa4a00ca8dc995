"""Services that keep to themselves, and what becomes of a short cut.

    $ calve check
    $ sed -i 's/import Stock$/import Stock, StockService/' market/till.py
    $ sed -i 's/await self._stock.left(article)/"SELECT units FROM shelf"/' market/till.py
    $ calve check
    $ calve catalog | grep -A 9 mermaid

The source is read, not run: what breaks a rule need not even start.
"""

from __future__ import annotations

from typing import Protocol

from calve import Contract, query

from .stock import Stock


class Till(Contract, Protocol, version="1.0"):
    """Where one pays."""

    @query(http="GET /offers/{article}")
    async def offer(self, article: str) -> str:
        """What one may buy."""
        ...


class TillService(Till):
    """Asks the stock, whose contract is all it knows of it."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock

    async def offer(self, article: str) -> str:
        left = await self._stock.left(article)
        return f"{article}: {left} left"
