"""The log on PostgreSQL: what readers see of publishers that are slow to commit, or never do."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from uuid import uuid4

import pytest

from calve.contract import describe
from calve.core.clock import SystemClock
from calve.core.crash import at_crash_points
from calve.store import PostgresTarget
from calve.store.log import VOID, Outlet
from calve.store.postgres import PostgresStore
from calve.store.postgres.append import LOCK, shard_of
from calve.testing.store_suite.log import Bank, Boom, Opened, whole

from .conftest import superuser

KEY = "ada"
SHARD = shard_of(KEY)


@pytest.fixture
def bank(store: PostgresStore) -> PostgresStore:
    """An open store whose service publishes."""
    store.log.outlet = Outlet("bank", describe(Bank), SystemClock())
    return store


async def publish(bank: PostgresStore, cents: int) -> None:
    """One event of the key."""
    async with bank.transaction() as tx:
        tx.publish(Opened(owner=KEY, cents=cents), key=KEY)


async def fail(bank: PostgresStore) -> None:
    """A transaction that has its offsets already when it is rolled back."""

    def stop(point: str) -> None:
        if point == "publish.before_commit":
            raise Boom

    with at_crash_points(stop), suppress(Boom):
        await publish(bank, 0)


async def test_an_offset_that_was_rolled_back_holds_nothing(bank: PostgresStore) -> None:
    await publish(bank, 1)
    await fail(bank)
    await fail(bank)
    await publish(bank, 2)
    first = await bank.log.read(SHARD, 0, 10)
    assert [record.offset for record in first] == [1]
    rest = await bank.log.read(SHARD, 1, 10)
    assert [(record.offset, record.type) for record in rest] == [(2, VOID), (3, VOID), (4, "Opened")]
    await publish(bank, 3)
    assert [record.offset for record in await bank.log.read(SHARD, 0, 10)] == [1, 2, 3, 4, 5]


async def test_nobody_overtakes_who_is_still_committing(bank: PostgresStore, target: PostgresTarget) -> None:
    table = f'"{target.schema}".calve_log'
    async with superuser(target) as slow:
        lock = LOCK.replace("calve_log", table)
        await slow.execute(
            f"""BEGIN; SELECT pg_advisory_xact_lock_shared({lock}, {SHARD});
            INSERT INTO {table} SELECT {SHARD}, nextval('"{target.schema}".calve_log_{SHARD}'), '{uuid4()}', '{KEY}',
                'Opened', 3, 0, '{{}}', '{{"owner":"ada","cents":1}}'"""
        )
        await publish(bank, 2)  # does not wait for the other one, and is committed first
        reading = asyncio.create_task(bank.log.read(SHARD, 0, 10))
        done, _ = await asyncio.wait([reading], timeout=0.2)
        assert not done
        await slow.execute("COMMIT")
        assert (await reading)[0].data == b'{"owner":"ada","cents":1}'
        assert [record.offset for record in await bank.log.read(SHARD, 0, 10)] == [1, 2]


async def test_publishers_of_one_key_do_not_collide_over_the_log(bank: PostgresStore) -> None:
    await asyncio.gather(*(publish(bank, number) for number in range(40)))
    assert len(await whole(bank)) == 40
    assert bank.metrics.conflicts == 0
