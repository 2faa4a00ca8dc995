"""Streaming operations: credit, slow consumers, early ends, errors in between; in memory and in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Any, cast

import pytest

from calve.core.context import CallContext
from calve.core.errors import DeadlineExceeded, InternalError, Unavailable, UnknownOperation
from calve.testing.loop import virtual_time
from calve.transport.wire import WireOptions

from .conftest import COUNT, ECHO, InsufficientFunds, Kit, until


class Producer:
    """A handler of `count` that says how far it got and how it ended."""

    def __init__(self) -> None:
        self.produced = 0
        self.closed = False

    async def __call__(self, context: CallContext, request: Any) -> AsyncIterator[int]:
        try:
            for number in range(request.upto):
                self.produced += 1
                yield number
        finally:
            self.closed = True


async def collect(stream: AsyncIterator[Any], into: list[Any]) -> None:
    """Iterate to the end, keeping what came before an error."""
    async for item in stream:
        into.append(item)


async def settle() -> None:
    """Let everything happen that can happen without time passing."""
    for _ in range(200):
        await asyncio.sleep(0)


@pytest.mark.parametrize("upto", [0, 1, 63, 64, 65, 1000])
def test_all_items_arrive_in_order(upto: int) -> None:
    @virtual_time
    async def run() -> None:
        async with Kit() as kit:
            server = kit.server()
            assert [item async for item in kit.stream(kit.client(), upto)] == list(range(upto))
            await until(lambda: server.running == 0)

    run()


@virtual_time
async def test_a_slow_consumer_holds_the_producer_back() -> None:
    producer = Producer()
    async with Kit() as kit:
        kit.server(count=producer)
        stream = kit.stream(kit.client(options=WireOptions(window_items=8)), 1000)
        assert await anext(stream) == 0
        await settle()
        assert producer.produced == 9, "the window, and one that waits for credit"
        for expected in range(1, 5):
            assert await anext(stream) == expected
        await settle()
        assert producer.produced == 13
        assert [item async for item in stream] == list(range(5, 1000))


@pytest.mark.parametrize("window", [1, 2, 3])
def test_small_windows_work(window: int) -> None:
    @virtual_time
    async def run() -> None:
        async with Kit() as kit:
            kit.server()
            client = kit.client(options=WireOptions(window_items=window))
            assert [item async for item in kit.stream(client, 20)] == list(range(20))

    run()


@virtual_time
async def test_a_consumer_that_stops_early_closes_the_producer() -> None:
    producer = Producer()
    async with Kit() as kit:
        server = kit.server(count=producer)
        async with aclosing(cast(Any, kit.stream(kit.client(), 1_000_000))) as stream:
            async for item in stream:
                if item == 100:
                    break
        await until(lambda: producer.closed)
        assert producer.produced < 300
        await until(lambda: server.running == 0)
        assert kit.clock.monotonic() == 0


@virtual_time
async def test_a_producer_that_waits_for_credit_is_closed_as_well() -> None:
    producer = Producer()
    async with Kit() as kit:
        server = kit.server(count=producer)
        stream = kit.stream(kit.client(options=WireOptions(window_items=4)), 1_000_000)
        await anext(stream)
        await settle()
        assert producer.produced == 5
        await cast(Any, stream).aclose()
        await until(lambda: producer.closed and server.running == 0)


@virtual_time
async def test_a_producer_that_ignores_its_cancellation_is_stopped_at_the_next_item() -> None:
    produced = 0

    async def stubborn(context: CallContext, request: Any) -> AsyncIterator[int]:
        nonlocal produced
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(1)
            produced += 1
            yield produced

    async with Kit() as kit:
        server = kit.server(count=stubborn)
        client = kit.client()
        for lose in (False, True):
            stream = kit.stream(client, 0, seconds=None)
            await anext(stream)
            if lose:
                kit.network.pipes[0].cut()
            else:
                await cast(Any, stream).aclose()
            await until(lambda: server.running == 0)
            await cast(Any, stream).aclose()
        assert produced <= 4


@virtual_time
async def test_an_error_between_items_arrives_after_them_as_itself() -> None:
    async def count(context: CallContext, request: Any) -> AsyncIterator[int]:
        yield 1
        yield 2
        raise InsufficientFunds(missing_cents=5)

    async with Kit() as kit:
        kit.server(count=count)
        items: list[Any] = []
        with pytest.raises(InsufficientFunds) as caught:
            await collect(kit.stream(kit.client(), 0), items)
    assert items == [1, 2]
    assert caught.value.missing_cents == 5


@virtual_time
async def test_the_deadline_covers_the_whole_stream() -> None:
    closed = asyncio.Event()

    async def count(context: CallContext, request: Any) -> AsyncIterator[int]:
        try:
            while True:
                await asyncio.sleep(1)
                yield 1
        finally:
            closed.set()

    async with Kit() as kit:
        kit.server(count=count)
        items: list[Any] = []
        with pytest.raises(DeadlineExceeded):
            await collect(kit.stream(kit.client(), 0, seconds=3.5), items)
        assert items == [1, 1, 1]
        assert kit.clock.monotonic() == pytest.approx(3.5, abs=0.02)
        await closed.wait()


@virtual_time
async def test_the_deadline_frees_a_producer_whose_consumer_gives_no_credit() -> None:
    producer = Producer()
    async with Kit() as kit:
        server = kit.server(count=producer)
        stream = kit.stream(kit.client(options=WireOptions(window_items=4)), 1000, seconds=3)
        await anext(stream)
        kit.network.pipes[0].stall()  # the client's own cancel must not be what frees it
        await asyncio.sleep(3.1)
        assert producer.closed
        assert server.running == 0


@virtual_time
async def test_an_item_that_cannot_be_sent_ends_the_stream() -> None:
    closed = asyncio.Event()

    async def count(context: CallContext, request: Any) -> AsyncIterator[Any]:
        try:
            yield 1
            yield "x" * 20_000
            yield 3
        finally:
            closed.set()

    async with Kit() as kit:
        kit.server(count=count)
        items: list[Any] = []
        with pytest.raises(InternalError, match="limit is 10000"):
            await collect(kit.stream(kit.client(options=WireOptions(frame_bytes_max=10_000)), 0), items)
        assert items == [1]
        await closed.wait()


@virtual_time
async def test_an_item_that_does_not_fit_the_contract_ends_the_stream_and_the_work() -> None:
    closed = asyncio.Event()

    async def count(context: CallContext, request: Any) -> AsyncIterator[Any]:
        try:
            for _ in range(1_000_000):
                yield "one"
        finally:
            closed.set()

    async with Kit() as kit:
        kit.server(count=count)
        with pytest.raises(InternalError, match="Expected `int`, got `str`"):
            await collect(kit.stream(kit.client(), 0), [])
        await closed.wait()


@virtual_time
async def test_a_lost_connection_ends_the_stream_after_the_items_that_arrived() -> None:
    producer = Producer()
    async with Kit() as kit:
        kit.server(count=producer)
        stream = kit.stream(kit.client(options=WireOptions(window_items=4)), 1000)
        items = [await anext(stream)]
        await settle()
        kit.network.pipes[0].cut()
        with pytest.raises(Unavailable, match="lost during the call") as caught:
            await collect(stream, items)
        assert caught.value.may_have_run is True
        assert items == [0, 1, 2, 3]
        await until(lambda: producer.closed)


@virtual_time
async def test_a_stream_called_as_a_call_is_refused_and_the_other_way_round() -> None:
    async with Kit() as kit:
        kit.server()
        client = kit.client()
        with pytest.raises(UnknownOperation, match="a stream in this unit's contract"):
            await client.call("wallet", COUNT, COUNT.request(1), kit.context())
        with pytest.raises(UnknownOperation, match="one answer in this unit's contract"):
            await anext(client.stream("wallet", ECHO, ECHO.request(b""), kit.context()))


@virtual_time
async def test_streams_and_calls_share_a_connection_without_blocking_each_other() -> None:
    async with Kit() as kit:
        kit.server()
        client = kit.client(options=WireOptions(window_items=4))
        stalled = kit.stream(client, 1000)
        await anext(stalled)
        await settle()
        assert await kit.call(client, ECHO, data=b"x") == b"x"
        assert [item async for item in kit.stream(client, 100)] == list(range(100))
        assert len(kit.network.pipes) == 1
        await cast(Any, stalled).aclose()


@virtual_time
async def test_a_peer_that_does_not_read_holds_producers_back() -> None:
    produced = 0

    async def count(context: CallContext, request: Any) -> AsyncIterator[Any]:
        nonlocal produced
        for _ in range(1000):
            produced += 1
            yield "x" * 50_000

    async with Kit() as kit:
        kit.server(count=count)
        stream = kit.stream(kit.client(options=WireOptions(window_items=1000)), 0, seconds=600)
        waiting = asyncio.ensure_future(anext(stream))
        await until(lambda: produced > 0)
        kit.network.pipes[0].stall()
        await settle()
        assert produced < 10, "the pipe is full, whatever the credit"
        kit.network.pipes[0].flow()
        with pytest.raises(InternalError):
            await waiting
