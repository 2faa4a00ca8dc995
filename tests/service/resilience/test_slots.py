"""Slots that are handed over while somebody gives up; the rest is in test_unary.py."""

from __future__ import annotations

import asyncio

import pytest

from calve.core.errors import Overloaded
from calve.service.resilience.slots import Slots
from calve.testing import virtual_clock, virtual_time


def full() -> Slots:
    """One slot, taken."""
    slots = Slots("shop.find", 1, 2)
    slots.used = 1
    return slots


@virtual_time
async def test_a_slot_that_comes_in_the_moment_in_which_its_caller_goes_is_not_lost() -> None:
    slots = full()
    waiting = asyncio.create_task(slots.wait(5))
    await virtual_clock().sleep(0)
    slots.leave()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert (waiting.cancelled(), slots.used) == (True, 0)


@virtual_time
async def test_a_slot_goes_past_whoever_has_given_up() -> None:
    slots = full()
    first, second = (asyncio.create_task(slots.wait(5)) for _ in range(2))
    await virtual_clock().sleep(0)
    first.cancel()
    slots.leave()
    await second
    assert (first.cancelling(), slots.used, len(slots.waiting)) == (1, 1, 0)


@virtual_time
async def test_the_error_says_how_many_are_in_flight_and_how_many_wait() -> None:
    slots = full()
    waiting = [asyncio.create_task(slots.wait(5)) for _ in range(2)]
    await virtual_clock().sleep(0)
    with pytest.raises(
        Overloaded, match=r"shop\.find was not called: 1 calls of this caller are in flight, and 2 wait"
    ):
        await slots.wait(5)
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Overloaded}
    assert len(slots.waiting) == 0
