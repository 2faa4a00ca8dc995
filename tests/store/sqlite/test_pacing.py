"""Where statements run: on the loop when they are fast, in a thread when they are not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from calve.store import SqliteStore, StatementError
from calve.store.sqlite.plan import RETRIES_AFTER, Plan

from .conftest import put

ENDLESS = (
    """WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most) SELECT max(i) AS i FROM n"""
)


async def test_a_read_over_budget_is_run_again_in_a_thread(store: SqliteStore) -> None:
    metrics = store.metrics
    assert await store.one(ENDLESS, int, most=100_000) == 100_000
    assert (metrics.loop_statements, metrics.thread_statements) == (1, 1)
    assert await store.one(ENDLESS, int, most=100_000) == 100_000
    assert (metrics.loop_statements, metrics.thread_statements) == (1, 2)


async def test_a_read_that_has_become_fast_returns_to_the_loop(store: SqliteStore) -> None:
    await store.one(ENDLESS, int, most=100_000)
    for _ in range(RETRIES_AFTER):
        await store.one(ENDLESS, int, most=10)
    before = store.metrics.loop_statements
    await store.one(ENDLESS, int, most=10)
    assert store.metrics.loop_statements == before + 1


async def test_a_slow_read_inside_a_transaction_harms_nothing(store: SqliteStore) -> None:
    async with store.transaction() as tx:
        await tx.execute("INSERT INTO account VALUES ('ada', 1)")
        await tx.one(ENDLESS, int, most=10)
        assert await tx.one(ENDLESS, int, most=100_000) == 100_000
        assert await tx.one("SELECT cents FROM account", int) == 1
    assert await store.one("SELECT cents FROM account", int) == 1


async def test_a_slow_read_inside_a_snapshot_stays_in_it(store: SqliteStore) -> None:
    count = "SELECT count(*) AS n FROM account"
    async with store.read() as reader:
        assert await reader.one(count, int) == 0
        await put(store, "ada", 1)
        assert await reader.one(ENDLESS, int, most=100_000) == 100_000
        assert await reader.one(count, int) == 0


async def test_a_new_write_is_tried_in_a_thread_first(store: SqliteStore) -> None:
    await put(store, "ada", 1)
    assert (store.metrics.loop_statements, store.metrics.thread_statements) == (0, 1)
    await put(store, "bob", 1)
    assert (store.metrics.loop_statements, store.metrics.thread_statements) == (1, 1)


async def test_a_write_that_was_slow_goes_to_a_thread(store: SqliteStore) -> None:
    series = "INSERT INTO account SELECT 'o' || i, i FROM (WITH RECURSIVE n (i) AS (SELECT :first UNION ALL"
    insert = f"{series} SELECT i + 1 FROM n WHERE i < :last) SELECT i FROM n)"
    for first, last in ((1, 2), (10, 11), (100, 10_000), (20_000, 20_001)):
        async with store.transaction() as tx:
            assert await tx.execute(insert, first=first, last=last) == last - first + 1
    # Tried in a thread, then on the loop, then on the loop for too long, then in a thread.
    assert (store.metrics.loop_statements, store.metrics.thread_statements) == (2, 2)


async def test_many_rows_at_once_go_to_a_thread(store: SqliteStore) -> None:
    insert = "INSERT INTO account VALUES (:owner, :cents)"
    async with store.transaction() as tx:
        await tx.execute(insert, owner="ada", cents=1)
        await tx.execute_many(insert, [{"owner": f"a{i}", "cents": i} for i in range(5)])
        assert store.metrics.loop_statements == 1
        await tx.execute_many(insert, [{"owner": f"b{i}", "cents": i} for i in range(500)])
        assert store.metrics.loop_statements == 1
        await tx.execute(insert, owner="bob", cents=1)
        assert store.metrics.loop_statements == 2


async def test_a_mistake_in_many_rows_names_the_row(store: SqliteStore) -> None:
    with pytest.raises(StatementError, match="row 2: parameters missing: cents"):
        async with store.transaction() as tx:
            await tx.execute_many(
                "INSERT INTO account VALUES (:owner, :cents)", [{"owner": "a", "cents": 1}, {"owner": "b"}]
            )


async def test_a_task_full_of_statements_lets_others_run(store: SqliteStore) -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    share = store._writer._share
    async with store.transaction() as tx, store.read() as snapshot:
        await tx.one("SELECT 1 AS one", int)  # the first run of any statement is in a thread
        for reader in (store, tx, snapshot):
            for spent, others in ((0.0, 0), (share.limit + 1, 1)):
                share.spent, before = spent, turns
                await reader.one("SELECT 1 AS one", int)
                assert turns - before == others
    task.cancel()


def test_late_once_is_chance_and_twice_is_not() -> None:
    plan = Plan("SELECT 1", trial=False)
    for late in (True, False, True):
        plan.ran_on_loop(late)
        assert plan.thread_runs == 0
    plan.ran_on_loop(True)
    assert plan.thread_runs == RETRIES_AFTER
    plan.ran_in_thread(False)
    assert plan.thread_runs == RETRIES_AFTER - 1
    plan.ran_in_thread(True)
    assert plan.thread_runs == RETRIES_AFTER


async def test_statements_are_not_kept_for_ever(store: SqliteStore) -> None:
    for i in range(1100):
        await store.one(f"SELECT {i} AS i", int)
    cache: Any = store._readers._plans
    assert cache.cache_info().currsize == 1024
