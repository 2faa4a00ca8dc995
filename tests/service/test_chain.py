"""The chain around every operation, step by step: deadline, context, role, span, middleware, outcome, metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from calve import Call, CallContext, Principal, current_call
from calve.contract import Endpoint
from calve.core.deadline import NEVER
from calve.core.errors import DeadlineExceeded, InternalError, PermissionDenied, Unauthenticated
from calve.core.trace import TraceContext
from calve.service import Proceed
from calve.testing import virtual_clock, virtual_time
from calve.testing.fakes.observe import CapturedLogs

from .conftest import ALICE, Refused, ShopBehindChain


@virtual_time
async def test_the_method_gets_the_arguments_and_the_transport_the_answer() -> None:
    shop = ShopBehindChain()
    assert await shop.call("find", "a", wait=0.5) == "a"
    assert virtual_clock().monotonic() == 0.5


@virtual_time
async def test_the_context_is_current_inside_and_gone_outside() -> None:
    shop, context = ShopBehindChain(), CallContext("")
    await shop.call("find", "a", context=context)
    assert shop.service.seen == [context]
    assert context.operation == "shop.find"
    assert current_call() is None


@virtual_time
async def test_the_tighter_deadline_holds() -> None:
    shop = ShopBehindChain()
    for given, expected in ((NEVER, 2), (1.0, 1.0)):
        context, started = CallContext("", given), virtual_clock().monotonic()
        if given != NEVER:
            context.deadline = started + given
        with pytest.raises(DeadlineExceeded, match=r"shop\.find did not finish before its deadline") as caught:
            await shop.call("find", "a", wait=100, context=context)
        assert context.deadline == started + expected
        assert caught.value.may_have_run
        assert virtual_clock().monotonic() - started == pytest.approx(expected, abs=0.02)
    assert shop.metrics("find").errors == {"deadline_exceeded": 2}


@virtual_time
async def test_a_call_that_comes_too_late_does_not_start() -> None:
    shop = ShopBehindChain()
    with pytest.raises(DeadlineExceeded, match="the deadline had passed on arrival") as caught:
        await shop.call("find", "a", context=CallContext("", 0.0))
    assert not caught.value.may_have_run
    assert shop.service.seen == []


@virtual_time
async def test_roles() -> None:
    shop = ShopBehindChain()
    with pytest.raises(Unauthenticated, match=r"shop\.guarded needs a principal with role 'shop:read'"):
        await shop.call("guarded")
    with pytest.raises(PermissionDenied, match="'bob' does not have it"):
        await shop.call("guarded", context=CallContext("", principal=Principal("bob")))
    assert shop.service.seen == []
    assert await shop.call("guarded", context=CallContext("", principal=ALICE)) == "done"
    assert shop.metrics("guarded").errors == {"unauthenticated": 1, "permission_denied": 1}


@virtual_time
async def test_outcomes_are_mapped_and_counted() -> None:
    shop = ShopBehindChain()
    with pytest.raises(Refused) as refused:
        await shop.call("find", "refuse")
    assert refused.value == Refused(reason="refuse")
    with CapturedLogs(), pytest.raises(InternalError, match="ZeroDivisionError") as failed:
        await shop.call("find", "fail")
    assert isinstance(failed.value.__cause__, ZeroDivisionError)
    await shop.call("find", "a")
    metrics = shop.metrics("find")
    assert (metrics.requests, metrics.errors, metrics.in_flight) == (3, {"Refused": 1, "internal_error": 1}, 0)


@virtual_time
async def test_calls_in_flight_are_counted_and_their_time_measured() -> None:
    shop = ShopBehindChain()
    tasks = [asyncio.create_task(shop.call("find", "a", wait=1.5)) for _ in range(3)]
    await virtual_clock().sleep(1)
    assert shop.metrics("find").in_flight == 3
    await asyncio.gather(*tasks)
    assert shop.metrics("find").in_flight == 0
    assert shop.metrics("find").seconds_sum == 4.5


@virtual_time
async def test_a_cancelled_call_is_counted_and_stays_cancelled() -> None:
    shop = ShopBehindChain()
    task = asyncio.create_task(shop.call("find", "a", wait=1.5))
    await virtual_clock().sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (shop.metrics("find").errors, shop.metrics("find").in_flight) == ({"cancelled": 1}, 0)


@virtual_time
async def test_a_span_is_made_for_a_sampled_call_and_travels_in_the_context() -> None:
    shop, parent = ShopBehindChain(), TraceContext.root(sampled=True)
    context = CallContext("", trace=parent)
    with pytest.raises(Refused):
        await shop.call("find", "refuse", context=context)
    span = shop.tracing.span("shop/find")
    assert (span.trace, span.parent) == (context.trace, parent)
    assert (span.ended, span.error_type, span.failed) == (True, "Refused", False)


@virtual_time
async def test_a_streaming_operation_is_not_called_as_a_unary_one() -> None:
    with pytest.raises(InternalError, match=r"shop\.watch is a streaming operation") as caught:
        await ShopBehindChain().call("watch", 1)
    assert not caught.value.may_have_run


# --- middleware


class Note:
    """Notes what passes, and changes the request and the answer."""

    def __init__(self, name: str, notes: list[str]) -> None:
        self.name, self.notes = name, notes

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        assert current_call() is call.context
        self.notes.append(f"{self.name} > {call.service}.{call.operation.name} {call.request.text}")
        request = msgspec.structs.replace(call.request, text=call.request.text + self.name)
        answer = await proceed(msgspec.structs.replace(call, request=request))
        self.notes.append(f"{self.name} < {answer}")
        return answer + "!"


@virtual_time
async def test_middleware_runs_outermost_first_and_may_change_both_ways() -> None:
    notes: list[str] = []
    shop = ShopBehindChain(Note("A", notes), Note("B", notes))
    assert await shop.call("find", "x") == "xAB!!"
    assert notes == ["A > shop.find x", "B > shop.find xA", "B < xAB", "A < xAB!"]


@virtual_time
async def test_middleware_may_refuse_and_is_not_passed_by_what_was_refused_before() -> None:
    async def refuse(call: Call, proceed: Proceed) -> Any:
        raise PermissionDenied("on principle")

    shop = ShopBehindChain(refuse)
    with pytest.raises(PermissionDenied, match="on principle"):
        await shop.call("find", "x")
    with pytest.raises(Unauthenticated):
        await shop.call("guarded")
    assert shop.service.seen == []


@virtual_time
async def test_middleware_that_fails_is_an_internal_error() -> None:
    async def broken(call: Call, proceed: Proceed) -> Any:
        raise LookupError

    with CapturedLogs(), pytest.raises(InternalError, match="LookupError"):
        await ShopBehindChain(broken).call("find", "x")


@virtual_time
async def test_middleware_is_inside_the_deadline() -> None:
    async def slow(call: Call, proceed: Proceed) -> Any:
        await virtual_clock().sleep(100)

    with pytest.raises(DeadlineExceeded):
        await ShopBehindChain(slow).call("find", "x")


@virtual_time
async def test_middleware_around_a_stream_sees_the_iterator() -> None:
    async def double(call: Call, proceed: Proceed) -> Any:
        items = await proceed(call)

        async def doubled() -> AsyncIterator[int]:
            async for item in items:
                yield item * 2

        return doubled()

    assert [item async for item in ShopBehindChain(double).stream("watch", 3)] == [0, 2, 4]


@virtual_time
async def test_middleware_may_refuse_a_stream_or_return_any_iterator() -> None:
    class Numbers:
        def __init__(self) -> None:
            self.left = [1, 2]

        def __aiter__(self) -> Numbers:
            return self

        async def __anext__(self) -> int:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop()

    async def plain(call: Call, proceed: Proceed) -> Any:
        return Numbers()

    async def refuse(call: Call, proceed: Proceed) -> Any:
        raise Refused(reason="closed")

    assert [item async for item in ShopBehindChain(plain).stream("watch", 3)] == [2, 1]
    with pytest.raises(Refused):
        await anext(ShopBehindChain(refuse).stream("watch", 3))


@virtual_time
async def test_an_endpoint_says_what_it_is() -> None:
    endpoint = ShopBehindChain().endpoints["find"]
    assert isinstance(endpoint, Endpoint)
    assert (endpoint.service, endpoint.operation.key, endpoint.stream) == ("shop", "Shop/1.0/find", None)
