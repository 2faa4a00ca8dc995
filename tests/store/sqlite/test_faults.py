"""A failing disk: everybody hears of it, nothing is half done, and work goes on when the disk does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from calve.store import SqliteOptions, SqliteStore, StoreUnavailable
from calve.testing.disk import FaultyDisk, Operation

from .conftest import ACCOUNTS, put

COUNT = "SELECT count(*) AS n FROM account"


@pytest.fixture
def disk() -> FaultyDisk:
    """A disk that does what it should, so far."""
    return FaultyDisk()


@pytest.fixture
async def on_disk(disk: FaultyDisk, tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A store on that disk."""
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS, SqliteOptions(vfs=disk.vfs)) as store:
        yield store


@pytest.mark.parametrize(
    ("operation", "code", "text"),
    [
        ("write", apsw.SQLITE_FULL, "free space"),
        ("write", apsw.SQLITE_IOERR_WRITE, "refused a write"),
        ("sync", apsw.SQLITE_IOERR_FSYNC, "refused a sync"),
    ],
)
async def test_a_commit_that_the_disk_refuses(
    disk: FaultyDisk, on_disk: SqliteStore, operation: Operation, code: int, text: str
) -> None:
    await put(on_disk, "before", 1)
    disk.fail(operation, code)
    results = await asyncio.gather(*(put(on_disk, f"o{i}", i) for i in range(8)), return_exceptions=True)
    assert {type(r) for r in results} == {StoreUnavailable}
    assert text in str(results[0])
    assert await on_disk.all("SELECT owner FROM account", str) == ["before"]
    disk.fail(operation, None)
    await put(on_disk, "after", 1)
    assert await on_disk.all("SELECT owner FROM account ORDER BY owner", str) == ["after", "before"]


async def test_a_disk_that_fails_in_the_middle_of_a_large_transaction(disk: FaultyDisk, on_disk: SqliteStore) -> None:
    disk.fail("write", apsw.SQLITE_FULL)
    rows = [
        {"owner": f"{i:01000}", "cents": i} for i in range(20_000)
    ]  # more than the cache holds: it is written early

    async def large() -> None:
        async with on_disk.transaction() as tx:
            await tx.execute_many("INSERT INTO account VALUES (:owner, :cents)", rows)

    results = await asyncio.gather(put(on_disk, "ada", 1), large(), return_exceptions=True)
    assert [type(r) for r in results] == [StoreUnavailable] * 2
    disk.fail("write", None)
    assert await on_disk.one(COUNT, int) == 0
    await put(on_disk, "ada", 1)
    assert await on_disk.one(COUNT, int) == 1


async def test_a_disk_that_fails_while_the_store_is_closed(disk: FaultyDisk, tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "a.db", ACCOUNTS, SqliteOptions(vfs=disk.vfs))
    await put(store, "ada", 1)
    disk.fail("write", apsw.SQLITE_IOERR_WRITE)
    with pytest.raises(StoreUnavailable, match="refused a write"):
        await store.close()
    disk.fail("write", None)
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS) as again:
        assert await again.all("SELECT owner FROM account", str) == ["ada"]
