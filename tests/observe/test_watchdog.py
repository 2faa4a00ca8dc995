"""The watch on the event loop, with time in our hands."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from calve.observe import Logger, LoopWatch, Registry
from calve.testing import VirtualClock
from calve.testing.fakes.observe import CapturedLogs


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def logs() -> Iterator[CapturedLogs]:
    with CapturedLogs() as captured:
        yield captured


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
async def watch(clock: VirtualClock, registry: Registry) -> LoopWatch:
    """One that is not started: beats and looks are the test's."""
    owners = {__file__: "legacy"}
    return LoopWatch(1.0, registry, Logger("test"), owners, monotonic=clock.monotonic)


def pass_time(clock: VirtualClock, watch: LoopWatch, seconds: float, each: Callable[[], Any]) -> None:
    """Look twice per second, as the thread does."""
    for _ in range(int(seconds * 2)):
        clock.advance(0.5)
        each()
        watch.look()


def incidents(logs: CapturedLogs) -> list[str]:
    return [line.message for line in logs.lines if "loop" in line.message]


async def test_a_loop_that_beats_is_fine(watch: LoopWatch, clock: VirtualClock, logs: CapturedLogs) -> None:
    pass_time(clock, watch, 10, watch.beat)
    assert incidents(logs) == []
    assert watch.blocked == 0


async def test_one_incident_is_one_line_with_its_culprit(
    watch: LoopWatch, clock: VirtualClock, logs: CapturedLogs, registry: Registry
) -> None:
    pass_time(clock, watch, 10, lambda: None)
    assert incidents(logs) == ["the event loop is blocked"]
    fields = logs.line("the event loop is blocked").fields
    assert fields["culprit"] == "legacy"
    assert "pass_time" in fields["place"]
    assert "pass_time" in fields["stack"]
    watch.beat()
    assert logs.line("the event loop runs again").fields == {"blocked_seconds": 9.75}
    pass_time(clock, watch, 10, lambda: None)
    assert watch.blocked == 2
    assert {i.name: value for i, value in registry.read()} == {"calve.loop.blocked": 2, "calve.loop.lag": 9.75}


async def test_a_process_that_stood_still_blames_nobody(
    watch: LoopWatch, clock: VirtualClock, logs: CapturedLogs
) -> None:
    clock.advance(3600)
    watch.look()
    watch.beat()
    watch.look()
    assert incidents(logs) == []


async def test_a_real_loop_that_is_blocked_is_seen(logs: CapturedLogs, registry: Registry) -> None:
    seen = threading.Event()

    class Telling(Logger):
        def warning(self, message: str, /, **fields: Any) -> None:
            super().warning(message, **fields)
            seen.set()

    watch = LoopWatch(0.25, registry, Telling("test"))  # longer than a busy machine keeps a thread waiting
    watch.start()
    await asyncio.sleep(0)
    assert seen.wait(60)
    seen.clear()
    await asyncio.to_thread(seen.wait)
    watch.stop()
    assert incidents(logs)[:2] == ["the event loop is blocked", "the event loop runs again"]
    assert "seen.wait(60)" in logs.line("the event loop is blocked").fields["stack"]
