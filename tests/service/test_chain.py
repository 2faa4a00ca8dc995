"""The chain around every operation, step by step: deadline, context, role, span, middleware, outcome, metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Protocol

import msgspec
import pytest

from calve import Call, CallContext, Contract, DomainError, Principal, command, current_call, query
from calve.contract import Endpoint
from calve.core.deadline import NEVER
from calve.core.errors import DeadlineExceeded, InternalError, PermissionDenied, Unauthenticated
from calve.core.trace import TraceContext
from calve.observe import OperationMetrics, Registry
from calve.service import Proceed
from calve.testing import endpoints_of, virtual_clock, virtual_time
from calve.testing.fakes.observe import CapturedLogs, RecordingTracing

ALICE = Principal("alice", frozenset({"shop:read"}))


class Refused(DomainError):
    reason: str


class Shop(Contract, Protocol, version="1.0"):
    @query(timeout_seconds=2, raises=[Refused])
    async def find(self, text: str, *, wait: float = 0) -> str: ...

    @command(role="shop:read")
    async def guarded(self) -> str: ...

    @query(timeout_seconds=5, raises=[Refused])
    def watch(self, count: int, wait: float = 0) -> AsyncIterator[int]: ...

    @query(role="shop:read")
    def guarded_watch(self) -> AsyncIterator[int]: ...


class ShopService(Shop):
    """Does what the text says, and notes what it saw."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    async def find(self, text: str, *, wait: float = 0) -> str:
        self.seen.append(current_call())
        await virtual_clock().sleep(wait)
        if text == "refuse":
            raise Refused(reason=text)
        if text == "fail":
            raise ZeroDivisionError
        return text

    async def guarded(self) -> str:
        self.seen.append(current_call())
        return "done"

    async def watch(self, count: int, wait: float = 0) -> AsyncIterator[int]:
        try:
            for n in range(count):
                self.seen.append(current_call())
                await virtual_clock().sleep(wait)
                yield n
            if count < 0:
                raise Refused(reason="negative")
        finally:
            self.seen.append(("closed", current_call()))
            if count == 99:
                raise LookupError("cleanup")
            if count == 98:
                await virtual_clock().sleep(1000)

    async def guarded_watch(self) -> AsyncIterator[int]:
        self.seen.append("started")
        yield 1


class Fixture:
    """A shop behind the chain."""

    def __init__(self, *middleware: Any) -> None:
        self.service, self.registry, self.tracing = ShopService(), Registry(), RecordingTracing()
        self.endpoints = endpoints_of(
            Shop, self.service, registry=self.registry, tracing=self.tracing, middleware=middleware
        )

    def metrics(self, operation: str) -> OperationMetrics:
        """The server metrics of an operation."""
        return self.registry.operation("shop", operation, "query", "server")

    async def call(self, operation: str, *args: Any, context: CallContext | None = None, **kwargs: Any) -> Any:
        """Call as a transport does."""
        endpoint = self.endpoints[operation]
        return await endpoint.handle(context or CallContext(""), endpoint.operation.request(*args, **kwargs))

    def stream(self, operation: str, *args: Any, context: CallContext | None = None) -> Any:
        """Stream as a transport does."""
        endpoint = self.endpoints[operation]
        assert endpoint.stream is not None
        return endpoint.stream(context or CallContext(""), endpoint.operation.request(*args))


# --- unary


@virtual_time
async def test_the_method_gets_the_arguments_and_the_transport_the_answer() -> None:
    shop = Fixture()
    assert await shop.call("find", "a", wait=0.5) == "a"
    assert virtual_clock().monotonic() == 0.5


@virtual_time
async def test_the_context_is_current_inside_and_gone_outside() -> None:
    shop, context = Fixture(), CallContext("")
    await shop.call("find", "a", context=context)
    assert shop.service.seen == [context]
    assert context.operation == "shop.find"
    assert current_call() is None


@virtual_time
async def test_the_tighter_deadline_holds() -> None:
    shop = Fixture()
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
    shop = Fixture()
    with pytest.raises(DeadlineExceeded, match="the deadline had passed on arrival") as caught:
        await shop.call("find", "a", context=CallContext("", 0.0))
    assert not caught.value.may_have_run
    assert shop.service.seen == []


@virtual_time
async def test_roles() -> None:
    shop = Fixture()
    with pytest.raises(Unauthenticated, match=r"shop\.guarded needs a principal with role 'shop:read'"):
        await shop.call("guarded")
    with pytest.raises(PermissionDenied, match="'bob' does not have it"):
        await shop.call("guarded", context=CallContext("", principal=Principal("bob")))
    assert shop.service.seen == []
    assert await shop.call("guarded", context=CallContext("", principal=ALICE)) == "done"
    assert shop.metrics("guarded").errors == {"unauthenticated": 1, "permission_denied": 1}


@virtual_time
async def test_outcomes_are_mapped_and_counted() -> None:
    shop = Fixture()
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
    shop = Fixture()
    tasks = [asyncio.create_task(shop.call("find", "a", wait=1.5)) for _ in range(3)]
    await virtual_clock().sleep(1)
    assert shop.metrics("find").in_flight == 3
    await asyncio.gather(*tasks)
    assert shop.metrics("find").in_flight == 0
    assert shop.metrics("find").seconds_sum == 4.5


@virtual_time
async def test_a_cancelled_call_is_counted_and_stays_cancelled() -> None:
    shop = Fixture()
    task = asyncio.create_task(shop.call("find", "a", wait=1.5))
    await virtual_clock().sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (shop.metrics("find").errors, shop.metrics("find").in_flight) == ({"cancelled": 1}, 0)


@virtual_time
async def test_a_span_is_made_for_a_sampled_call_and_travels_in_the_context() -> None:
    shop, parent = Fixture(), TraceContext.root(sampled=True)
    context = CallContext("", trace=parent)
    with pytest.raises(Refused):
        await shop.call("find", "refuse", context=context)
    span = shop.tracing.span("shop/find")
    assert (span.trace, span.parent) == (context.trace, parent)
    assert (span.ended, span.error_type, span.failed) == (True, "Refused", False)


@virtual_time
async def test_a_streaming_operation_is_not_called_as_a_unary_one() -> None:
    with pytest.raises(InternalError, match=r"shop\.watch is a streaming operation") as caught:
        await Fixture().call("watch", 1)
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
    shop = Fixture(Note("A", notes), Note("B", notes))
    assert await shop.call("find", "x") == "xAB!!"
    assert notes == ["A > shop.find x", "B > shop.find xA", "B < xAB", "A < xAB!"]


@virtual_time
async def test_middleware_may_refuse_and_is_not_passed_by_what_was_refused_before() -> None:
    async def refuse(call: Call, proceed: Proceed) -> Any:
        raise PermissionDenied("on principle")

    shop = Fixture(refuse)
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
        await Fixture(broken).call("find", "x")


@virtual_time
async def test_middleware_is_inside_the_deadline() -> None:
    async def slow(call: Call, proceed: Proceed) -> Any:
        await virtual_clock().sleep(100)

    with pytest.raises(DeadlineExceeded):
        await Fixture(slow).call("find", "x")


@virtual_time
async def test_middleware_around_a_stream_sees_the_iterator() -> None:
    async def double(call: Call, proceed: Proceed) -> Any:
        items = await proceed(call)

        async def doubled() -> AsyncIterator[int]:
            async for item in items:
                yield item * 2

        return doubled()

    assert [item async for item in Fixture(double).stream("watch", 3)] == [0, 2, 4]


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

    assert [item async for item in Fixture(plain).stream("watch", 3)] == [2, 1]
    with pytest.raises(Refused):
        await anext(Fixture(refuse).stream("watch", 3))


# --- streams


@virtual_time
async def test_a_stream_has_its_items_then_ends() -> None:
    shop = Fixture()
    assert [item async for item in shop.stream("watch", 3, 1.0)] == [0, 1, 2]
    metrics = shop.metrics("watch")
    assert (metrics.requests, metrics.errors, metrics.in_flight, metrics.seconds_sum) == (1, {}, 0, 3.0)
    assert shop.tracing.span("shop/watch").ended


@virtual_time
async def test_nothing_happens_before_the_first_item_is_asked_for() -> None:
    shop = Fixture()
    items = shop.stream("watch", 3)
    assert shop.metrics("watch").in_flight == 0
    await items.aclose()
    assert shop.service.seen == []


@virtual_time
async def test_the_context_is_current_inside_the_generator_and_not_for_its_consumer() -> None:
    shop, context = Fixture(), CallContext("")
    async with aclosing(shop.stream("watch", 3, context=context)) as items:
        async for _ in items:
            assert current_call() is None
            break
    assert shop.service.seen == [context, ("closed", context)]


@virtual_time
async def test_the_span_of_a_stream_is_not_around_what_its_consumer_does() -> None:
    shop, parent = Fixture(), TraceContext.root(sampled=True)
    async for _ in shop.stream("watch", 2, context=CallContext("", trace=parent)):
        await shop.call("find", "a", context=CallContext("", trace=parent))
    assert [span.parent for span in shop.tracing.spans] == [parent] * 3


@virtual_time
async def test_an_early_end_closes_the_generator_and_is_counted() -> None:
    shop = Fixture()
    async with aclosing(shop.stream("watch", 3)) as items:
        assert await anext(items) == 0
        assert shop.metrics("watch").in_flight == 1
    metrics = shop.metrics("watch")
    assert (metrics.requests, metrics.errors, metrics.in_flight) == (1, {"cancelled": 1}, 0)


@virtual_time
async def test_the_deadline_of_a_stream_is_for_all_of_it() -> None:
    shop = Fixture()
    items = shop.stream("watch", 50, 2.0)
    assert [await anext(items), await anext(items)] == [0, 1]
    with pytest.raises(DeadlineExceeded, match=r"shop\.watch did not finish"):
        await anext(items)
    assert virtual_clock().monotonic() == pytest.approx(5, abs=0.02)
    assert shop.metrics("watch").errors == {"deadline_exceeded": 1}


@virtual_time
async def test_a_stream_that_comes_too_late_does_not_start() -> None:
    shop = Fixture()
    with pytest.raises(DeadlineExceeded, match="had passed on arrival") as caught:
        await anext(shop.stream("watch", 3, context=CallContext("", 0.0)))
    assert not caught.value.may_have_run
    assert shop.service.seen == []


@virtual_time
async def test_roles_hold_for_streams() -> None:
    shop = Fixture()
    with pytest.raises(Unauthenticated):
        await anext(shop.stream("guarded_watch"))
    assert shop.service.seen == []
    context = CallContext("", principal=ALICE)
    assert [item async for item in shop.stream("guarded_watch", context=context)] == [1]


@virtual_time
async def test_an_error_in_the_middle_of_a_stream_comes_after_its_items() -> None:
    shop = Fixture()
    with pytest.raises(Refused) as caught:
        await anext(shop.stream("watch", -1))
    assert caught.value == Refused(reason="negative")
    assert shop.metrics("watch").errors == {"Refused": 1}


@virtual_time
async def test_a_stream_cancelled_while_waiting_stays_cancelled() -> None:
    shop = Fixture()
    task = asyncio.create_task(anext(shop.stream("watch", 1, 3.0)))
    await virtual_clock().sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (shop.metrics("watch").errors, shop.metrics("watch").in_flight) == ({"cancelled": 1}, 0)


@virtual_time
async def test_a_cleanup_that_fails_is_logged_and_the_consumer_not_troubled() -> None:
    shop = Fixture()
    with CapturedLogs() as logs:
        async with aclosing(shop.stream("watch", 99)) as items:
            await anext(items)
    assert logs.line("stream did not close cleanly").exception["type"].endswith("LookupError")
    assert shop.metrics("watch").in_flight == 0


@virtual_time
async def test_a_cleanup_ends_with_the_deadline() -> None:
    shop = Fixture()
    with CapturedLogs() as logs:
        async with aclosing(shop.stream("watch", 98)) as items:
            await anext(items)
    assert logs.line("stream did not close cleanly").exception["type"].endswith("DeadlineExceeded")
    assert virtual_clock().monotonic() == pytest.approx(5, abs=0.02)


@virtual_time
async def test_an_endpoint_says_what_it_is() -> None:
    endpoint = Fixture().endpoints["find"]
    assert isinstance(endpoint, Endpoint)
    assert (endpoint.service, endpoint.operation.key, endpoint.stream) == ("shop", "Shop/1.0/find", None)
