"""Group commit: what shares a commit, when it is acknowledged, and whose failure is whose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from calve.store import (
    ConstraintViolated,
    SchemaFile,
    SqliteOptions,
    SqliteStore,
    StatementError,
    StoreBusy,
    StoreUnavailable,
    TransactionError,
)
from calve.testing import virtual_time

from .conftest import ACCOUNTS, Blocker, put, refuse

PUT = "INSERT INTO account VALUES (:owner, :cents)"
COUNT = "SELECT count(*) AS n FROM account"
MakeBlocker = Callable[[SqliteStore], Blocker]


async def many(store: SqliteStore, count: int) -> None:
    """That many transactions, started together."""
    await asyncio.gather(*(put(store, f"o{i}", i) for i in range(count)))


async def test_transactions_started_together_share_one_commit(store: SqliteStore) -> None:
    await many(store, 50)
    assert (store.metrics.transactions, store.metrics.commits, store.metrics.batch_size_max) == (50, 1, 50)


async def test_those_a_commit_wakes_share_the_next_one(store: SqliteStore) -> None:
    async def three(name: str) -> None:
        for i in range(3):
            await put(store, f"{name}{i}", i)

    await asyncio.gather(*(three(name) for name in "abcdefgh"))
    assert (store.metrics.transactions, store.metrics.commits) == (24, 3)


async def test_a_batch_is_bounded_by_count(schema: tuple[SchemaFile, ...]) -> None:
    async with await SqliteStore.memory(schema, SqliteOptions(batch_count_max=4, batch_seconds_max=60)) as store:
        await many(store, 10)
        assert (store.metrics.commits, store.metrics.batch_size_max) == (3, 4)


async def test_a_batch_is_bounded_by_time(schema: tuple[SchemaFile, ...]) -> None:
    async with await SqliteStore.memory(schema, SqliteOptions(batch_seconds_max=0)) as store:
        await many(store, 5)
        assert (store.metrics.commits, store.metrics.batch_size_max) == (5, 1)


async def test_transactions_run_in_the_order_they_asked(store: SqliteStore) -> None:
    order: list[int] = []

    async def one(number: int) -> None:
        async with store.transaction() as tx:
            order.append(number)
            for _ in range(number % 3):
                await asyncio.sleep(0)
            await tx.execute(PUT, owner=f"o{number}", cents=0)

    await asyncio.gather(*(one(i) for i in range(30)))
    assert order == list(range(30))


async def test_nobody_is_acknowledged_before_the_commit(tmp_path: Path, block: MakeBlocker) -> None:
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS) as store:
        blocker = block(store)
        blocker.at("COMMIT")
        first, second = (asyncio.create_task(put(store, name, 1)) for name in ("ada", "bob"))
        await blocker.entered.wait()
        late = asyncio.create_task(put(store, "cyd", 1))
        for _ in range(5):
            await asyncio.sleep(0)
        assert [task.done() for task in (first, second, late)] == [False] * 3
        assert await store.one(COUNT, int) == 0
        blocker.let_go()
        await asyncio.gather(first, second, late)
        assert await store.one(COUNT, int) == 3
        assert store.metrics.commits == 2


async def test_a_failed_commit_fails_everybody_in_it_and_nobody_else(store: SqliteStore) -> None:
    store._connection.raw.set_commit_hook(lambda: True)
    results = await asyncio.gather(*(put(store, f"o{i}", i) for i in range(5)), return_exceptions=True)
    assert [type(r) for r in results] == [StoreUnavailable] * 5
    assert all("nothing of the transaction was kept" in str(r) for r in results)
    assert len({id(r) for r in results}) == 5
    assert (store.metrics.commit_failures, store.metrics.rollbacks, store.metrics.transactions) == (1, 5, 0)
    assert await store.one(COUNT, int) == 0
    store._connection.raw.set_commit_hook(None)
    await many(store, 5)
    assert await store.one(COUNT, int) == 5


class NotEnough(Exception):
    """A domain error."""


async def test_an_answer_based_on_what_a_failed_commit_lost_is_not_given(store: SqliteStore) -> None:
    store._connection.raw.set_commit_hook(lambda: True)

    async def refuse() -> None:
        async with store.transaction() as tx:
            await tx.one(COUNT, int)
            raise NotEnough

    async def look() -> int | None:
        async with store.transaction() as tx:
            return await tx.one(COUNT, int)

    results = await asyncio.gather(put(store, "ada", 1), refuse(), look(), return_exceptions=True)
    assert [type(r) for r in results] == [StoreUnavailable] * 3
    store._connection.raw.set_commit_hook(None)
    results = await asyncio.gather(put(store, "ada", 1), refuse(), look(), return_exceptions=True)
    assert [type(r) for r in results] == [type(None), NotEnough, int]


async def test_reading_alone_commits_nothing(store: SqliteStore) -> None:
    async with store.transaction() as tx:
        assert await tx.one(COUNT, int) == 0
    assert (store.metrics.transactions, store.metrics.commits) == (1, 0)
    await put(store, "ada", 1)
    assert store.metrics.commits == 1


async def test_a_deferred_foreign_key_fails_its_own_transaction_only(store: SqliteStore) -> None:
    async def entry(owner: str, create: bool) -> None:
        async with store.transaction() as tx:
            await tx.execute("INSERT INTO entry (owner) VALUES (:owner)", owner=owner)
            if create:
                await tx.execute(PUT, owner=owner, cents=0)

    results = await asyncio.gather(
        entry("nobody", False), entry("ada", True), entry("nobody", False), entry("bob", True), return_exceptions=True
    )
    assert [type(r) for r in results] == [ConstraintViolated, type(None)] * 2
    assert await store.all("SELECT owner FROM entry ORDER BY owner", str) == ["ada", "bob"]
    assert store.metrics.commits == 1


async def test_an_error_that_ends_the_batch_is_told_to_all_of_it(store: SqliteStore) -> None:

    def interrupt(*_: object) -> int:
        store._connection.interrupt()
        return 1

    store._connection.raw.create_scalar_function("stop", interrupt)

    async def stop() -> None:
        async with store.transaction() as tx:
            await tx.execute("INSERT INTO account SELECT 'x' || value, stop() FROM json_each('[1,2,3,4,5,6,7,8,9]')")

    results = await asyncio.gather(put(store, "ada", 1), stop(), put(store, "bob", 1), return_exceptions=True)
    assert [type(r) for r in results] == [StoreUnavailable, StoreUnavailable, type(None)]
    assert "another transaction" in str(results[0])
    assert await store.all("SELECT owner FROM account", str) == ["bob"]


async def test_a_savepoint_that_fails_harms_nobody_else(store: SqliteStore) -> None:
    refuse(store, "SAVEPOINT calve")
    results = await asyncio.gather(*(put(store, name, 1) for name in "abc"), return_exceptions=True)
    assert [type(r) for r in results] == [type(None), StoreUnavailable, type(None)]
    assert await store.all("SELECT owner FROM account", str) == ["a", "c"]


async def test_what_cannot_be_undone_alone_is_undone_together(store: SqliteStore) -> None:
    refuse(store, "ROLLBACK TO calve")

    async def fail() -> None:
        async with store.transaction() as tx:
            await tx.execute(PUT, owner="bob", cents=1)
            raise NotEnough

    results = await asyncio.gather(put(store, "ada", 1), fail(), put(store, "cyd", 1), return_exceptions=True)
    assert [type(r) for r in results] == [StoreUnavailable, NotEnough, type(None)]
    assert await store.all("SELECT owner FROM account", str) == ["cyd"]


@pytest.mark.parametrize("sql", ["INSERT OR ROLLBACK INTO account VALUES ('ada', 1)", "ROLLBACK"])
async def test_a_statement_may_not_end_the_batch(store: SqliteStore, sql: str) -> None:
    with pytest.raises(StatementError, match="ROLLBACK"):
        async with store.transaction() as tx:
            await tx.execute(sql)


@virtual_time
async def test_who_holds_the_writer_too_long_is_rolled_back() -> None:
    async with await SqliteStore.memory(ACCOUNTS) as store:
        entered = asyncio.Event()

        async def dawdle() -> None:
            async with store.transaction() as tx:
                await tx.execute(PUT, owner="ada", cents=1)
                entered.set()
                await asyncio.sleep(60)

        async def use_late() -> None:
            async with store.transaction() as tx:
                await asyncio.sleep(60)
                await tx.execute(PUT, owner="ada", cents=1)

        task = asyncio.create_task(dawdle())
        await entered.wait()
        await put(store, "bob", 1)
        with pytest.raises(TransactionError, match="rolled back after 30 s"):
            await task
        with pytest.raises(TransactionError, match="rolled back after 30 s"):
            await use_late()
        assert await store.all("SELECT owner FROM account", str) == ["bob"]


@virtual_time
async def test_the_limit_starts_with_each_transaction() -> None:
    async with await SqliteStore.memory(ACCOUNTS) as store:
        for name in "abcd":
            async with store.transaction() as tx:
                await asyncio.sleep(20)
                await tx.execute(PUT, owner=name, cents=1)
        assert await store.one(COUNT, int) == 4


async def test_another_process_that_holds_the_database_is_waited_for(tmp_path: Path, block: MakeBlocker) -> None:
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS) as store:
        blocker = block(store)
        blocker.at("BEGIN IMMEDIATE", times=2)  # the first was on the loop, and in vain
        other = apsw.Connection(str(tmp_path / "a.db"))
        other.execute("BEGIN IMMEDIATE")
        task = asyncio.create_task(put(store, "ada", 1))
        await blocker.entered.wait()
        blocker.let_go()
        other.execute("COMMIT")
        await task
        other.close()


async def test_another_process_that_never_lets_go_is_an_error(tmp_path: Path) -> None:
    options = SqliteOptions(busy_seconds=0.01)
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS, options) as store:
        other = apsw.Connection(str(tmp_path / "a.db"))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="another process holds the database"):
            await put(store, "ada", 1)
        other.execute("COMMIT")
        other.close()
        await put(store, "ada", 1)


async def test_those_who_queued_up_wait_for_the_other_process_too(tmp_path: Path, block: MakeBlocker) -> None:
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS) as store:
        blocker = block(store)
        blocker.at("COMMIT")
        first = asyncio.create_task(put(store, "ada", 1))
        await blocker.entered.wait()
        second = asyncio.create_task(put(store, "bob", 1))
        await asyncio.sleep(0)
        refuse(store, "BEGIN IMMEDIATE", StoreBusy)
        blocker.let_go()
        await asyncio.gather(first, second)
        assert await store.one(COUNT, int) == 2


async def test_a_block_is_entered_once(store: SqliteStore) -> None:
    block = store.transaction()
    async with block:
        pass
    with pytest.raises(TransactionError, match="entered once"):
        await block.__aenter__()


async def test_statements_left_running_are_waited_for(tmp_path: Path, block: MakeBlocker) -> None:
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS) as store:
        blocker = block(store)
        async with store.transaction() as tx:
            left = asyncio.create_task(tx.execute("INSERT INTO account VALUES ('ada', block())"))
            await blocker.entered.wait()
            asyncio.get_running_loop().call_soon(blocker.let_go)
        assert await left == 1
        assert await store.one(COUNT, int) == 1


async def test_cancelled_while_waiting_for_a_statement_left_running(tmp_path: Path, block: MakeBlocker) -> None:
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS) as store:
        blocker = block(store)
        left: list[asyncio.Task[int]] = []

        async def leave_early() -> None:
            async with store.transaction() as tx:
                left.append(asyncio.create_task(tx.execute("INSERT INTO account VALUES ('ada', block())")))
                await blocker.entered.wait()

        task = asyncio.create_task(leave_early())
        await blocker.entered.wait()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        blocker.let_go()
        assert await left[0] == 1
        assert await store.one(COUNT, int) == 0
        await put(store, "bob", 1)
