"""A real process, killed at each crash point and at random: no event is lost, none counts twice, keys stay in order."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from calve.core.crash import POINTS, VARIABLE
from calve.messaging import Parking
from calve.messaging.suspects import DEATHS_MAX
from calve.store import Store
from calve.testing.postgres import Missing, temporary_database

from .bank_process import NOTED, PAID, POISON, open_store

PAYMENTS = 80
LIVES_MAX = 40
NEVER = "event.committed:1000000"
OURS = [point for point in POINTS if point.startswith(("publish.", "event."))]


@pytest.fixture(params=["sqlite", "postgres"])
async def urls(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    """Two databases, of the bank and of its notebook."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/bank.db", f"sqlite:///{tmp_path}/notes.db"
        return
    try:
        async with temporary_database() as bank, temporary_database() as notes:
            yield str(bank), str(notes)
    except Missing as missing:
        pytest.skip(str(missing))


async def live(urls: tuple[str, str], crash_at: str, chance: random.Random, acknowledged: set[int]) -> bool:
    """One life of the process; whether it came to its end."""
    script = str(Path(__file__).with_name("bank_process.py"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, *urls, str(PAYMENTS),
        env={**os.environ, VARIABLE: crash_at}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    kill_after = chance.randrange(5, 60) if not crash_at else PAYMENTS + 1
    done = False
    async for line in process.stdout:
        if line == b"done\n":
            done = True
            break
        acknowledged.add(int(line))
        kill_after -= 1
        if kill_after == 0:
            process.kill()
    code = await process.wait()
    assert code == (0 if done else -signal.SIGKILL)
    return done


async def check(urls: tuple[str, str], acknowledged: set[int]) -> None:
    """Read both databases: what was paid was noted, once, in order."""
    bank: Store
    async with await open_store(urls[0], PAID) as bank, await open_store(urls[1], NOTED) as notes:
        paid = {row.number: row.owner for row in await bank.all("SELECT number, owner FROM paid")}
        noted = await notes.all("SELECT owner, cents FROM noted ORDER BY place")
    assert acknowledged <= paid.keys()
    assert sorted(row.cents for row in noted) == sorted(paid)
    by_owner: dict[str, list[int]] = {}
    for row in noted:
        assert paid[row.cents] == row.owner
        by_owner.setdefault(row.owner, []).append(row.cents)
    for numbers in by_owner.values():
        assert numbers == sorted(numbers)


@pytest.mark.parametrize("point", OURS)
async def test_killed_at_a_point(urls: tuple[str, str], point: str) -> None:
    chance, acknowledged = random.Random(7), set[int]()
    assert not await live(urls, f"{point}:7", chance, acknowledged)
    assert await live(urls, NEVER, chance, acknowledged)
    await check(urls, acknowledged)


@pytest.mark.parametrize("seed", [1])
async def test_killed_at_random(urls: tuple[str, str], seed: int) -> None:
    chance, acknowledged = random.Random(seed), set[int]()
    for _ in range(LIVES_MAX):
        if await live(urls, "", chance, acknowledged):
            break
    else:
        pytest.fail(f"not done after {LIVES_MAX} lives")
    await check(urls, acknowledged)


async def test_an_event_that_kills_the_process_is_parked(
    urls: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = 50
    monkeypatch.setenv(POISON, str(poison))
    for _ in range(DEATHS_MAX + 1):  # the first death accuses nobody
        assert not await live(urls, NEVER, random.Random(0), set())
    assert await live(urls, NEVER, random.Random(0), set())
    bank: Store
    async with await open_store(urls[0], PAID) as bank, await open_store(urls[1], NOTED) as notes:
        paid = {row.number: row.owner for row in await bank.all("SELECT number, owner FROM paid")}
        noted = await notes.all("SELECT cents FROM noted", int)
        (key,) = await Parking(notes).keys()
        parked = [int(event.data.rpartition(b":")[2][:-1]) for event in await Parking(notes).events("bank", key.key)]
        left = await notes.one("SELECT count(*) AS n FROM calve_inbox_tries", int)
    assert "died 3 times" in key.error
    assert parked[0] == poison
    assert parked == [n for n, owner in sorted(paid.items()) if owner == paid[poison] and n >= poison]
    assert sorted([*noted, *parked]) == sorted(paid)
    assert left == 0
