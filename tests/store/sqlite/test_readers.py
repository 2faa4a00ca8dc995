"""Reads in threads and snapshots: cancelled, outnumbered, too long, and at the end of the store."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import apsw
import pytest

from calve.store import Reader, SqliteOptions, SqliteStore, StatementError, StoreUnavailable, TransactionError
from calve.testing import virtual_time

from .conftest import ACCOUNTS, put

COUNT = "SELECT count(*) AS n FROM account"
FOREVER = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS i FROM n"
THREADS = SqliteOptions(loop_steps_max=100)


async def in_thread(store: SqliteStore) -> None:
    """Wait until a reader's thread is at work."""
    while not any(lease.running for lease in store._readers._leases):  # noqa: ASYNC110  (the store has no such event)
        await asyncio.sleep(0)


@pytest.mark.parametrize("snapshot", [False, True])
async def test_a_cancelled_read_is_interrupted(tmp_path: Path, snapshot: bool) -> None:
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS, THREADS) as store:

        async def read() -> None:
            if not snapshot:
                await store.one(FOREVER, int)
            async with store.read() as reader:
                await reader.one(FOREVER, int)

        task = asyncio.create_task(read())
        await in_thread(store)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # The connection comes back fit for use: with more than one slow read at a time, each of them is needed.
        most = FOREVER.replace("FROM n)", "FROM n WHERE i < 10000)")
        assert await asyncio.gather(*(store.one(most, int) for _ in range(4))) == [10_000] * 4
        await store.close(grace_seconds=60)


async def test_more_reads_than_connections_wait_for_each_other(tmp_path: Path) -> None:
    options = SqliteOptions(readers_max=2, loop_steps_max=1)
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS, options) as store:
        await put(store, "ada", 1)
        assert await asyncio.gather(*(store.one(COUNT, int) for _ in range(20))) == [1] * 20
        assert len(store._readers._free) <= 2

        async def look(reader: Reader) -> int | None:
            return await reader.one(COUNT, int)

        async def snapshot() -> int | None:
            async with store.read() as reader:
                return await look(reader)

        assert await asyncio.gather(*(snapshot() for _ in range(20))) == [1] * 20


async def test_a_reader_that_goes_away_while_waiting_leaves_no_hole(tmp_path: Path) -> None:
    options = SqliteOptions(readers_max=1, loop_steps_max=1)
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS, options) as store:
        async with store.read():
            waiting = asyncio.create_task(store.one(COUNT, int))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert await store.one(COUNT, int) == 0


async def test_too_many_rows_leave_no_read_open(store: SqliteStore) -> None:
    with pytest.raises(StatementError, match="more than one row"):
        await store.one("SELECT value FROM json_each('[1, 2, 3]')")
    assert store._readers._here.raw.txn_state() == apsw.SQLITE_TXN_NONE


@virtual_time
async def test_a_snapshot_does_not_last_for_ever() -> None:
    async with await SqliteStore.memory(ACCOUNTS) as store, store.read() as reader:
        assert await reader.one(COUNT, int) == 0
        await asyncio.sleep(31)
        with pytest.raises(TransactionError, match="ended after 30 s"):
            await reader.one(COUNT, int)


async def test_closing_ends_snapshots_and_slow_reads(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "a.db", ACCOUNTS, THREADS)
    slow = asyncio.create_task(store.one(FOREVER, int))
    await in_thread(store)
    async with store.read() as reader:
        assert await reader.one(COUNT, int) == 0
        await store.close(grace_seconds=0)
        with pytest.raises(StoreUnavailable, match="closed during"):
            await reader.one(COUNT, int)
    with pytest.raises(StoreUnavailable):
        await slow


async def test_a_waiting_transaction_is_told_that_the_store_was_closed(store: SqliteStore) -> None:
    entered = asyncio.Event()

    async def hold() -> None:
        async with store.transaction():
            entered.set()
            await asyncio.Event().wait()

    holder = asyncio.create_task(hold())
    await entered.wait()
    waiter = asyncio.create_task(put(store, "ada", 1))
    await asyncio.sleep(0)
    await store.close(grace_seconds=0)
    with pytest.raises(StoreUnavailable, match="closed before"):
        await waiter
    holder.cancel()


async def test_closing_interrupts_a_write_that_does_not_end(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "a.db", ACCOUNTS)

    async def write() -> None:
        async with store.transaction() as tx:
            await tx.execute(f"INSERT INTO account SELECT 'ada', i FROM ({FOREVER})")

    task = asyncio.create_task(write())
    while store._writer._owner is None or not store._writer._owner.running:  # noqa: ASYNC110  (as above)
        await asyncio.sleep(0)
    await store.close(grace_seconds=0.05)
    with pytest.raises(StoreUnavailable):
        await task
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS) as again:
        assert await again.one(COUNT, int) == 0


async def test_closing_writes_the_log_back(tmp_path: Path) -> None:
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS) as store:
        await put(store, "ada", 1)
        assert "a.db-wal" in os.listdir(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["a.db", "a.db.lock"]


async def test_closing_that_is_cancelled_goes_on(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "a.db", ACCOUNTS)
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await store.close()
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS):
        pass
