"""What the tests of the PostgreSQL store share: a database for all of them, and a schema for each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from calve.store import PostgresTarget, SchemaFile, Store
from calve.store.postgres import PostgresStore
from calve.testing.postgres import Missing, OwnServer, admin_connection, own_server, temporary_database


@pytest.fixture(scope="session")
def database() -> Iterator[PostgresTarget]:
    """A database of this run, made once because that takes a moment."""
    with asyncio.Runner() as runner:
        made = temporary_database()
        try:
            target = runner.run(made.__aenter__())
        except Missing as missing:
            pytest.skip(str(missing))
        yield target
        runner.run(made.__aexit__(None, None, None))


@pytest.fixture
async def target(database: PostgresTarget) -> AsyncIterator[PostgresTarget]:
    """An empty schema of this test's own."""
    schema = f"t_{uuid4().hex[:12]}"
    async with superuser(database) as connection:
        await connection.execute(f'CREATE SCHEMA "{schema}" AUTHORIZATION "{database.user}"')
        yield msgspec.structs.replace(database, schema=schema)
        await connection.execute(f'DROP SCHEMA "{schema}" CASCADE')


async def emptied(target: PostgresTarget) -> None:
    """Delete every row of the suite's tables, which is faster than making them anew for each test."""
    async with superuser(target) as connection:
        schema = target.schema or "public"
        sql = "SELECT tablename FROM pg_tables WHERE schemaname = $1 AND tablename <> 'calve_schema'"
        tables = [f'"{schema}"."{row[0]}"' for row in await connection.fetch(sql, schema)]
        if tables:
            await connection.execute(f"TRUNCATE {', '.join(tables)}")


@contextlib.asynccontextmanager
async def superuser(target: PostgresTarget) -> AsyncIterator[Any]:
    """A connection as superuser to a database, closed at the end."""
    connection = await admin_connection(f"postgresql://postgres@{target.host}:{target.port}/{target.database}")
    try:
        yield connection
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def connected(target: PostgresTarget, password: str | None = None) -> AsyncIterator[Any]:
    """A bare connection, closed at the end."""
    connection = await asyncpg.connect(
        host=target.host, port=target.port, user=target.user, database=target.database, password=password
    )
    try:
        yield connection
    finally:
        await connection.close()


ACCOUNTS = (
    SchemaFile(
        "0001_init.sql",
        """CREATE TABLE account (owner TEXT PRIMARY KEY, cents BIGINT NOT NULL CHECK (cents >= 0));
           CREATE TABLE entry (
               number INTEGER PRIMARY KEY,
               owner TEXT REFERENCES account (owner) DEFERRABLE INITIALLY DEFERRED
           );""",
    ),
)
"""The tables most tests use."""


@pytest.fixture
def schema() -> tuple[SchemaFile, ...]:
    """The tables most tests use."""
    return ACCOUNTS


@pytest.fixture
async def store(target: PostgresTarget, schema: tuple[SchemaFile, ...]) -> AsyncIterator[PostgresStore]:
    """An open store."""
    async with await PostgresStore.open(target, schema) as store:
        yield store


@pytest.fixture(scope="session")
def server() -> Iterator[OwnServer]:
    """A server of this run's own, which asks for passwords and may be killed; whoever kills it starts it again."""
    try:
        with own_server("max_connections=20") as server:
            yield server
    except Missing as missing:
        pytest.skip(str(missing))


async def put(store: Store, owner: str, cents: int) -> None:
    """Insert an account."""
    async with store.transaction() as tx:
        await tx.execute("INSERT INTO account VALUES (:owner, :cents)", owner=owner, cents=cents)


async def until(condition: Callable[[], bool]) -> None:
    """Let others run until something holds."""
    while not condition():  # noqa: ASYNC110  (about sockets that only the event loop sees, so there is no event)
        await asyncio.sleep(0.002)


@contextlib.asynccontextmanager
async def row_locked(target: PostgresTarget, owner: str) -> AsyncIterator[None]:
    """Somebody else has changed an account, and does not commit while the block lasts."""
    async with superuser(target) as connection, connection.transaction():
        await connection.execute(f'UPDATE "{target.schema}".account SET cents = cents WHERE owner = $1', owner)
        yield


async def waiting(target: PostgresTarget) -> None:
    """Wait until somebody waits for a lock."""
    async with superuser(target) as connection:
        sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'"
        while not await connection.fetchval(sql, target.database):  # the server tells nobody: it has to be asked
            pass
