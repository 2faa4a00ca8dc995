"""The writer when those who wait for it, hold it or commit with it are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from calve.store import (
    SqliteStore,
    TransactionError,
)

from .conftest import ACCOUNTS, Blocker, put

PUT = "INSERT INTO account VALUES (:owner, :cents)"
COUNT = "SELECT count(*) AS n FROM account"
MakeBlocker = Callable[[SqliteStore], Blocker]


async def many(store: SqliteStore, count: int) -> None:
    """That many transactions, started together."""
    await asyncio.gather(*(put(store, f"o{i}", i) for i in range(count)))


async def test_cancelled_while_waiting_for_the_writer(store: SqliteStore) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with store.transaction() as tx:
            entered.set()
            await leave.wait()
            await tx.execute(PUT, owner="ada", cents=1)

    holder = asyncio.create_task(hold())
    await entered.wait()
    waiters = [asyncio.create_task(put(store, f"o{i}", i)) for i in range(4)]
    await asyncio.sleep(0)
    waiters[0].cancel()
    waiters[2].cancel()
    leave.set()
    await holder
    results = await asyncio.gather(*waiters, return_exceptions=True)
    assert [type(r) for r in results] == [asyncio.CancelledError, type(None)] * 2
    assert await store.all("SELECT owner FROM account ORDER BY owner", str) == ["ada", "o1", "o3"]


async def test_cancelled_when_it_is_about_to_get_the_writer(store: SqliteStore) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with store.transaction():
            entered.set()
            await leave.wait()

    holder = asyncio.create_task(hold())
    await entered.wait()
    first, second = (asyncio.create_task(put(store, name, 1)) for name in ("ada", "bob"))
    await asyncio.sleep(0)
    leave.set()
    await holder  # now the first waiter is woken, but has not run
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await second
    assert await store.all("SELECT owner FROM account", str) == ["bob"]


async def test_cancelled_while_a_thread_runs_its_statement(tmp_path: Path, block: MakeBlocker) -> None:
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS) as store:
        blocker = block(store)

        async def slow() -> None:
            async with store.transaction() as tx:
                await tx.execute(PUT, owner="ada", cents=1)
                await tx.execute("INSERT INTO account VALUES ('bob', block())")

        task = asyncio.create_task(slow())
        await blocker.entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task  # at once, although the thread is still at it
        after = asyncio.create_task(put(store, "cyd", 1))
        await asyncio.sleep(0)
        assert not after.done()
        blocker.let_go()
        await after
        assert await store.all("SELECT owner FROM account", str) == ["cyd"]


async def test_the_same_task_may_go_on_after_its_cancelled_transaction(tmp_path: Path, block: MakeBlocker) -> None:
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS) as store:
        blocker = block(store)

        async def slow_then_again() -> None:
            try:
                async with store.transaction() as tx:
                    await tx.execute("INSERT INTO account VALUES ('bob', block())")
            except asyncio.CancelledError:
                blocker.let_go()
            await put(store, "ada", 1)

        task = asyncio.create_task(slow_then_again())
        await blocker.entered.wait()
        task.cancel()
        await task
        assert await store.all("SELECT owner FROM account", str) == ["ada"]


async def test_a_statement_given_up_ends_the_transaction(tmp_path: Path, block: MakeBlocker) -> None:
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS) as store:
        blocker = block(store)

        async def give_up() -> None:
            async with store.transaction() as tx:
                statement = asyncio.create_task(tx.execute("INSERT INTO account VALUES ('ada', block())"))
                await blocker.entered.wait()
                statement.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await statement
                blocker.let_go()
                with pytest.raises(TransactionError, match="cancelled while it ran"):
                    await tx.execute(PUT, owner="bob", cents=1)

        with pytest.raises(TransactionError, match="caught inside the block: cancelled while it ran"):
            await give_up()
        assert await store.one(COUNT, int) == 0


async def test_cancelled_during_the_commit_is_too_late(tmp_path: Path, block: MakeBlocker) -> None:
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS) as store:
        blocker = block(store)
        blocker.at("COMMIT")
        task = asyncio.create_task(put(store, "ada", 1))
        await blocker.entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        blocker.let_go()
        await put(store, "bob", 1)
        assert await store.one(COUNT, int) == 2
