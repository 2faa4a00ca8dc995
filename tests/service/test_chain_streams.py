"""The chain around streaming operations: every step holds between the items, and what was begun is cleaned up."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from calve import CallContext, current_call
from calve.core.errors import DeadlineExceeded, Unauthenticated
from calve.core.trace import TraceContext
from calve.testing import virtual_clock, virtual_time
from calve.testing.fakes.observe import CapturedLogs

from .conftest import ALICE, Refused, ShopBehindChain


@virtual_time
async def test_a_stream_has_its_items_then_ends() -> None:
    shop = ShopBehindChain()
    assert [item async for item in shop.stream("watch", 3, 1.0)] == [0, 1, 2]
    metrics = shop.metrics("watch")
    assert (metrics.requests, metrics.errors, metrics.in_flight, metrics.seconds_sum) == (1, {}, 0, 3.0)
    assert shop.tracing.span("shop/watch").ended


@virtual_time
async def test_nothing_happens_before_the_first_item_is_asked_for() -> None:
    shop = ShopBehindChain()
    items = shop.stream("watch", 3)
    assert shop.metrics("watch").in_flight == 0
    await items.aclose()
    assert shop.service.seen == []


@virtual_time
async def test_the_context_is_current_inside_the_generator_and_not_for_its_consumer() -> None:
    shop, context = ShopBehindChain(), CallContext("")
    async with aclosing(shop.stream("watch", 3, context=context)) as items:
        async for _ in items:
            assert current_call() is None
            break
    assert shop.service.seen == [context, ("closed", context)]


@virtual_time
async def test_the_span_of_a_stream_is_not_around_what_its_consumer_does() -> None:
    shop, parent = ShopBehindChain(), TraceContext.root(sampled=True)
    async for _ in shop.stream("watch", 2, context=CallContext("", trace=parent)):
        await shop.call("find", "a", context=CallContext("", trace=parent))
    assert [span.parent for span in shop.tracing.spans] == [parent] * 3


@virtual_time
async def test_an_early_end_closes_the_generator_and_is_counted() -> None:
    shop = ShopBehindChain()
    async with aclosing(shop.stream("watch", 3)) as items:
        assert await anext(items) == 0
        assert shop.metrics("watch").in_flight == 1
    metrics = shop.metrics("watch")
    assert (metrics.requests, metrics.errors, metrics.in_flight) == (1, {"cancelled": 1}, 0)


@virtual_time
async def test_the_deadline_of_a_stream_is_for_all_of_it() -> None:
    shop = ShopBehindChain()
    items = shop.stream("watch", 50, 2.0)
    assert [await anext(items), await anext(items)] == [0, 1]
    with pytest.raises(DeadlineExceeded, match=r"shop\.watch did not finish"):
        await anext(items)
    assert virtual_clock().monotonic() == pytest.approx(5, abs=0.02)
    assert shop.metrics("watch").errors == {"deadline_exceeded": 1}


@virtual_time
async def test_a_stream_that_comes_too_late_does_not_start() -> None:
    shop = ShopBehindChain()
    with pytest.raises(DeadlineExceeded, match="had passed on arrival") as caught:
        await anext(shop.stream("watch", 3, context=CallContext("", 0.0)))
    assert not caught.value.may_have_run
    assert shop.service.seen == []


@virtual_time
async def test_roles_hold_for_streams() -> None:
    shop = ShopBehindChain()
    with pytest.raises(Unauthenticated):
        await anext(shop.stream("guarded_watch"))
    assert shop.service.seen == []
    context = CallContext("", principal=ALICE)
    assert [item async for item in shop.stream("guarded_watch", context=context)] == [1]


@virtual_time
async def test_an_error_in_the_middle_of_a_stream_comes_after_its_items() -> None:
    shop = ShopBehindChain()
    with pytest.raises(Refused) as caught:
        await anext(shop.stream("watch", -1))
    assert caught.value == Refused(reason="negative")
    assert shop.metrics("watch").errors == {"Refused": 1}


@virtual_time
async def test_a_stream_cancelled_while_waiting_stays_cancelled() -> None:
    shop = ShopBehindChain()
    task = asyncio.create_task(anext(shop.stream("watch", 1, 3.0)))
    await virtual_clock().sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (shop.metrics("watch").errors, shop.metrics("watch").in_flight) == ({"cancelled": 1}, 0)


@virtual_time
async def test_a_cleanup_that_fails_is_logged_and_the_consumer_not_troubled() -> None:
    shop = ShopBehindChain()
    with CapturedLogs() as logs:
        async with aclosing(shop.stream("watch", 99)) as items:
            await anext(items)
    assert logs.line("stream did not close cleanly").exception["type"].endswith("LookupError")
    assert shop.metrics("watch").in_flight == 0


@virtual_time
async def test_a_cleanup_ends_with_the_deadline() -> None:
    shop = ShopBehindChain()
    with CapturedLogs() as logs:
        async with aclosing(shop.stream("watch", 98)) as items:
            await anext(items)
    assert logs.line("stream did not close cleanly").exception["type"].endswith("DeadlineExceeded")
    assert virtual_clock().monotonic() == pytest.approx(5, abs=0.02)
