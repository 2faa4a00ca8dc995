"""The virtual clock: time moves when told, and sleepers wake in their order."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from calve import Clock
from calve.testing import VirtualClock


def test_it_is_a_clock() -> None:
    clock: Clock = VirtualClock()
    assert clock.monotonic() == 0


def test_both_times_move_together_and_only_when_told() -> None:
    start = datetime(2026, 5, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    clock = VirtualClock(start)
    assert clock.now() == start
    assert clock.now().tzinfo is UTC
    clock.advance(90)
    clock.advance(0)
    assert clock.now() == start + timedelta(seconds=90)
    assert clock.monotonic() == 90


def test_time_never_goes_back() -> None:
    with pytest.raises(ValueError, match="time cannot go back by 1 seconds"):
        VirtualClock().advance(-1)


def test_it_starts_at_an_instant() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        VirtualClock(datetime(2026, 5, 1))


async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    clock, woken = VirtualClock(), list[int]()

    async def sleeper(seconds: int) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (3, 1, 2, 50)]
    await asyncio.sleep(0)
    assert clock.sleeping == 4
    clock.advance(0.5)
    await asyncio.sleep(0)
    assert woken == []
    clock.advance(0.5)
    await tasks[1]
    assert woken == [1], "at the very moment"
    clock.advance(9.5)
    await asyncio.gather(*tasks[:3])
    assert woken == [1, 2, 3]
    assert clock.sleeping == 1
    tasks[3].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[3]
    assert clock.sleeping == 0
    clock.advance(100)


async def test_sleeping_no_time_gives_others_a_turn() -> None:
    clock = VirtualClock()
    await clock.sleep(0)
    await clock.sleep(-1)
    assert clock.sleeping == 0
