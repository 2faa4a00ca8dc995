"""The part about transactions: all or nothing, together with others, and at the end of the store."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from ...store import ConstraintViolated, Store, StoreUnavailable, Transaction, TransactionError
from .base import ADD, COUNT, GET, PUT, SET, StoreTests, put


class Boom(Exception):
    """What the tests raise inside a block."""


class TransactionTests(StoreTests):
    """See the module."""

    async def test_an_exception_rolls_back(self, store: Store) -> None:
        async def body() -> None:
            async with store.transaction() as tx:
                await tx.execute(PUT, owner="ada", cents=1)
                raise Boom

        with pytest.raises(Boom):
            await body()
        assert await store.one(COUNT, int) == 0

    async def test_a_cancellation_rolls_back(self, store: Store) -> None:
        entered = asyncio.Event()

        async def body() -> None:
            async with store.transaction() as tx:
                await tx.execute(PUT, owner="ada", cents=1)
                entered.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(body())
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await store.one(COUNT, int) == 0
        await put(store, "ada", 2)

    async def test_a_failed_statement_ends_the_transaction_even_if_caught(self, store: Store) -> None:
        async def body() -> None:
            async with store.transaction() as tx:
                await tx.execute(PUT, owner="ada", cents=1)
                with pytest.raises(ConstraintViolated):
                    await tx.execute(PUT, owner="ada", cents=1)
                with pytest.raises(TransactionError, match="earlier statement"):
                    await tx.execute(PUT, owner="bob", cents=1)

        with pytest.raises(TransactionError, match="caught inside"):
            await body()
        assert await store.one(COUNT, int) == 0

    async def test_a_transaction_is_over_when_its_block_is(self, store: Store) -> None:
        async with store.transaction() as tx:
            pass
        with pytest.raises(TransactionError, match="ended"):
            await tx.execute(PUT, owner="ada", cents=1)
        async with store.read() as reader:
            pass
        with pytest.raises(TransactionError, match="ended"):
            await reader.one("SELECT 1")

    async def test_a_nested_transaction_is_refused(self, store: Store) -> None:
        async with store.transaction() as tx:
            with pytest.raises(TransactionError, match="inside a transaction"):
                await store.transaction().__aenter__()
            await tx.execute(PUT, owner="ada", cents=1)
        assert await store.one(COUNT, int) == 1

    async def test_statements_started_together_run_one_by_one(self, store: Store) -> None:
        async with store.transaction() as tx:
            await tx.execute(PUT, owner="ada", cents=0)
            await asyncio.gather(*(tx.execute(ADD, owner="ada", cents=1) for _ in range(20)))
        assert await store.one(GET, int, owner="ada") == 20

    async def test_many_transactions_at_once(self, store: Store) -> None:
        await put(store, "ada", 0)

        async def add(cents: int) -> None:
            async with store.transaction() as tx:
                await tx.execute(ADD, owner="ada", cents=cents)
                if cents % 3 == 0:
                    raise Boom

        results = await asyncio.gather(*(add(i) for i in range(60)), return_exceptions=True)
        assert [isinstance(r, Boom) for r in results] == [i % 3 == 0 for i in range(60)]
        assert await store.one(GET, int, owner="ada") == sum(i for i in range(60) if i % 3)

    async def test_no_update_is_lost(self, store: Store) -> None:
        await put(store, "ada", 0)

        async def add() -> None:
            async with store.transaction() as tx:
                cents = await tx.one(GET, int, owner="ada")
                await asyncio.sleep(0)
                assert cents is not None
                await tx.execute(SET, owner="ada", cents=cents + 1)

        await asyncio.gather(*(add() for _ in range(25)))
        assert await store.one(GET, int, owner="ada") == 25

    async def test_no_update_is_lost_by_what_runs_again(self, store: Store) -> None:
        await put(store, "ada", 0)

        async def add(tx: Transaction) -> int:
            cents = await tx.one(GET, int, owner="ada")
            await asyncio.sleep(0)
            assert cents is not None
            await tx.execute(SET, owner="ada", cents=cents + 1)
            return cents

        seen = await asyncio.gather(*(store.transact(add) for _ in range(25)))
        assert sorted(seen) == list(range(25))
        assert await store.one(GET, int, owner="ada") == 25

    async def test_a_rule_over_several_rows_holds(self, store: Store) -> None:
        """Two who take from one budget, each from their own account: one after the other, the second sees it spent."""

        async def spend(tx: Transaction, owner: str) -> bool:
            left = await tx.one("SELECT sum(cents) AS left FROM account", int)
            await asyncio.sleep(0)
            assert left is not None
            if left < 2:
                return False
            await tx.execute(SET, owner=owner, cents=0)
            return True

        for _ in range(5):
            async with store.transaction() as tx:
                await tx.execute("DELETE FROM account")
                await tx.execute_many(PUT, [{"owner": "ada", "cents": 1}, {"owner": "bob", "cents": 1}])
            spent = await asyncio.gather(*(store.transact(partial(spend, owner=o)) for o in ("ada", "bob")))
            assert sorted(spent) == [False, True]

    async def test_what_runs_again_gives_results_and_errors(self, store: Store) -> None:
        async def fail(tx: Transaction) -> None:
            await tx.execute(PUT, owner="ada", cents=1)
            raise Boom

        with pytest.raises(Boom):
            await store.transact(fail)
        assert await store.transact(lambda tx: tx.one(COUNT, int)) == 0

    async def test_nobody_reads_what_is_not_committed(self, store: Store) -> None:
        async with store.transaction() as tx:
            await tx.execute(PUT, owner="ada", cents=1)
            assert await asyncio.create_task(store.one(COUNT, int)) == 0
        assert await store.one(COUNT, int) == 1

    async def test_a_snapshot_stays_as_it_was(self, store: Store) -> None:
        await put(store, "ada", 1)
        async with store.read() as reader:
            assert await reader.one(COUNT, int) == 1
            await put(store, "bob", 1)
            assert await reader.one(COUNT, int) == 1
            assert await store.one(COUNT, int) == 2

    async def test_closing_waits_for_transactions_in_progress(self, store: Store) -> None:
        entered, leave = asyncio.Event(), asyncio.Event()

        async def body() -> None:
            async with store.transaction() as tx:
                entered.set()
                await leave.wait()
                await tx.execute(PUT, owner="ada", cents=1)

        task = asyncio.create_task(body())
        await entered.wait()
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0)
        leave.set()
        await asyncio.gather(task, closing)
        if self.features.reopens:
            async with await self.open_store() as again:
                assert await again.one(GET, int, owner="ada") == 1

    async def test_closing_rolls_back_what_takes_too_long(self, store: Store) -> None:
        entered = asyncio.Event()

        async def body() -> None:
            async with store.transaction() as tx:
                await tx.execute(PUT, owner="ada", cents=1)
                entered.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(body())
        await entered.wait()
        await store.close(grace_seconds=0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        if self.features.reopens:
            async with await self.open_store() as again:
                assert await again.one(COUNT, int) == 0

    async def test_a_closed_store_refuses_everything_and_closes_again(self, store: Store) -> None:
        await store.close()
        await store.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            await store.one("SELECT 1")
        with pytest.raises(StoreUnavailable, match="closed"):
            await store.transaction().__aenter__()
        with pytest.raises(StoreUnavailable, match="closed"):
            await store.read().__aenter__()

    async def test_what_was_acknowledged_is_there_after_reopening(self, store: Store) -> None:
        if not self.features.reopens:
            pytest.skip("only on adapters whose database outlives the store")
        await asyncio.gather(*(put(store, f"o{i}", i) for i in range(20)))
        await store.close()
        async with await self.open_store() as again:
            assert await again.one("SELECT sum(cents) AS sum FROM account", int) == sum(range(20))

    async def test_it_counts_what_it_does(self, store: Store) -> None:
        await put(store, "ada", 1)
        with pytest.raises(Boom):
            async with store.transaction():
                raise Boom
        metrics = store.metrics
        assert (metrics.transactions, metrics.rollbacks, metrics.commit_failures) == (1, 1, 0)
        assert metrics.commits == metrics.batch_size_max == 1
        assert metrics.commit_seconds > 0
