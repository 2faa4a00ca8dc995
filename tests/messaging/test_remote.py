"""Reading a log over a wire: pages, their limits, and what is not there any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from calve.contract import Endpoint, Operation, describe
from calve.core.clock import SystemClock
from calve.core.codec import Codec
from calve.core.context import CallContext
from calve.core.errors import Unavailable
from calve.messaging import Consumers, DispatchOptions, Handler, LocalFeed, RemoteFeed, log_endpoints
from calve.messaging import remote as module
from calve.observe import Logger
from calve.store import SqliteStore, Store, Transaction
from calve.store.log import LogTruncated, Outlet
from calve.testing.store_suite.log import Bank, Opened

CLOCK = SystemClock()


class Wire:
    """Carries calls to endpoints as bytes."""

    def __init__(self, bank: Store) -> None:
        feed = partial(self._local, bank)
        self.endpoints = log_endpoints("bank", feed, self._endpoint)

    @staticmethod
    def _local(bank: Store, consumer: str) -> LocalFeed:
        return LocalFeed("bank", consumer, bank.log, shared=False, clock=CLOCK)

    @staticmethod
    def _endpoint(service: str, operation: Operation, method: Any) -> Endpoint:
        async def handle(context: CallContext, request: Any) -> Any:
            return await method(*(getattr(request, name) for name in operation.params))

        return Endpoint(service, operation, handle)

    async def call(self, service: str, operation: Operation, request: Any, context: CallContext) -> Any:
        assert service == "bank"
        arrived = Codec[Any](operation.request).copy(request)
        answer = await self.endpoints[operation.name].handle(context, arrived)
        return operation.response_codec.copy(answer)


@pytest.fixture
async def bank() -> AsyncIterator[Store]:
    """A store whose service publishes."""
    async with await SqliteStore.memory() as store:
        store.log.outlet = Outlet("bank", describe(Bank), CLOCK)
        yield store


async def publish(bank: Store, *cents: int) -> None:
    """Events of one key."""
    async with bank.transaction() as tx:
        for number in cents:
            tx.publish(Opened(owner="ada" * 100, cents=number), key="ada")


async def test_a_page_is_what_a_local_reader_sees(bank: Store) -> None:
    await publish(bank, 1, 2, 3)
    feed = RemoteFeed("bank", "letters", Wire(bank), CLOCK.monotonic)
    assert await feed.shards() == 1
    assert await feed.last(0) == 3
    assert await feed.read(0, 1, 10, 0, 1) == await bank.log.read(0, 1, 10)
    assert await feed.read(0, 3, 10, 0, 3) == []
    assert [(reader.consumer, reader.offset) for reader in await bank.log.readers()] == [("letters", 1)]


async def test_a_read_waits_for_the_next_event(bank: Store) -> None:
    feed = RemoteFeed("bank", "letters", Wire(bank), CLOCK.monotonic)
    reading = asyncio.create_task(feed.read(0, 0, 10, 20, 0))
    await asyncio.sleep(0)
    await publish(bank, 1)
    async with asyncio.timeout(10):
        assert len(await reading) == 1


async def test_what_is_gone_is_said(bank: Store) -> None:
    await publish(bank, 1, 2, 3)
    await bank.log.prune(0, 2**52, 2, 10)
    feed = RemoteFeed("bank", "letters", Wire(bank), CLOCK.monotonic)
    with pytest.raises(LogTruncated) as truncated:
        await feed.read(0, 0, 10, 0, 0)
    assert truncated.value.floor == 2


async def test_a_page_fits_into_a_frame(bank: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BYTES_MAX", 1200)
    await publish(bank, *range(10))
    feed = RemoteFeed("bank", "letters", Wire(bank), CLOCK.monotonic)
    assert 1 <= len(await feed.read(0, 0, 10, 0, 0)) < 4
    monkeypatch.setattr(module, "BYTES_MAX", 1)
    assert len(await feed.read(0, 0, 10, 0, 0)) == 1  # or nobody would ever get on


async def test_a_source_that_does_not_answer_is_asked_again(bank: Store) -> None:
    wire, seen = Wire(bank), list[int]()
    down, working = 2, wire.call

    async def call(*args: Any) -> Any:
        nonlocal down
        down -= 1
        if down >= 0:
            raise Unavailable("nobody is there")
        return await working(*args)

    wire.call = call  # type: ignore[method-assign,assignment]

    async def handle(event: Opened, tx: Transaction) -> None:
        seen.append(event.cents)

    await publish(bank, 1, 2)
    feed = RemoteFeed("bank", "letters", wire, CLOCK.monotonic)
    handler = Handler("letters.handle", Opened, Codec(Opened), handle)
    options = DispatchOptions(look_seconds=0.02, pause_seconds=0.01)
    async with await SqliteStore.memory() as store, asyncio.timeout(20):
        consumers = Consumers(store, [(feed, [handler])], clock=CLOCK, log=Logger("letters"), options=options)
        consumers.start()
        while seen != [1, 2]:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        await consumers.stop()
