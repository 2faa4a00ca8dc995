"""Killed at random moments: what the dead process acknowledged is there, nothing is half there, the file is sound.

The child writes a line to its standard output *after* each transaction was acknowledged, so every line the parent
reads, even long after the kill, stands for a durable transaction.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

import pytest

from calve.store import SqliteStore

from .conftest import ACCOUNTS

CHILD = """
import asyncio, os, sys
from calve.store import SchemaFile, SqliteOptions, SqliteStore

async def main(path, sql, name):
    # A small log makes the checkpoint, which rewrites the database file itself, happen during the test.
    store = await SqliteStore.open(path, [SchemaFile("0001_init.sql", sql)], SqliteOptions(batch_count_max=16))
    store._connection.raw.wal_autocheckpoint(20)

    async def client(number):
        for i in range(1_000_000):
            owner = f"{name}-{number}-{i}"
            async with store.transaction() as tx:
                await tx.execute("INSERT INTO account VALUES (:owner, 1)", owner=owner)
                if i % 5 == 4:
                    await asyncio.sleep(0)
                await tx.execute("INSERT INTO entry (owner) VALUES (:owner)", owner=owner)
            os.write(1, f"{owner}\\n".encode())

    await asyncio.gather(*(client(number) for number in range(40)))

asyncio.run(main(*sys.argv[1:]))
"""


async def kill_after(lines: int, path: Path, name: str) -> set[str]:
    """Run the child until it has acknowledged so many transactions, kill it, and return all it acknowledged."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, str(path), ACCOUNTS[0].sql, name, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    acknowledged = [await child.stdout.readline() for _ in range(lines)]
    child.kill()
    acknowledged += [line async for line in child.stdout]
    await child.wait()
    return {line.decode().strip() for line in acknowledged if line.endswith(b"\n")}


@pytest.mark.parametrize("seed", range(3))
async def test_a_killed_process_loses_nothing_it_acknowledged(tmp_path: Path, seed: int) -> None:
    path, chance = tmp_path / "a.db", random.Random(seed)
    acknowledged: set[str] = set()
    for run in range(3):
        acknowledged |= await kill_after(chance.randrange(1, 3000), path, f"run{run}")
        async with await SqliteStore.open(path, ACCOUNTS) as store:
            accounts = set(await store.all("SELECT owner FROM account", str))
            assert acknowledged <= accounts
            assert set(await store.all("SELECT owner FROM entry", str)) == accounts
            assert store._connection.raw.pragma("integrity_check") == "ok"
