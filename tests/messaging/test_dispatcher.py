"""What becomes of events whose handlers work, fail for a while, or never work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from calve.contract import Event, describe
from calve.core.clock import SystemClock
from calve.core.codec import Codec
from calve.core.context import current_call
from calve.messaging import ConsumerMetrics, Dispatcher, DispatchOptions, Handler, LocalFeed, Parking
from calve.observe import Logger
from calve.store import SchemaFile, SqliteStore, Store, Transaction, inbox
from calve.store.log import Outlet
from calve.testing.store_suite.log import Bank, Opened

SEEN = SchemaFile("0001_seen.sql", "CREATE TABLE seen (number INTEGER PRIMARY KEY, owner TEXT, cents BIGINT UNIQUE)")
NOTE = "INSERT INTO seen (owner, cents) VALUES (:owner, :cents)"
FAST = DispatchOptions(look_seconds=0.02, pause_seconds=0.01, attempts_max=3)


class Bench:
    """A bank that publishes, and a consumer that notes what it has seen in a store of its own."""

    def __init__(self, bank: Store, consumer: Store) -> None:
        self.bank, self.consumer = bank, consumer
        self.fails: Callable[[Opened], bool] = lambda event: False
        self.calls: list[Opened] = []
        self.metrics = ConsumerMetrics()
        self.options = FAST

    async def publish(self, owner: str, *cents: int) -> None:
        """Events of one key, in one transaction."""
        async with self.bank.transaction() as tx:
            for number in cents:
                tx.publish(Opened(owner=owner, cents=number), key=owner)

    async def handle(self, event: Opened, tx: Transaction) -> None:
        """The handler."""
        self.calls.append(event)
        await tx.execute(NOTE, owner=event.owner, cents=event.cents)
        if self.fails(event):
            raise ValueError(f"no {event.cents} today")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """A dispatcher at work."""
        handler = Handler("notes.handle", Opened, Codec(Opened), self.handle)
        dispatcher = Dispatcher(
            self.consumer,
            LocalFeed("bank", "notes", self.bank.log, shared=False, clock=SystemClock()),
            0,
            {"Opened": handler},
            clock=SystemClock(),
            log=Logger("notes"),
            metrics=self.metrics,
            options=self.options,
            alone=asyncio.Lock(),
        )
        task = asyncio.create_task(dispatcher.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def seen(self) -> list[tuple[str, int]]:
        """What the consumer has noted, in order."""
        rows = await self.consumer.all("SELECT owner, cents FROM seen ORDER BY number")
        return [(row.owner, row.cents) for row in rows]

    async def until(self, *cents: int) -> None:
        """Wait until exactly these have been noted."""
        async with asyncio.timeout(20):
            while sorted(noted for _, noted in await self.seen()) != sorted(cents):  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def until_true(self, condition: Callable[[], Any]) -> None:
        """Wait for something else."""
        async with asyncio.timeout(20):
            while not await condition():  # noqa: ASYNC110  (what a database says comes with no event)
                await asyncio.sleep(0.005)

    async def mark(self) -> int:
        """How far the consumer is."""
        return await self.consumer.one(inbox.MARK, int, source="bank", shard=0) or 0


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """Both stores, empty."""
    async with await SqliteStore.memory() as bank, await SqliteStore.memory([SEEN]) as consumer:
        bank.log.outlet = Outlet("bank", describe(Bank), SystemClock())
        yield Bench(bank, consumer)


async def test_each_event_is_handled_once_in_order(bench: Bench) -> None:
    await bench.publish("ada", 1, 2)
    async with bench.running():
        await bench.until(1, 2)
        await bench.publish("bob", 3)
        await bench.publish("ada", 4)
        await bench.until(1, 2, 3, 4)
    assert await bench.seen() == [("ada", 1), ("ada", 2), ("bob", 3), ("ada", 4)]
    assert await bench.mark() == 4
    assert [event.cents for event in bench.calls] == [1, 2, 3, 4]


async def test_a_restart_repeats_nothing(bench: Bench) -> None:
    for start in range(0, 100, 10):
        await bench.publish("ada", *range(start, start + 10))
        async with bench.running():
            await bench.until(*range(start + 10))
    assert [event.cents for event in bench.calls] == list(range(100))


async def test_a_failure_holds_back_its_key_and_no_other(bench: Bench) -> None:
    failing = True
    bench.fails = lambda event: failing and event.cents == 2
    bench.options = DispatchOptions(look_seconds=0.02, attempts_max=1000)
    await bench.publish("ada", 1, 2, 3)
    await bench.publish("bob", 4, 5)
    async with bench.running():
        await bench.until(1, 4, 5)
        await bench.publish("ada", 6)
        await bench.publish("bob", 7)
        await bench.until(1, 4, 5, 7)
        assert await bench.mark() == 1
        failing = False
        await bench.until(1, 2, 3, 4, 5, 6, 7)
        await bench.until_true(lambda: _equals(bench.mark(), 7))
    ada = [cents for owner, cents in await bench.seen() if owner == "ada"]
    assert ada == [1, 2, 3, 6]
    assert await bench.consumer.all(inbox.DONE, int, source="bank", shard=0) == []


async def _equals(value: Any, expected: Any) -> bool:
    return bool(await value == expected)


async def test_a_restart_while_a_key_is_held_repeats_nothing_of_the_others(bench: Bench) -> None:
    bench.fails = lambda event: event.cents == 1
    bench.options = DispatchOptions(look_seconds=0.02, attempts_max=1000)
    await bench.publish("ada", 1)
    await bench.publish("bob", 2, 3)
    async with bench.running():
        await bench.until(2, 3)
    bench.calls.clear()
    async with bench.running():
        await bench.publish("bob", 4)
        await bench.until(2, 3, 4)
    assert {event.cents for event in bench.calls} == {1, 4}


async def test_what_never_works_is_parked_with_its_key(bench: Bench) -> None:
    failing = True
    bench.fails = lambda event: failing and event.cents == 2
    parking = Parking(bench.consumer)
    await bench.publish("ada", 1, 2, 3)
    await bench.publish("bob", 4)
    async with bench.running():
        await bench.until_true(parking.keys)
        await bench.publish("ada", 5)
        await bench.publish("bob", 6)
        await bench.until(1, 4, 6)
        await bench.until_true(lambda: _equals(bench.mark(), 6))
        (key,) = await parking.keys()
        assert (key.source, key.key, key.attempts, key.waiting) == ("bank", "ada", 3, 3)
        assert "ValueError: no 2 today" in key.error
        assert bench.metrics.parked_keys == 1

        await parking.retry("bank", "ada")  # it still does not work
        await bench.until_true(lambda: _equals(_attempts(parking), 4))

        failing = False
        await parking.retry("bank", "ada")
        await bench.until(1, 2, 3, 4, 5, 6)
        await bench.publish("ada", 7)
        await bench.until(1, 2, 3, 4, 5, 6, 7)
    assert await parking.keys() == []
    assert [cents for owner, cents in await bench.seen() if owner == "ada"] == [1, 2, 3, 5, 7]


async def _attempts(parking: Parking) -> int:
    return (await parking.keys())[0].attempts


async def test_a_parked_key_stays_parked_over_a_restart(bench: Bench) -> None:
    bench.fails = lambda event: event.cents == 1
    await bench.publish("ada", 1)
    async with bench.running():
        await bench.until_true(Parking(bench.consumer).keys)
    bench.fails = lambda event: False
    await bench.publish("ada", 2)
    async with bench.running():
        await bench.until_true(lambda: _equals(bench.mark(), 2))
        assert await bench.seen() == []
        await Parking(bench.consumer).drop("bank", "ada")
        await Parking(bench.consumer).retry("bank", "ada")
        await bench.until(2)


async def test_somebody_mends_an_event_and_it_is_handled(bench: Bench) -> None:
    bench.fails = lambda event: event.cents < 0
    await bench.publish("ada", -1, 2)
    parking = Parking(bench.consumer)
    async with bench.running():
        await bench.until_true(parking.keys)
        before = await parking.edit("bank", "ada", b'{"owner":"ada","cents":1}')
        assert before.data == b'{"owner":"ada","cents":-1}'
        assert [event.offset for event in await parking.events("bank", "ada")] == [1, 2]
        await parking.retry("bank", "ada")
        await bench.until(1, 2)


async def test_an_event_that_cannot_be_decoded_is_parked_at_once(bench: Bench) -> None:
    await bench.publish("ada", 1)
    async with bench.bank.transaction() as tx:
        await tx.execute("UPDATE calve_log SET data = :data", data=b'{"owner":7}')
    await bench.publish("bob", 2)
    parking = Parking(bench.consumer)
    async with bench.running():
        await bench.until(2)
        await bench.until_true(parking.keys)
    (key,) = await parking.keys()
    assert key.attempts == 1
    assert "InvalidArgument" in key.error
    assert bench.metrics.failed == 1


async def test_the_effects_of_a_failed_run_are_taken_back(bench: Bench) -> None:
    left = 2

    def twice(event: Opened) -> bool:
        nonlocal left
        left -= event.cents == 3
        return event.cents == 3 and left >= 0

    bench.fails = twice
    await bench.publish("ada", *range(10))
    async with bench.running():
        await bench.until(*range(10))
    assert [cents for _, cents in await bench.seen()] == list(range(10))


async def test_a_constraint_that_is_broken_is_the_event_s_fault_alone(bench: Bench) -> None:
    await bench.publish("ada", 1, 1)
    await bench.publish("bob", 2)
    parking = Parking(bench.consumer)
    async with bench.running():
        await bench.until(1, 2)
        await bench.until_true(parking.keys)
    assert "ConstraintViolated" in (await parking.keys())[0].error


async def test_the_handler_knows_what_it_came_of(bench: Bench) -> None:
    calls: list[Any] = []

    def note(event: Event) -> bool:
        calls.append(current_call())
        return False

    bench.fails = note
    await bench.publish("ada", 1)
    async with bench.running():
        await bench.until(1)
    assert (calls[0].operation, calls[0].caller) == ("notes.handle", "bank.Opened")


async def test_a_consumer_that_slept_too_long_goes_on_with_what_is_left(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.publish("ada", 1, 2, 3)
    await bench.bank.log.prune(0, 2**52, 2, 10)
    async with bench.running():
        await bench.until(3)
    assert "events lost to this consumer" in caplog.text


async def test_one_key_that_never_works_does_not_stop_the_reading_for_ever(bench: Bench) -> None:
    bench.fails = lambda event: event.owner == "ada"
    bench.options = DispatchOptions(look_seconds=0.02, attempts_max=10**6, ahead_max=20, read_max=10, batch_max=4)
    await bench.publish("ada", -1)
    for number in range(50):
        await bench.publish("bob", number)
    async with bench.running():
        await bench.until(*range(50))
    assert [key.key for key in await Parking(bench.consumer).keys()] == ["ada"]
