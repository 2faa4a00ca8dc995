"""The server is killed under load and started again: typed errors meanwhile, nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import msgspec
import pytest

from calve.core.secret import Secret
from calve.store import (
    CommitUnknown,
    PostgresTarget,
    StoreConflict,
    StoreUnavailable,
    Transaction,
    postgres_target,
)
from calve.store.postgres import PostgresStore
from calve.testing.postgres import OwnServer

from .conftest import ACCOUNTS, connected, put

PASSWORD = Secret(OwnServer.password)
WRITERS, KILLS = 8, 3


@pytest.fixture
async def place(server: OwnServer) -> AsyncIterator[PostgresTarget]:
    """An empty schema on a server that may be killed."""
    at = postgres_target(server.url, service="postgres")
    async with connected(at, server.password) as connection:
        await connection.execute("DROP SCHEMA IF EXISTS killed CASCADE; CREATE SCHEMA killed")
    yield msgspec.structs.replace(at, schema="killed")
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)


async def test_no_acknowledged_write_is_lost_when_the_server_is_killed(
    place: PostgresTarget, server: OwnServer
) -> None:
    acknowledged: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    enough, stop = asyncio.Event(), False

    async def add(tx: Transaction, owner: str) -> None:
        cents = await tx.one("SELECT cents FROM account WHERE owner = :owner", int, owner=owner)
        assert cents is not None
        await tx.execute("UPDATE account SET cents = :cents WHERE owner = :owner", owner=owner, cents=cents + 1)

    async def write(store: PostgresStore, owner: str) -> None:
        while not stop:
            try:
                await store.transact(lambda tx: add(tx, owner))
            except CommitUnknown:
                unknown[owner] += 1
            except (StoreUnavailable, StoreConflict):
                await asyncio.sleep(0.01)  # what whoever calls the service would do: come back a little later
            else:
                acknowledged[owner] += 1
                if acknowledged.total() % 50 == 0:
                    enough.set()

    async with await PostgresStore.open(place, ACCOUNTS, password=PASSWORD) as store:
        owners = [f"o{n}" for n in range(WRITERS)]
        for owner in owners:
            await put(store, owner, 0)
        writers = [asyncio.create_task(write(store, owner)) for owner in owners]
        for _ in range(KILLS):
            enough.clear()
            await enough.wait()
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
        enough.clear()
        await enough.wait()  # the same store goes on by itself
        stop = True
        await asyncio.gather(*writers)
        for row in await store.all("SELECT owner, cents FROM account"):
            assert acknowledged[row.owner] <= row.cents <= acknowledged[row.owner] + unknown[row.owner]


async def test_while_the_server_is_away_everything_fails_at_once_with_its_own_error(
    place: PostgresTarget, server: OwnServer
) -> None:
    async def doomed(tx: Transaction) -> None:
        await tx.execute("INSERT INTO account VALUES ('ada', 1)")
        await asyncio.to_thread(server.kill)
        await tx.execute("INSERT INTO account VALUES ('bob', 1)")

    async with await PostgresStore.open(place, ACCOUNTS, password=PASSWORD) as store:
        with pytest.raises(StoreUnavailable, match="connection to the server was lost"):
            await store.transact(doomed)
        for attempt in (store.one("SELECT 1"), put(store, "cleo", 1)):
            with pytest.raises(StoreUnavailable) as caught:
                await attempt
            assert caught.value.retryable
        await asyncio.to_thread(server.start)
        await put(store, "dan", 1)
        assert await store.all("SELECT owner FROM account", str) == ["dan"]
