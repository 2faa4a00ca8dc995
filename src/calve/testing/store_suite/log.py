"""The part about the log: events are there if, and only if, their transaction is, in order, without a gap."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Protocol
from uuid import UUID

import msgspec
import pytest

from ...contract import Contract, Event, describe
from ...core.clock import SystemClock
from ...core.errors import ConfigError, InvalidArgument
from ...store import ConstraintViolated, Store, TransactionError
from ...store.log import VOID, LogTruncated, Outlet, Record
from .base import ADD, COUNT, GET, PUT, StoreTests

FAR_MS = 2**52


class Opened(Event):
    """An account was opened."""

    owner: str
    cents: int


class Unpromised(Event):
    """No contract promises this one."""


class Bank(Contract, Protocol, version="3.1", publishes=[Opened]):
    """What the suite's service promises."""


class Boom(Exception):
    """What the tests raise inside a block."""


async def whole(store: Store, limit: int = 100) -> list[Record]:
    """Every record of every shard, those that stand for nothing left out; checks that offsets have no gap."""
    found: list[Record] = []
    for shard in range(store.log.shards):
        after = await store.log.floor(shard)
        while page := await store.log.read(shard, after, limit):
            assert [record.offset for record in page] == list(range(after + 1, after + 1 + len(page)))
            assert {record.shard for record in page} == {shard}
            found += page
            after = page[-1].offset
    return [record for record in found if record.type != VOID]


async def open_account(store: Store, owner: str, cents: int = 1) -> None:
    """One row, and one event that says so."""
    async with store.transaction() as tx:
        await tx.execute(PUT, owner=owner, cents=cents)
        tx.publish(Opened(owner=owner, cents=cents), key=owner)


def owners(records: list[Record]) -> list[str]:
    """Whose accounts the events are about."""
    return [msgspec.json.decode(record.data, type=Opened).owner for record in records]


class LogTests(StoreTests):
    """See the module."""

    @pytest.fixture(name="bank")
    async def bank_fixture(self, store: Store) -> Store:
        """The store, opened for a service that publishes `Opened`."""
        store.log.outlet = Outlet("bank", describe(Bank), SystemClock())
        return store

    async def test_an_event_is_kept_with_its_row(self, bank: Store) -> None:
        await open_account(bank, "ada", 7)
        (record,) = await whole(bank)
        assert (record.key, record.type, record.version) == ("ada", "Opened", 3)
        assert msgspec.json.decode(record.data) == {"owner": "ada", "cents": 7}
        assert isinstance(record.id, UUID)
        assert abs(record.at_ms - SystemClock().now().timestamp() * 1000) < 60_000
        assert msgspec.json.decode(record.headers) == {}

    async def test_a_rolled_back_transaction_publishes_nothing(self, bank: Store) -> None:
        await open_account(bank, "ada")
        with suppress(Boom):
            async with bank.transaction() as tx:
                await tx.execute(PUT, owner="bob", cents=1)
                tx.publish(Opened(owner="bob", cents=1), key="bob")
                raise Boom
        with suppress(ConstraintViolated):
            await open_account(bank, "ada")
        await open_account(bank, "cleo")
        assert sorted(owners(await whole(bank))) == ["ada", "cleo"]

    async def test_a_transaction_may_publish_and_write_nothing_else(self, bank: Store) -> None:
        async with bank.transaction() as tx:
            tx.publish(Opened(owner="ada", cents=1), key="ada")
        assert owners(await whole(bank)) == ["ada"]

    async def test_events_of_one_key_stay_in_order(self, bank: Store) -> None:
        async with bank.transaction() as tx:
            await tx.execute(PUT, owner="ada", cents=0)
        for number in range(1, 6):
            async with bank.transaction() as tx:
                await tx.execute(ADD, owner="ada", cents=1)
                for part in (2 * number, 2 * number + 1):
                    tx.publish(Opened(owner="ada", cents=part), key="ada")
        found = [msgspec.json.decode(record.data, type=Opened).cents for record in await whole(bank, limit=3)]
        assert found == list(range(2, 12))

    async def test_many_at_once_lose_nothing_and_keep_the_order_of_each_key(self, bank: Store) -> None:
        async def run(owner: str) -> None:
            async def once(cents: int) -> None:
                async with bank.transaction() as tx:
                    await tx.execute(PUT if cents == 0 else ADD, owner=owner, cents=cents and 1)
                    tx.publish(Opened(owner=owner, cents=cents), key=owner)
                    if cents % 3 == 2:
                        raise Boom

            for cents in range(9):
                with suppress(Boom):
                    await once(cents)

        everybody = [f"owner {number}" for number in range(12)]
        seen: list[Record] = []

        async def follow() -> None:
            marks = dict.fromkeys(range(bank.log.shards), 0)
            while len([record for record in seen if record.type != VOID]) < 6 * len(everybody):
                news = bank.log.changed()
                for shard, after in marks.items():
                    page = await bank.log.read(shard, after, 50)
                    assert [record.offset for record in page] == list(range(after + 1, after + 1 + len(page)))
                    marks[shard] = after + len(page)
                    seen.extend(page)
                with suppress(TimeoutError):
                    await asyncio.wait_for(news, 0.05)

        async with asyncio.timeout(60):
            await asyncio.gather(follow(), *map(run, everybody))
        by_owner = {owner: [r for r in seen if r.key == owner] for owner in everybody}
        for records in by_owner.values():
            assert [msgspec.json.decode(r.data, type=Opened).cents for r in records] == [0, 1, 3, 4, 6, 7]
        assert await bank.one(COUNT, int) == len(everybody)

    async def test_whoever_waits_hears_of_a_commit(self, bank: Store) -> None:
        news = bank.log.changed()
        assert not news.done()
        await open_account(bank, "ada")
        assert news.done()
        assert not bank.log.changed().done()

    async def test_only_what_the_contract_promises_can_be_published(self, store: Store) -> None:
        async with store.transaction() as tx:
            with pytest.raises(ConfigError, match="for which service"):
                tx.publish(Unpromised())
        store.log.outlet = Outlet("bank", describe(Bank), SystemClock())
        async with store.transaction() as tx:
            with pytest.raises(ConfigError, match="Unpromised, which its contract Bank does not promise"):
                tx.publish(Unpromised())
            with pytest.raises(InvalidArgument, match="cents"):
                tx.publish(Opened(owner="ada", cents="many"), key="ada")  # type: ignore[arg-type]
            with pytest.raises(InvalidArgument, match="limit of an event"):
                tx.publish(Opened(owner="a" * 1_000_000, cents=1), key="ada")
            for key in ("", "a" * 256, "a\0b"):
                with pytest.raises(InvalidArgument, match="key of Opened"):
                    tx.publish(Opened(owner="ada", cents=1), key=key)
            await tx.execute(PUT, owner="ada", cents=1)
            tx.publish(Opened(owner="ada", cents=1))
        (record,) = await whole(store)
        assert record.key == str(record.id)

    async def test_a_savepoint_takes_back_rows_and_events(self, bank: Store) -> None:
        async with bank.transaction() as tx:
            await tx.execute(PUT, owner="ada", cents=1)
            tx.publish(Opened(owner="ada", cents=1), key="ada")
            with suppress(Boom):
                async with tx.savepoint():
                    await tx.execute(PUT, owner="bob", cents=1)
                    tx.publish(Opened(owner="bob", cents=1), key="bob")
                    raise Boom
            async with tx.savepoint():
                await tx.execute(PUT, owner="cleo", cents=1)
                tx.publish(Opened(owner="cleo", cents=1), key="cleo")
                with pytest.raises(ConstraintViolated):
                    async with tx.savepoint():
                        await tx.execute(PUT, owner="ada", cents=1)
            await tx.execute(ADD, owner="ada", cents=1)
        assert await bank.one(GET, int, owner="ada") == 2
        assert await bank.one(COUNT, int) == 2
        assert sorted(owners(await whole(bank))) == ["ada", "cleo"]

    async def test_a_failure_before_a_savepoint_still_ends_the_transaction(self, bank: Store) -> None:
        async def run() -> None:
            async with bank.transaction() as tx:
                await tx.execute(PUT, owner="ada", cents=1)
                with suppress(ConstraintViolated):
                    await tx.execute(PUT, owner="ada", cents=1)
                async with tx.savepoint():
                    pass

        with pytest.raises(TransactionError):
            await run()
        assert await bank.one(COUNT, int) == 0

    async def test_what_is_old_goes_and_a_late_reader_is_told(self, bank: Store) -> None:
        for number in range(10):
            async with bank.transaction() as tx:
                tx.publish(Opened(owner="ada", cents=number), key="ada")
        (shard,) = {record.shard for record in await whole(bank)}
        log = bank.log
        first = (await log.floor(shard)) + 1
        last = await log.last(shard)
        assert await log.prune(shard, 0, last, 100) == 0
        assert await log.prune(shard, FAR_MS, first + 3, 2) == 2
        assert await log.prune(shard, FAR_MS, first + 3, 100) == 2
        assert await log.prune(shard, FAR_MS, last, 100) == last - first - 4  # the last one stays
        assert await log.prune(shard, FAR_MS, last, 100) == 0
        assert (await log.floor(shard), await log.last(shard)) == (last - 1, last)
        with pytest.raises(LogTruncated) as truncated:
            await log.read(shard, last - 3, 10)
        assert (truncated.value.shard, truncated.value.floor) == (shard, last - 1)
        assert [record.offset for record in await log.read(shard, last - 1, 10)] == [last]
        async with bank.transaction() as tx:
            tx.publish(Opened(owner="ada", cents=1), key="ada")
        assert await log.last(shard) == last + 1

    async def test_readers_say_how_far_they_are(self, bank: Store) -> None:
        await bank.log.note_reader("letters", 0, 7, 1000)
        await bank.log.note_reader("letters", 0, 9, 2000)
        await bank.log.note_reader("audit", 0, 3, 1500)
        assert [(r.consumer, r.offset, r.seen_ms) for r in await bank.log.readers()] == [
            ("audit", 3, 1500),
            ("letters", 9, 2000),
        ]
        assert await bank.log.forget_reader("audit")
        assert not await bank.log.forget_reader("audit")
        assert [r.consumer for r in await bank.log.readers()] == ["letters"]

    async def test_offsets_go_on_after_the_store_was_opened_again(self, bank: Store) -> None:
        if not self.features.reopens:
            pytest.skip("only on adapters whose database outlives the store")
        await open_account(bank, "ada")
        before = (await whole(bank))[-1]
        await bank.close()
        async with await self.open_store() as again:
            again.log.outlet = Outlet("bank", describe(Bank), SystemClock())
            await open_account(again, "bob")
            assert sorted(owners(await whole(again))) == ["ada", "bob"]
            assert before in await whole(again)
