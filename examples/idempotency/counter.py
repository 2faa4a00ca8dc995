"""A till: one command that takes money, one query that says how much there is. Nothing in it knows of keys."""

from __future__ import annotations

import asyncio
from typing import Protocol

from calve import Contract, Message, Store, command, query
from calve.store import SchemaFile

SCHEMA = SchemaFile("0001_sale.sql", "CREATE TABLE sale (number INTEGER PRIMARY KEY, cents INTEGER NOT NULL) STRICT;")


class Receipt(Message):
    """What was sold."""

    number: int
    cents: int


class Till(Contract, Protocol, version="1.0"):
    """Where one pays."""

    @command(http="POST /sales")
    async def sell(self, cents: int) -> Receipt:
        """Take the money."""
        ...

    @query(http="GET /sales")
    async def taken(self) -> int:
        """All of it so far, in cents."""
        ...


class TillService(Till):
    """Nothing in here knows of keys; but for `tx.answer`, which saves a commit."""

    def __init__(self, store: Store, drawer: asyncio.Lock) -> None:
        self._store, self._drawer = store, drawer

    async def sell(self, cents: int) -> Receipt:
        async with self._drawer, self._store.transaction() as tx:
            number = await tx.one("INSERT INTO sale (cents) VALUES (:cents) RETURNING number", int, cents=cents)
            assert number is not None
            return await tx.answer(Receipt(number=number, cents=cents))

    async def taken(self) -> int:
        return await self._store.one("SELECT coalesce(sum(cents), 0) FROM sale", int) or 0
