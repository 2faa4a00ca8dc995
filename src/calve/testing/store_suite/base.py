"""What the parts of the suite stand on: the tables, the declared features, the store of a test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import ClassVar

import msgspec
import pytest

from ...store import SchemaFile, Store

SCHEMA = """
CREATE TABLE account (owner TEXT PRIMARY KEY, cents BIGINT NOT NULL CHECK (cents >= 0));
CREATE TABLE entry (number INTEGER PRIMARY KEY, owner TEXT NOT NULL REFERENCES account (owner), note TEXT UNIQUE);
CREATE TABLE kept (id INTEGER PRIMARY KEY, value TEXT);
CREATE TABLE number (id INTEGER PRIMARY KEY, whole BIGINT, real DOUBLE PRECISION, flag SMALLINT, data BLOB);
"""

PUT = "INSERT INTO account (owner, cents) VALUES (:owner, :cents)"
ADD = "UPDATE account SET cents = cents + :cents WHERE owner = :owner"
SET = "UPDATE account SET cents = :cents WHERE owner = :owner"
GET = "SELECT cents FROM account WHERE owner = :owner"
COUNT = "SELECT count(*) AS n FROM account"


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter declares about itself, where adapters may differ."""

    reopens: bool
    """Whether the database outlives its store, so that `open_store` after `close` finds what was committed."""
    zero_in_text: bool = True
    """Whether text may hold the character U+0000."""


class StoreTests:
    """Base of the parts: a store that is open and empty."""

    features: ClassVar[Features]
    schema: ClassVar[Sequence[SchemaFile]] = (SchemaFile("0001_suite.sql", SCHEMA),)

    async def open_store(self) -> Store:
        """Open the database of this test."""
        raise NotImplementedError

    @pytest.fixture(name="store")
    async def store_fixture(self) -> AsyncIterator[Store]:
        """A store that is closed whatever the test does."""
        async with await self.open_store() as store:
            yield store


async def put(store: Store, owner: str, cents: int) -> None:
    """Insert an account, in a transaction of its own."""
    async with store.transaction() as tx:
        await tx.execute(PUT, owner=owner, cents=cents)
