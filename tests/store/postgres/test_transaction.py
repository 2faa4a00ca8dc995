"""Transactions side by side: what collides, who runs again, who is alone, and what a lost connection leaves."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from calve.store import (
    CommitUnknown,
    ConstraintViolated,
    PostgresTarget,
    SchemaFile,
    StoreBusy,
    StoreConflict,
    StoreUnavailable,
    Transaction,
    TransactionError,
    run_again,
)
from calve.store.postgres import PostgresOptions, PostgresStore

from .conftest import ACCOUNTS, put, row_locked, superuser, until, waiting

GET = "SELECT cents FROM account WHERE owner = :owner"
SET = "UPDATE account SET cents = :cents WHERE owner = :owner"


@pytest.fixture
async def replicas(target: PostgresTarget) -> AsyncIterator[list[PostgresStore]]:
    """Two stores on one database, as two processes have them, and an account."""
    async with (
        await PostgresStore.open(target, ACCOUNTS) as one,
        await PostgresStore.open(target, ACCOUNTS) as other,
    ):
        await put(one, "ada", 0)
        yield [one, other]


class Meeting:
    """Lets two go on when both have come, the first time; later they do not wait."""

    def __init__(self) -> None:
        self._barrier = asyncio.Barrier(2)
        self._met: set[str] = set()

    async def __call__(self, name: str) -> None:
        if name not in self._met:
            self._met.add(name)
            await self._barrier.wait()


async def test_two_replicas_that_read_and_write_lose_nothing(replicas: list[PostgresStore]) -> None:
    meeting = Meeting()

    async def add(store: PostgresStore, name: str) -> int:
        async def work(tx: Transaction) -> int:
            cents = await tx.one(GET, int, owner="ada")
            assert cents is not None
            await meeting(name)
            await tx.execute(SET, owner="ada", cents=cents + 1)
            return cents

        return await store.transact(work)

    seen = await asyncio.gather(*(add(store, name) for store, name in zip(replicas, "ab", strict=True)))
    assert sorted(seen) == [0, 1]
    assert await replicas[0].one(GET, int, owner="ada") == 2
    assert sum(store.metrics.conflicts for store in replicas) == 1


async def test_two_replicas_keep_a_rule_over_several_rows(replicas: list[PostgresStore]) -> None:
    """Each reads both accounts and empties its own; no row is written twice, so only the reads give it away."""
    meeting = Meeting()
    await put(replicas[0], "bob", 1)
    async with replicas[0].transaction() as tx:
        await tx.execute(SET, owner="ada", cents=1)

    async def spend(store: PostgresStore, owner: str) -> bool:
        async def work(tx: Transaction) -> bool:
            total = await tx.one("SELECT sum(cents) AS total FROM account", int)
            assert total is not None
            await meeting(owner)
            if total < 2:
                return False
            await tx.execute(SET, owner=owner, cents=0)
            return True

        return await store.transact(work)

    spent = await asyncio.gather(*(spend(store, owner) for store, owner in zip(replicas, ("ada", "bob"), strict=True)))
    assert sorted(spent) == [False, True]


async def test_who_is_not_run_again_is_alone(replicas: list[PostgresStore]) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def alone() -> None:
        async with replicas[0].transaction() as tx:
            cents = await tx.one(GET, int, owner="ada")
            entered.set()
            await leave.wait()
            assert cents is not None
            await tx.execute(SET, owner="ada", cents=cents + 1)

    async def add(tx: Transaction) -> None:
        cents = await tx.one(GET, int, owner="ada")
        assert cents is not None
        await tx.execute(SET, owner="ada", cents=cents + 1)

    first = asyncio.create_task(alone())
    await entered.wait()
    others = [asyncio.create_task(replicas[1].transact(add)) for _ in range(3)]
    await waiting(replicas[0].target)
    leave.set()
    await asyncio.gather(first, *others)
    assert await replicas[0].one(GET, int, owner="ada") == 4
    assert replicas[0].metrics.conflicts == 0


async def test_one_hot_row_goes_on_under_many_writers(replicas: list[PostgresStore]) -> None:
    async def add(tx: Transaction) -> None:
        cents = await tx.one(GET, int, owner="ada")
        assert cents is not None
        await tx.execute(SET, owner="ada", cents=cents + 1)

    await asyncio.gather(*(store.transact(add) for store in replicas for _ in range(30)))
    assert await replicas[0].one(GET, int, owner="ada") == 60
    # Whoever loses is alone the next time: nobody loses twice, so there are at most as many collisions as writers.
    assert sum(store.metrics.conflicts for store in replicas) <= 60


async def test_a_deadlock_is_a_collision(replicas: list[PostgresStore]) -> None:
    await put(replicas[0], "bob", 0)
    meeting = Meeting()
    add = "UPDATE account SET cents = cents + 1 WHERE owner = :owner"

    async def both(store: PostgresStore, first: str, second: str) -> None:
        async def work(tx: Transaction) -> None:
            await tx.execute(add, owner=first)
            await meeting(first)
            await tx.execute(add, owner=second)

        await store.transact(work)

    await asyncio.gather(both(replicas[0], "ada", "bob"), both(replicas[1], "bob", "ada"))
    assert await replicas[0].one("SELECT sum(cents) AS total FROM account", int) == 4


async def test_after_an_effect_nothing_runs_again_and_nothing_collides(store: PostgresStore) -> None:
    await put(store, "ada", 0)
    runs = 0

    async def operation() -> None:
        nonlocal runs
        runs += 1
        await put(store, f"o{runs}", 1)
        async with store.transaction() as tx:
            cents = await tx.one(GET, int, owner="ada")
            assert cents is not None
            await asyncio.sleep(0)
            await tx.execute(SET, owner="ada", cents=cents + 1)

    async def many() -> None:
        await asyncio.gather(*(store.transact(bump) for _ in range(5)))

    async def bump(tx: Transaction) -> None:
        cents = await tx.one(GET, int, owner="ada")
        assert cents is not None
        await tx.execute(SET, owner="ada", cents=cents + 1)

    await asyncio.gather(run_again(operation), many())
    assert runs == 1
    assert await store.one(GET, int, owner="ada") == 6


async def test_what_was_committed_is_not_done_twice(store: PostgresStore) -> None:
    runs = 0

    async def operation() -> None:
        nonlocal runs
        runs += 1
        await put(store, f"o{runs}", 1)
        raise StoreConflict("collided later")

    with pytest.raises(StoreConflict):
        await run_again(operation)
    assert await store.all("SELECT owner FROM account", str) == ["o1"]


async def test_reading_alone_leaves_it_free_to_run_again(store: PostgresStore) -> None:
    runs = 0

    async def operation() -> None:
        nonlocal runs
        runs += 1
        async with store.transaction() as tx:
            await tx.one(GET, int, owner="ada")
        if runs == 1:
            raise StoreConflict("collided later")

    await run_again(operation)
    assert runs == 2


async def test_a_turn_that_does_not_come_is_given_up(target: PostgresTarget) -> None:
    options = PostgresOptions(turn_seconds=0.01)
    async with await PostgresStore.open(target, ACCOUNTS, options) as store:
        await put(store, "ada", 0)
        async with superuser(target) as hanging, hanging.transaction():
            await hanging.execute(f'LOCK TABLE "{target.schema}".calve_turn IN ROW SHARE MODE')
            runs = 0

            async def work(tx: Transaction) -> None:
                nonlocal runs
                runs += 1
                await tx.execute(SET, owner="ada", cents=runs)
                if runs == 1:
                    raise StoreConflict("collided")

            await store.transact(work)
        assert await store.one(GET, int, owner="ada") == 2


async def test_somebody_on_his_own_waits_no_longer_than_a_transaction_may_take(target: PostgresTarget) -> None:
    options = PostgresOptions(hold_seconds_max=0.3)
    async with await PostgresStore.open(target, ACCOUNTS, options) as store, superuser(target) as hanging:
        async with hanging.transaction():
            await hanging.execute(f'LOCK TABLE "{target.schema}".calve_turn IN ROW SHARE MODE')
            with pytest.raises((StoreBusy, TransactionError)):
                await put(store, "ada", 0)
        await put(store, "ada", 0)


async def test_a_block_that_takes_too_long_is_rolled_back(target: PostgresTarget) -> None:
    options = PostgresOptions(hold_seconds_max=0.05)
    async with await PostgresStore.open(target, ACCOUNTS, options) as store:

        async def hold() -> None:
            async with store.transaction() as tx:
                await tx.execute("INSERT INTO account VALUES ('ada', 1)")
                await asyncio.Event().wait()

        task = asyncio.create_task(hold())
        await until(lambda: store.pool.in_use == 1)
        await until(lambda: store.pool.in_use == 0)
        assert await store.one("SELECT count(*) AS n FROM account", int) == 0
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(TransactionError, match=r"rolled back after 0\.05 s"):
            async with store.transaction() as tx:
                await tx.execute("SELECT pg_sleep(60)")
        with pytest.raises(TransactionError, match="snapshot was ended"):
            async with store.read() as reader:
                await reader.one("SELECT pg_sleep(60)")


async def test_a_cancelled_statement_stops_on_the_server(store: PostgresStore, target: PostgresTarget) -> None:
    await put(store, "ada", 0)
    async with row_locked(target, "ada"):
        blocked = asyncio.create_task(store.transact(lambda tx: tx.execute(SET, owner="ada", cents=5)))
        await waiting(target)
        blocked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await blocked
        await store.pool.settle()
        assert store.pool.in_use == 0
    async with store.transaction() as tx:
        assert await tx.one(GET, int, owner="ada") == 0


async def test_a_cancelled_read_leaves_the_connection_usable(store: PostgresStore) -> None:
    reading = asyncio.create_task(store.one("SELECT pg_sleep(60)"))
    await until(lambda: store.pool.in_use == 1)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await store.pool.settle()
    assert store.pool.in_use == 0
    assert await store.one("SELECT 1 AS one", int) == 1


async def test_a_broken_rule_at_the_commit_is_told(store: PostgresStore) -> None:
    with pytest.raises(ConstraintViolated) as caught:
        async with store.transaction() as tx:
            await tx.execute("INSERT INTO entry VALUES (1, 'nobody')")
    assert caught.value.kind == "foreign_key"
    assert (store.metrics.commit_failures, store.metrics.rollbacks) == (1, 1)
    assert await store.one("SELECT count(*) AS n FROM entry", int) == 0


async def _kill_backends(target: PostgresTarget) -> None:
    async with superuser(target) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", target.user
        )


async def test_a_connection_lost_during_a_transaction(store: PostgresStore, target: PostgresTarget) -> None:
    async def add_two(tx: Transaction) -> None:
        await tx.execute("INSERT INTO account VALUES ('ada', 1)")
        await _kill_backends(target)
        await tx.execute("INSERT INTO account VALUES ('bob', 1)")

    with pytest.raises(StoreUnavailable):
        await store.transact(add_two)
    await put(store, "cleo", 1)
    assert await store.all("SELECT owner FROM account", str) == ["cleo"]


async def test_connections_lost_while_free_are_replaced_without_a_word(
    store: PostgresStore, target: PostgresTarget
) -> None:
    await asyncio.gather(*(put(store, f"o{i}", 1) for i in range(5)))
    await _kill_backends(target)
    assert await store.one("SELECT count(*) AS n FROM account", int) == 5
    await _kill_backends(target)
    await put(store, "ada", 1)
    await _kill_backends(target)
    async with store.read() as reader:
        assert await reader.one("SELECT count(*) AS n FROM account", int) == 6


async def test_a_forked_child_has_no_connection(store: PostgresStore) -> None:
    await put(store, "ada", 1)
    async with store.transaction() as tx:
        await tx.execute(SET, owner="ada", cents=2)
        child = os.fork()
        if child == 0:
            # Here is no event loop to await on, and what the test runner does at its end is not this child's business.
            store.forked()
            os._exit(0 if store.pool.in_use and store._home.closed else 1)
        assert await asyncio.to_thread(os.waitpid, child, 0) == (child, 0)
    assert await store.one(GET, int, owner="ada") == 2


@pytest.mark.parametrize("committed", [False, True])
async def test_a_connection_lost_during_the_commit(
    store: PostgresStore, target: PostgresTarget, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    async def add_and_lose(tx: Transaction) -> None:
        await tx.execute("INSERT INTO account VALUES ('ada', 1)")
        execute = asyncpg.Connection.execute

        async def losing(connection: Any, sql: str, *args: Any) -> Any:
            if sql == "COMMIT":
                if committed:
                    await execute(connection, sql)
                await _kill_backends(target)
            return await execute(connection, sql, *args)

        monkeypatch.setattr(asyncpg.Connection, "execute", losing)

    with pytest.raises(CommitUnknown) as caught:
        await store.transact(add_and_lose)
    monkeypatch.undo()
    assert caught.value.may_have_committed
    assert not caught.value.retryable
    assert await store.one("SELECT count(*) AS n FROM account", int) == int(committed)
    await put(store, "bob", 1)


async def test_a_read_sees_rows_of_a_changed_table(target: PostgresTarget) -> None:
    """A replica of the next version has added a column; statements prepared before still work."""
    async with await PostgresStore.open(target, ACCOUNTS) as store:
        await put(store, "ada", 1)
        assert len((await store.all("SELECT * FROM account"))[0]) == 2
        more = SchemaFile("0002_more.sql", "ALTER TABLE account ADD COLUMN note TEXT")
        async with await PostgresStore.open(target, (*ACCOUNTS, more)):
            pass
        assert len((await store.all("SELECT * FROM account"))[0]) == 3

        async def look(tx: Transaction) -> int:
            row = await tx.one("SELECT * FROM account")
            assert row is not None
            return len(row)

        assert await store.transact(look) == 3
