"""Virtual time: the loop jumps, in a fixed order, and says so when nothing can happen any more."""

from __future__ import annotations

import asyncio

import pytest

from calve.testing import Stalled, VirtualClock, run_virtual, virtual_clock, virtual_time
from calve.testing import loop as loop_module


@virtual_time
async def test_sleeps_take_exactly_as_long_as_they_say() -> None:
    clock = virtual_clock()
    await asyncio.sleep(3600)
    assert clock.monotonic() == 3600
    await clock.sleep(0.25)
    assert clock.monotonic() == 3600.25


@virtual_time
async def test_tasks_run_in_the_order_of_their_times() -> None:
    seen: list[float] = []

    async def note(seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append(seconds)

    await asyncio.gather(*(note(n * 0.1) for n in (5, 1, 4, 2, 3)))
    assert seen == sorted(seen)


@virtual_time
async def test_timeouts_fire() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(10):
            await asyncio.sleep(11)
    assert virtual_clock().monotonic() == 10


@virtual_time
async def test_time_moved_by_hand_wakes_timers() -> None:
    task = asyncio.create_task(asyncio.sleep(10, "woken"))
    await asyncio.sleep(0)
    virtual_clock().advance(10)
    assert await task == "woken"
    assert virtual_clock().monotonic() == 10


def test_a_given_clock_shows_how_long_it_took() -> None:
    clock = VirtualClock()
    assert run_virtual(asyncio.sleep(60, "answer"), clock) == "answer"
    assert clock.monotonic() == 60


def test_a_test_keeps_its_arguments_and_answer() -> None:
    @virtual_time
    async def double(number: int) -> int:
        """Twice."""
        await asyncio.sleep(1)
        return number * 2

    assert double(4) == 8
    assert double.__doc__ == "Twice."


def test_errors_come_out() -> None:
    async def fail() -> None:
        await asyncio.sleep(1)
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run_virtual(fail())


def test_waiting_for_what_nobody_will_do_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_module, "STALL_SECONDS", 0.01)

    async def hang() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.set_name("the one that hangs")
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Stalled, match="waiting: the one that hangs"):
        run_virtual(hang())


@virtual_time
async def test_other_threads_are_waited_for_while_no_timer_is_set() -> None:
    assert await asyncio.to_thread(lambda: 7) == 7


async def test_outside_of_virtual_time_there_is_no_virtual_clock() -> None:
    with pytest.raises(RuntimeError, match="decorate the test with @virtual_time"):
        virtual_clock()
