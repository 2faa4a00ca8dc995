"""PostgreSQL keeps the rules of the port: directly, alone and with one connection only."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from calve.store import PostgresTarget, SchemaFile, Store
from calve.store.postgres import PostgresOptions, PostgresStore
from calve.testing.store_suite import Features, StoreSuite
from calve.testing.store_suite.base import SCHEMA

from .conftest import emptied, superuser

POSTGRES_SCHEMA = (SchemaFile("0001_suite.sql", SCHEMA.replace("BLOB", "BYTEA")),)


@pytest.fixture(scope="module")
def suite_target(database: PostgresTarget) -> PostgresTarget:
    """A schema for all of the suite."""
    schema = "suite"

    async def create() -> None:
        async with superuser(database) as connection:
            await connection.execute(f'CREATE SCHEMA "{schema}" AUTHORIZATION "{database.user}"')

    asyncio.run(create())
    return msgspec.structs.replace(database, schema=schema)


class TestDirect(StoreSuite):
    """Connected to the server itself."""

    features = Features(reopens=True, zero_in_text=False)
    schema = POSTGRES_SCHEMA
    options = PostgresOptions()

    @pytest.fixture(autouse=True)
    async def _target(self, suite_target: PostgresTarget) -> None:
        self.target = suite_target
        await emptied(suite_target)

    async def open_store(self) -> Store:
        return await PostgresStore.open(self.target, self.schema, self.options)
