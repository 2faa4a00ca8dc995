"""The caller's half of a call to a service hosted elsewhere: deadline, span, metrics, and the name on errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Protocol

import pytest

from calve import CallContext, Contract, DomainError, query
from calve.contract import Endpoint, describe
from calve.core.errors import Unavailable
from calve.core.trace import TraceContext
from calve.observe import OperationMetrics, Registry
from calve.service import remote_endpoints
from calve.testing import virtual_clock, virtual_time
from calve.testing.fakes.observe import RecordingTracing
from calve.testing.fakes.remote import FakeRemote


class Refused(DomainError):
    pass


class Shop(Contract, Protocol, version="1.0"):
    @query(timeout_seconds=2, raises=[Refused])
    async def find(self, text: str) -> str: ...

    @query(raises=[Refused])
    def watch(self, count: int) -> AsyncIterator[int]: ...


class Fixture:
    """The shop, elsewhere."""

    def __init__(self, answer: Any) -> None:
        self.remote = FakeRemote({"shop.find": answer, "shop.watch": answer})
        self.registry, self.tracing = Registry(), RecordingTracing()
        self.endpoints: dict[str, Endpoint] = remote_endpoints(
            describe(Shop),
            "shop",
            self.remote,
            clock=virtual_clock(),
            registry=self.registry,
            tracing=self.tracing,
        )

    def metrics(self, operation: str) -> OperationMetrics:
        """The client metrics of an operation."""
        return self.registry.operation("shop", operation, "query", "client")

    async def find(self, context: CallContext | None = None) -> Any:
        """Call."""
        endpoint = self.endpoints["find"]
        return await endpoint.handle(context or CallContext(""), endpoint.operation.request("a"))

    def watch(self, context: CallContext | None = None) -> Any:
        """Stream."""
        endpoint = self.endpoints["watch"]
        assert endpoint.stream is not None
        return endpoint.stream(context or CallContext(""), endpoint.operation.request(1))


@virtual_time
async def test_a_call_is_sent_with_its_deadline_and_span() -> None:
    shop, context = Fixture("answer"), CallContext("", trace=TraceContext.root(sampled=True))
    assert await shop.find(context) == "answer"
    sent = shop.remote.calls[0]
    assert (sent.name, sent.request, sent.context) == ("shop.find", {"text": "a"}, context)
    assert context.deadline == 2
    span = shop.tracing.span("shop/find")
    assert (span.kind, span.trace, span.ended, span.failed) == ("client", context.trace, True, False)
    assert (shop.metrics("find").requests, shop.metrics("find").errors) == (1, {})


@virtual_time
async def test_a_tighter_deadline_of_the_caller_holds() -> None:
    shop, context = Fixture("answer"), CallContext("", 0.5)
    await shop.find(context)
    assert context.deadline == 0.5


@virtual_time
async def test_errors_are_counted_and_call_errors_carry_the_operation() -> None:
    for error, code, failed in ((Unavailable("gone"), "unavailable", True), (Refused(), "Refused", False)):
        shop = Fixture(error)
        with pytest.raises(type(error)) as caught:
            await shop.find(CallContext("", trace=TraceContext.root(sampled=True)))
        assert getattr(caught.value, "operation", "shop.find") == "shop.find"
        assert shop.metrics("find").errors == {code: 1}
        span = shop.tracing.span("shop/find")
        assert (span.error_type, span.failed) == (code, failed)


@virtual_time
async def test_a_cancelled_call_is_counted() -> None:
    async def never(request: Any) -> None:
        await virtual_clock().sleep(1000)

    shop = Fixture(never)
    task = asyncio.create_task(shop.find())
    await virtual_clock().sleep(1)
    assert shop.metrics("find").in_flight == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (shop.metrics("find").in_flight, shop.metrics("find").errors) == (0, {"cancelled": 1})


@virtual_time
async def test_a_stream_is_sent_when_its_first_item_is_asked_for() -> None:
    shop = Fixture([1, 2])
    items = shop.watch()
    assert shop.remote.calls == []
    assert [item async for item in items] == [1, 2]
    assert (shop.metrics("watch").requests, shop.metrics("watch").errors) == (1, {})
    assert shop.remote.closed_streams == 1


@virtual_time
async def test_the_span_of_a_stream_is_not_around_what_its_consumer_does() -> None:
    shop, parent = Fixture([1]), TraceContext.root(sampled=True)
    async for _ in shop.watch(CallContext("", trace=parent)):
        assert await Fixture("a").find(CallContext("", trace=parent)) == "a"
        async for _ in shop.watch(CallContext("", trace=parent)):
            pass
    assert [span.parent for span in shop.tracing.spans] == [parent, parent]


@virtual_time
async def test_a_stream_that_is_left_early_is_closed_and_counted() -> None:
    shop = Fixture([1, 2])
    async with aclosing(shop.watch()) as items:
        assert await anext(items) == 1
    assert shop.remote.closed_streams == 1
    assert (shop.metrics("watch").in_flight, shop.metrics("watch").errors) == (0, {"cancelled": 1})


@virtual_time
async def test_an_error_in_the_middle_of_a_stream_comes_after_its_items() -> None:
    for error, code in ((Unavailable("gone"), "unavailable"), (Refused(), "Refused")):
        shop = Fixture([1, error])
        items = shop.watch(CallContext("", trace=TraceContext.root(sampled=True)))
        assert await anext(items) == 1
        with pytest.raises(type(error)):
            await anext(items)
        assert shop.metrics("watch").errors == {code: 1}
        assert shop.tracing.span("shop/watch").error_type == code
