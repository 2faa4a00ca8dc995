"""Two services, one process or two: only the topology decides.

    $ calve run --topology split &
    $ calve call till.sell product=tea

Start it with `calve run` instead and the answer ends with "in the same process". The call site below is the same.
"""

from __future__ import annotations

import os
from typing import Protocol

from calve import Contract, query

from .stock import Stock


class Till(Contract, Protocol, version="1.0"):
    """Sells things."""

    @query(http="GET /till/{product}")
    async def sell(self, product: str) -> str:
        """Sell one if there is one."""
        ...


class TillService(Till):
    """Asks for the contract of stock, never for its implementation."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock

    async def sell(self, product: str) -> str:
        shelf = await self._stock.count(product)
        where = "in the same process" if shelf.process == os.getpid() else "in another process"
        return f"sold, {shelf.units - 1} left, counted {where}"
