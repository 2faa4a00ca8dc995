"""Guarded streams: bounded and kept back like other calls, and never repeated."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import pytest

from calve import CallContext, CallError, Unavailable
from calve.core.errors import CircuitOpen, Overloaded
from calve.testing import virtual_time

from .conftest import GuardedShop, Refused


async def items(stream: Any) -> list[Any]:
    """All items, and the class of the error at the end if there is one."""
    found: list[Any] = []
    try:
        async for item in stream:
            found.append(item)
    except (CallError, Refused) as error:
        found.append(type(error))
    return found


@virtual_time
async def test_it_has_the_time_limit_and_is_not_repeated() -> None:
    shop = GuardedShop(["a", Unavailable("gone")])
    assert await items(shop.stream(CallContext("shop.watch"))) == ["a", Unavailable]
    assert (shop.deadlines, shop.closed) == ([10], 1)
    shop = GuardedShop(Unavailable("gone", may_have_run=False))
    assert await items(shop.stream()) == [Unavailable]
    assert len(shop.sent) == 1


@virtual_time
async def test_each_takes_a_slot_until_it_ends() -> None:
    shop = GuardedShop(["a", "b"], calls_max=1, queue_max=0)
    async with aclosing(shop.stream()) as first:
        assert await anext(first) == "a"
        assert await items(shop.stream()) == [Overloaded]
    assert await items(shop.stream()) == ["a", "b"]
    assert (shop.closed, shop.numbers()) == (2, {"overloaded": 1})


@virtual_time
async def test_an_open_breaker_keeps_them_back_until_one_has_an_item() -> None:
    shop = GuardedShop(Unavailable("gone"))
    for _ in range(20):
        await items(shop.stream())
    assert await items(shop.stream()) == [CircuitOpen]
    await shop.clock.sleep(1.3)
    assert await items(shop.stream()) == [Unavailable]
    assert await items(shop.stream()) == [CircuitOpen]
    await shop.clock.sleep(1.3)
    shop.answers = [["a", "b"]]
    async with aclosing(shop.stream()) as first:
        assert await anext(first) == "a"
        assert await items(shop.stream()) == ["a", "b"]


@virtual_time
@pytest.mark.parametrize("answer", [[], Refused()])
async def test_an_empty_stream_and_a_domain_error_are_answers(answer: Any) -> None:
    shop = GuardedShop(Unavailable("gone"))
    for _ in range(20):
        await items(shop.stream())
    shop.answers = [answer]
    await shop.clock.sleep(1.3)
    await items(shop.stream())
    assert CircuitOpen not in await items(shop.stream())
