"""Deadlines: when they fire, what they leave behind, and who is told what when several things end at once.

Everything runs in virtual time, so lateness is measured exactly and nothing waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from calve.core.deadline import NEVER, SWEEP_SECONDS, TICK_SECONDS, Timer, TimerWheel, run_until
from calve.core.errors import DeadlineExceeded
from calve.testing import VirtualClock, virtual_clock, virtual_time


def wheel_of(clock: VirtualClock) -> TimerWheel:
    """A wheel on the running virtual loop."""
    return TimerWheel(asyncio.get_running_loop(), clock.monotonic)


async def limited(wheel: TimerWheel, deadline: float, body: Any) -> Any:
    """Run a coroutine under a deadline."""
    return await run_until(wheel, deadline, body, lambda: "too late")


# --- the wheel


@virtual_time
async def test_timers_fire_at_most_one_tick_late_and_never_early() -> None:
    clock = virtual_clock()
    wheel, late = wheel_of(clock), dict[float, float]()
    deadlines = [n * 0.00731 for n in range(1_000)] + [90.0, 3600.0, 100_000.5]

    def fire(deadline: float) -> None:
        late[deadline] = clock.monotonic() - deadline

    for deadline in deadlines:
        wheel.arm(deadline, partial(fire, deadline))
    await clock.sleep(100_001)
    assert sorted(late) == sorted(deadlines)
    assert min(late.values()) >= -1e-6
    assert max(late.values()) <= TICK_SECONDS + 1e-6
    assert len(wheel) == 0


@virtual_time
async def test_timers_fire_in_the_order_of_their_ticks_even_after_a_stall() -> None:
    clock = virtual_clock()
    wheel, fired = wheel_of(clock), list[float]()
    for deadline in (0.5, 0.1, 0.3):
        wheel.arm(deadline, partial(fired.append, deadline))
    clock.advance(2)  # as if something had kept the loop busy
    await clock.sleep(TICK_SECONDS)
    assert fired == [0.1, 0.3, 0.5]


@virtual_time
async def test_a_disarmed_timer_never_fires() -> None:
    clock = virtual_clock()
    wheel, fired = wheel_of(clock), list[str]()
    timer = wheel.arm(1.0, partial(fired.append, "disarmed"))
    wheel.arm(1.0, partial(fired.append, "armed"))
    timer.disarm()
    timer.disarm()
    await clock.sleep(2)
    assert fired == ["armed"]
    timer.disarm()


@virtual_time
async def test_a_callback_may_disarm_another_that_is_due_at_the_same_time() -> None:
    clock = virtual_clock()
    wheel, fired = wheel_of(clock), list[str]()
    timers: list[Timer] = []

    def fire(name: str) -> None:
        fired.append(name)
        for timer in timers:
            timer.disarm()

    timers += [wheel.arm(1.0, partial(fire, name)) for name in ("first", "second")]
    await clock.sleep(2)
    assert fired == ["first"]


@virtual_time
async def test_a_callback_may_arm_again() -> None:
    clock = virtual_clock()
    wheel, fired = wheel_of(clock), list[float]()

    def again() -> None:
        fired.append(clock.monotonic())
        if len(fired) < 3:
            wheel.arm(clock.monotonic() + 1, again)

    wheel.arm(1.0, again)
    await clock.sleep(10)
    assert fired == pytest.approx([1, 2, 3], abs=5 * TICK_SECONDS)


@virtual_time
async def test_an_earlier_deadline_does_not_wait_for_a_later_one() -> None:
    clock = virtual_clock()
    wheel, fired = wheel_of(clock), list[float]()
    wheel.arm(0.9, lambda: None)
    wheel.arm(0.2, lambda: fired.append(clock.monotonic()))
    await clock.sleep(1)
    assert fired == pytest.approx([0.2], abs=TICK_SECONDS)


@virtual_time
async def test_a_callback_that_fails_keeps_no_other_from_firing() -> None:
    clock, told = virtual_clock(), list[dict[str, Any]]()
    wheel, fired = wheel_of(clock), list[float]()
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    wheel.arm(1.0, lambda: 1 / 0)  # type: ignore[arg-type]
    wheel.arm(1.0, lambda: fired.append(1.0))
    wheel.arm(2.0, lambda: fired.append(2.0))
    await clock.sleep(3)
    assert fired == [1.0, 2.0]
    assert [type(context["exception"]) for context in told] == [ZeroDivisionError]


@virtual_time
async def test_finished_calls_leave_nothing_behind_although_their_deadlines_are_far() -> None:
    clock = virtual_clock()
    wheel = wheel_of(clock)
    for n in range(10_000):
        wheel.arm(clock.monotonic() + 3600, lambda: None).disarm()
        if n % 10 == 0:
            await clock.sleep(TICK_SECONDS)
    assert len(wheel) == 0
    assert len(wheel._buckets) <= SWEEP_SECONDS / TICK_SECONDS + 1


@virtual_time
async def test_an_idle_wheel_has_no_timer_in_the_loop() -> None:
    clock = virtual_clock()
    wheel = wheel_of(clock)
    wheel.arm(5.0, lambda: None).disarm()
    await clock.sleep(SWEEP_SECONDS + TICK_SECONDS)
    assert wheel._handle is None


# --- run_until


@virtual_time
async def test_a_body_that_never_waits_arms_no_timer() -> None:
    wheel = wheel_of(virtual_clock())

    async def answer() -> int:
        assert len(wheel) == 0
        return 7

    assert await limited(wheel, 1.0, answer()) == 7
    assert wheel._handle is None


@virtual_time
async def test_a_body_in_time_answers_and_its_timer_is_gone() -> None:
    clock = virtual_clock()
    wheel = wheel_of(clock)

    async def answer() -> int:
        for _ in range(3):
            await clock.sleep(0.1)
        assert len(wheel) == 1
        return 7

    assert await limited(wheel, 1.0, answer()) == 7
    assert len(wheel) == 0


@virtual_time
async def test_a_body_that_is_late_is_cancelled_and_the_caller_told() -> None:
    clock, seen = virtual_clock(), list[str]()

    async def slow() -> None:
        try:
            await clock.sleep(100)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    with pytest.raises(DeadlineExceeded, match="too late") as caught:
        await limited(wheel_of(clock), 1.0, slow())
    assert seen == ["cancelled"]
    assert caught.value.may_have_run
    assert clock.monotonic() == pytest.approx(1.0, abs=TICK_SECONDS + 1e-6)
    assert no_cancellation_is_left()


@virtual_time
async def test_never_is_no_deadline() -> None:
    clock = virtual_clock()
    wheel = wheel_of(clock)

    async def slow() -> int:
        await clock.sleep(1e6)
        assert len(wheel) == 0
        return 7

    assert await limited(wheel, NEVER, slow()) == 7


@virtual_time
async def test_an_error_of_the_body_is_passed_on_and_the_timer_disarmed() -> None:
    clock = virtual_clock()
    wheel = wheel_of(clock)

    async def fail(wait: float) -> None:
        await clock.sleep(wait)
        raise LookupError("mine")

    for deadline in (5.0, NEVER):
        with pytest.raises(LookupError, match="mine"):
            await limited(wheel, deadline, fail(1))
    assert len(wheel) == 0


@virtual_time
async def test_an_error_before_the_first_wait_is_passed_on() -> None:
    async def fail() -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await limited(wheel_of(virtual_clock()), 5.0, fail())


@virtual_time
async def test_a_cancellation_from_outside_stays_one() -> None:
    clock = virtual_clock()
    task = asyncio.create_task(limited(wheel_of(clock), 5.0, clock.sleep(100)))
    await clock.sleep(1)
    task.cancel("by the caller")
    with pytest.raises(asyncio.CancelledError):
        await task


@virtual_time
async def test_a_cancellation_at_the_moment_of_the_deadline_stays_one() -> None:
    clock = virtual_clock()
    wheel = wheel_of(clock)
    task = asyncio.create_task(limited(wheel, 1.0, clock.sleep(100)))
    await clock.sleep(0)
    wheel.arm(1.0, task.cancel)  # type: ignore[arg-type]
    with pytest.raises(asyncio.CancelledError):
        await task


@virtual_time
async def test_a_body_that_answers_all_the_same_is_heard() -> None:
    clock = virtual_clock()

    async def stubborn() -> int:
        try:
            await clock.sleep(100)
        except asyncio.CancelledError:
            await clock.sleep(1)
        return 7

    assert await limited(wheel_of(clock), 1.0, stubborn()) == 7
    assert no_cancellation_is_left()


@virtual_time
async def test_a_body_that_fails_while_being_cancelled_is_heard() -> None:
    clock = virtual_clock()

    async def clumsy() -> None:
        try:
            await clock.sleep(100)
        finally:
            raise LookupError("in the cleanup")

    with pytest.raises(LookupError, match="in the cleanup"):
        await limited(wheel_of(clock), 1.0, clumsy())
    assert no_cancellation_is_left()


@virtual_time
async def test_the_inner_of_two_deadlines_is_told_first() -> None:
    clock, seen = virtual_clock(), list[str]()
    wheel = wheel_of(clock)

    async def outer() -> str:
        try:
            await limited(wheel, 1.0, clock.sleep(100))
        except DeadlineExceeded:
            seen.append("inner")
        await clock.sleep(100)
        return "never"

    with pytest.raises(DeadlineExceeded):
        await limited(wheel, 2.0, outer())
    assert seen == ["inner"]
    assert clock.monotonic() == pytest.approx(2.0, abs=TICK_SECONDS + 1e-6)
    assert no_cancellation_is_left()


@virtual_time
async def test_two_deadlines_at_the_same_time_end_as_one() -> None:
    clock = virtual_clock()
    wheel = wheel_of(clock)
    with pytest.raises(DeadlineExceeded):
        await limited(wheel, 1.0, limited(wheel, 1.0, clock.sleep(100)))
    assert no_cancellation_is_left()


@virtual_time
async def test_it_works_together_with_the_timeouts_of_asyncio() -> None:
    clock = virtual_clock()
    wheel = wheel_of(clock)

    async def inner(seconds: float) -> None:
        async with asyncio.timeout(seconds):
            await clock.sleep(100)

    with pytest.raises(TimeoutError):
        await limited(wheel, clock.monotonic() + 5, inner(1))
    with pytest.raises(DeadlineExceeded):
        await limited(wheel, clock.monotonic() + 1, inner(5))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await limited(wheel, clock.monotonic() + 5, clock.sleep(100))
    assert no_cancellation_is_left()


@virtual_time
async def test_a_body_may_swallow_an_exception_thrown_into_it_and_go_on() -> None:
    """The way through `_resume` where the body goes on, and ends, after something was thrown into it."""
    clock = virtual_clock()
    wheel = wheel_of(clock)

    async def patient(turns: int) -> int:
        for _ in range(turns):
            try:
                await clock.sleep(100)
            except asyncio.CancelledError:
                continue
        return 7

    task = asyncio.create_task(limited(wheel, NEVER, patient(3)))
    for _ in range(3):
        await clock.sleep(1)
        task.cancel()
    assert await task == 7


@virtual_time
async def test_a_generator_can_be_stepped_under_a_deadline() -> None:
    clock = virtual_clock()
    wheel = wheel_of(clock)

    async def numbers() -> AsyncIterator[int]:
        for n in range(3):
            await clock.sleep(1)
            yield n

    async def step(items: AsyncIterator[int]) -> int:
        return await anext(items)

    items = numbers()
    assert [await limited(wheel, 10.0, step(items)) for _ in range(3)] == [0, 1, 2]


def no_cancellation_is_left() -> bool:
    """Whether the running task would notice a cancellation of its own; `asyncio.timeout` counts on it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() == 0
