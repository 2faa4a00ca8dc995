"""Power loss: whatever the disk had not synchronised may be gone or torn, and everything acknowledged is there.

Rows and events alike: an event without its row, or a row without its event, would be a lie to others.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from calve.contract import describe
from calve.core.clock import SystemClock
from calve.core.errors import ConfigError
from calve.store import SqliteOptions, SqliteStore
from calve.store.log import Outlet
from calve.testing.disk import FaultyDisk
from calve.testing.store_suite.log import Bank, Opened, owners, whole

from .conftest import ACCOUNTS


async def run_until_power_loss(folder: Path, seed: int, durable: bool) -> set[str]:
    """Run transactions of two rows each, and write into `folder` what the power loss at a random moment leaves.

    Returns: those acknowledged before that moment.
    """
    chance, disk = random.Random(seed), FaultyDisk()
    acknowledged: set[str] = set()
    at_the_moment: set[str] = set()
    left = chance.randrange(3, 25)

    def on_sync() -> None:
        nonlocal left, at_the_moment
        left -= 1
        if left == 0:
            at_the_moment = set(acknowledged)
            disk.after_power_loss(folder, chance)

    options = SqliteOptions(vfs=disk.vfs, durable=durable, batch_count_max=8)
    async with await SqliteStore.open(folder.parent / "a.db", ACCOUNTS, options) as store:
        disk.on_sync = on_sync
        store.log.outlet = Outlet("bank", describe(Bank), SystemClock())

        async def client(name: str) -> None:
            for i in range(12):
                owner = f"{name}{i}"
                async with store.transaction() as tx:
                    await tx.execute("INSERT INTO entry (owner) VALUES (:owner)", owner=owner)
                    await tx.execute("INSERT INTO account VALUES (:owner, 1)", owner=owner)
                    tx.publish(Opened(owner=owner, cents=1), key=name)
                acknowledged.add(owner)

        await asyncio.gather(*(client(name) for name in "abcdef"))
        disk.on_sync = None
        if left > 0:
            at_the_moment = set(acknowledged)
            disk.after_power_loss(folder, chance)
    return at_the_moment


@pytest.mark.parametrize("seed", range(200))
async def test_everything_acknowledged_survives(tmp_path: Path, seed: int) -> None:
    folder = tmp_path / "after"
    folder.mkdir()
    acknowledged = await run_until_power_loss(folder, seed, durable=True)
    async with await SqliteStore.open(folder / "a.db", ACCOUNTS) as store:
        accounts = set(await store.all("SELECT owner FROM account", str))
        assert acknowledged <= accounts
        assert set(await store.all("SELECT owner FROM entry", str)) == accounts
        published = owners(await whole(store))
        assert sorted(published) == sorted(accounts)
        by_key = {name: [int(owner[1:]) for owner in published if owner[0] == name] for name in "abcdef"}
        assert all(numbers == list(range(len(numbers))) for numbers in by_key.values())
        assert store._connection.raw.pragma("integrity_check") == "ok"


@pytest.mark.parametrize("seed", range(3))
async def test_the_simulated_disk_does_forget(tmp_path: Path, seed: int) -> None:
    folder = tmp_path / "after"
    folder.mkdir()
    acknowledged = await run_until_power_loss(folder, seed, durable=False)
    assert len(acknowledged) == 72
    try:
        async with await SqliteStore.open(folder / "a.db", ACCOUNTS) as store:
            found = set(await store.all("SELECT owner FROM account", str))
    except ConfigError:  # not even a database any more
        found = set()
    assert not acknowledged <= found
