"""A database that cannot be opened: one clear error with the next step, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import apsw
import pytest

from calve.core.errors import ConfigError
from calve.store import SqliteOptions, SqliteStore, StoreUnavailable
from calve.store.sqlite.connection import Connection
from calve.testing.disk import FaultyDisk

from .conftest import ACCOUNTS, put

HOLDER = """
import asyncio, sys
from calve.store import SqliteStore

async def main():
    async with await SqliteStore.open(sys.argv[1]):
        print("open", flush=True)
        sys.stdin.read()

asyncio.run(main())
"""


async def refused(path: Path) -> ConfigError:
    """The error that opening raises."""
    with pytest.raises(ConfigError) as caught:
        await SqliteStore.open(path, ACCOUNTS)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return caught.value


async def test_the_directory_is_missing(tmp_path: Path) -> None:
    error = await refused(tmp_path / "no" / "a.db")
    assert error.where == str(tmp_path / "no" / "a.db")
    assert f"mkdir -p {tmp_path / 'no'}" in str(error)


async def test_it_is_a_directory(tmp_path: Path) -> None:
    assert "is a directory" in str(await refused(tmp_path))


@pytest.mark.parametrize("what", ["directory", "file"])
async def test_it_may_not_be_written(tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.db"
    path.touch()
    forbidden = tmp_path if what == "directory" else path
    # Not by chmod: root may write everything.
    monkeypatch.setattr(os, "access", lambda target, mode: Path(target) != forbidden)
    assert "writable" in str(await refused(path))


async def test_it_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"owner,cents\nada,5\n" * 100)
    assert "not a SQLite database" in str(await refused(path))
    assert path.read_bytes().startswith(b"owner,cents")


async def test_it_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with await SqliteStore.open(path, ACCOUNTS) as store:
        await put(store, "ada", 1)
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))
    error = await refused(path)
    assert "damaged" in str(error)
    assert "restore" in str(error)


async def test_it_is_open_in_this_process(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with await SqliteStore.open(path, ACCOUNTS):
        error = await refused(path)
    assert "this process" in str(error)
    assert "{service}" in str(error)


async def test_it_is_open_in_another_process_until_that_dies(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    command = [sys.executable, "-c", HOLDER, str(path)]
    pipe = asyncio.subprocess.PIPE
    holder = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"open\n"
    assert f"process {holder.pid} uses the database" in str(await refused(path))
    holder.send_signal(signal.SIGKILL)
    await holder.wait()
    async with await SqliteStore.open(path, ACCOUNTS) as store:
        await put(store, "ada", 1)


async def test_another_program_has_it_locked(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with await SqliteStore.open(path, ACCOUNTS):
        pass
    other = apsw.Connection(str(path))
    other.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ConfigError, match="another program holds"):
        await SqliteStore.open(path, ACCOUNTS, SqliteOptions(busy_seconds=0.01))
    other.close(True)
    async with await SqliteStore.open(path, ACCOUNTS):
        pass


async def test_a_cancelled_opening_leaves_nothing_locked(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    task = asyncio.create_task(SqliteStore.open(path, ACCOUNTS))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))  # the thread is still at it
    await (await SqliteStore.open(path, ACCOUNTS)).close()


async def test_the_settings_that_durability_stands_on(tmp_path: Path) -> None:
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS) as store:
        raw = store._connection.raw
        found = {name: raw.pragma(name) for name in ("journal_mode", "synchronous", "foreign_keys")}
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (apsw.SQLITE_FULL, "the disk is full; free"),
        (apsw.SQLITE_READONLY, "is read-only; let"),
        (apsw.SQLITE_PERM, "is read-only; let"),
        (apsw.SQLITE_IOERR, "cannot be opened: .*; see"),
    ],
)
async def test_other_faults(tmp_path: Path, code: int, text: str) -> None:
    disk = FaultyDisk()
    disk.fail("write", code)
    with pytest.raises(ConfigError, match=text):
        await SqliteStore.open(tmp_path / "a.db", ACCOUNTS, SqliteOptions(vfs=disk.vfs))
    disk.fail("write", None)
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS):
        pass


async def test_the_lock_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "a.db.lock").mkdir()
    error = await refused(tmp_path / "a.db")
    assert error.where == str(tmp_path / "a.db.lock")


async def test_a_reader_that_cannot_be_opened_later(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with await SqliteStore.open(path, ACCOUNTS, SqliteOptions(readers_max=1)) as store:
        path.rename(tmp_path / "moved.db")
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="no further connection"):
                await store.read().__aenter__()
        (tmp_path / "moved.db").rename(path)
        async with store.read() as reader:
            assert await reader.one("SELECT count(*) AS n FROM account", int) == 0


async def test_a_snapshot_that_cannot_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with await SqliteStore.open(tmp_path / "a.db", ACCOUNTS, SqliteOptions(readers_max=1)) as store:

        def refuse(_: Connection, sql: str) -> None:
            raise StoreUnavailable(sql)

        with monkeypatch.context() as patch:
            patch.setattr(Connection, "command", refuse)
            with pytest.raises(StoreUnavailable, match="BEGIN"):
                await store.read().__aenter__()
        async with store.read() as reader:
            assert await reader.one("SELECT count(*) AS n FROM account", int) == 0


async def test_a_store_in_memory_leaves_no_file() -> None:
    store = await SqliteStore.memory(ACCOUNTS)
    folder = store.path.parent
    assert folder.exists()
    await store.close()
    assert not folder.exists()
