"""Replicas share a database: one of them handles the events, and another goes on when it is gone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from calve.contract import describe
from calve.core.clock import SystemClock
from calve.core.codec import Codec
from calve.messaging import Consumers, DispatchOptions, Handler, LocalFeed
from calve.messaging.lease import ShardLease
from calve.observe import Logger
from calve.store import PostgresTarget, SchemaFile, SqliteStore, Store, Transaction
from calve.store.log import Outlet
from calve.store.postgres import PostgresStore
from calve.testing.postgres import Missing, temporary_database
from calve.testing.store_suite.log import Bank, Opened

CLOCK = SystemClock()
NOTED = SchemaFile("0001_noted.sql", "CREATE TABLE noted (cents BIGINT NOT NULL)")


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresTarget]:
    """A database of the listeners."""
    with asyncio.Runner() as runner:
        made = temporary_database()
        try:
            target = runner.run(made.__aenter__())
        except Missing as missing:
            pytest.skip(str(missing))
        yield target
        runner.run(made.__aexit__(None, None, None))


async def test_one_has_it_and_another_takes_over(database: PostgresTarget) -> None:
    async with await PostgresStore.open(database, [NOTED]) as store:
        first, second = ShardLease(store, "x", CLOCK, 0.3), ShardLease(store, "x", CLOCK, 60)
        assert await first.hold()
        assert not await second.hold()
        assert await first.hold()
        async with asyncio.timeout(20):
            while not await second.hold():  # noqa: ASYNC110  (the server's clock decides)
                await asyncio.sleep(0.02)
            while await first.hold():  # noqa: ASYNC110  (it asks again when a third of its time is over)
                await asyncio.sleep(0.02)
        await second.drop()
        assert await first.hold()


async def test_a_store_of_one_process_needs_none() -> None:
    async with await SqliteStore.memory() as store:
        assert await ShardLease(store, "x", CLOCK).hold()
        assert await ShardLease(store, "x", CLOCK).hold()


async def test_replicas_handle_each_event_once(database: PostgresTarget) -> None:
    runs: Counter[str] = Counter()

    def replica(store: Store, bank: Store, name: str) -> Consumers:
        async def note(event: Opened, tx: Transaction) -> None:
            runs[name] += 1
            await tx.execute("INSERT INTO noted (cents) VALUES (:cents)", cents=event.cents)

        feed = LocalFeed("bank", "notes", bank.log, shared=False, clock=CLOCK)
        options = DispatchOptions(look_seconds=0.05, pause_seconds=0.02, lease_seconds=0.5)
        handler = Handler("notes.note", Opened, Codec(Opened), note)
        return Consumers(store, [(feed, [handler])], clock=CLOCK, log=Logger("notes"), options=options)

    async with AsyncExitStack() as stack, asyncio.timeout(60):
        bank = await stack.enter_async_context(await SqliteStore.memory())
        bank.log.outlet = Outlet("bank", describe(Bank), CLOCK)
        stores = [await stack.enter_async_context(await PostgresStore.open(database, [NOTED])) for _ in "ab"]
        replicas = {name: replica(store, bank, name) for name, store in zip("ab", stores, strict=True)}
        for each in replicas.values():
            each.start()

        async def publish(numbers: range) -> None:
            for number in numbers:
                async with bank.transaction() as tx:
                    tx.publish(Opened(owner=f"o{number % 7}", cents=number), key=f"o{number % 7}")
            count = "SELECT count(*) AS n FROM noted"
            while await stores[0].one(count, int) != numbers.stop:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

        await publish(range(60))
        leader = max(runs, key=lambda name: runs[name])
        await replicas[leader].stop()
        await publish(range(60, 120))
        for each in replicas.values():
            await each.stop()
        noted = await stores[0].all("SELECT cents FROM noted ORDER BY cents", int)
    assert noted == list(range(120))
    assert all(runs.values())
