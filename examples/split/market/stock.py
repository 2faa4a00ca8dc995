"""What is on the shelves, and which process keeps count."""

from __future__ import annotations

import os
from typing import Protocol

from calve import Contract, Message, query


class Shelf(Message):
    """How much there is."""

    units: int
    process: int
    """Operating system's number of the process that counted."""


class Stock(Contract, Protocol, version="1.0"):
    """Counts."""

    @query()
    async def count(self, product: str) -> Shelf:
        """How much is left of a product."""
        ...


class StockService(Stock):
    """One unit for each letter of the name."""

    async def count(self, product: str) -> Shelf:
        return Shelf(units=len(product), process=os.getpid())
