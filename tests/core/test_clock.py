"""The machine's clock, as services see it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from calve import Clock
from calve.core.clock import SystemClock


def test_now_is_aware_and_in_utc() -> None:
    before, now, after = datetime.now(UTC), SystemClock().now(), datetime.now(UTC)
    assert before <= now <= after
    assert now.utcoffset() == timedelta(0)


def test_monotonic_is_the_clock_of_deadlines() -> None:
    before, now, after = time.monotonic(), SystemClock().monotonic(), time.monotonic()
    assert before <= now <= after


async def test_sleeping_no_time_gives_others_a_turn() -> None:
    clock: Clock = SystemClock()
    turns: list[str] = []

    async def other() -> None:
        turns.append("other")

    for seconds in (0, -1):
        turn = asyncio.create_task(other())
        await clock.sleep(seconds)
        turns.append("ours")
        await turn
    assert turns == ["other", "ours"] * 2
