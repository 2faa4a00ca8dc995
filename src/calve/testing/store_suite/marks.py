"""The part about idempotency marks: a command's first transaction leaves one, and a repeat finds it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from ...core.context import CallContext, _current
from ...core.idempotency import Mark, MarkState, Repeated, StoredMark
from ...store import ConstraintViolated, Store, StoreUnavailable
from .base import COUNT, GET, PUT, StoreTests, put

NOW_MS, DUE_MS, EXPIRES_MS = 1_000_000, 1_030_000, 2_000_000


class Boom(Exception):
    """What the tests raise inside a block."""


def a_mark(key: str = "k1", scope: str = "debit", fingerprint: str = "f1", **changes: Any) -> Mark:
    """The mark of a run that begins at NOW_MS."""
    times = {"now_ms": NOW_MS, "due_ms": DUE_MS, "expires_ms": EXPIRES_MS}
    return Mark(scope, key, fingerprint, **{"owner": "me", **times, **changes})


@contextmanager
def running(mark: Mark) -> Iterator[Mark]:
    """Be inside of a command that has this mark."""
    context = CallContext("suite.debit")
    context.mark = mark
    token = _current.set(context)
    try:
        yield mark
    finally:
        _current.reset(token)


async def run(store: Store, mark: Mark, owner: str = "ada") -> None:
    """Run a command once: one account, in one transaction."""
    with running(mark):
        await put(store, owner, 1)


async def fail(store: Store, owner: str = "ada", cents: int = 1) -> None:
    """A transaction that writes, and is rolled back unless the database has refused it before."""
    async with store.transaction() as tx:
        await tx.execute(PUT, owner=owner, cents=cents)
        raise Boom


class MarkTests(StoreTests):
    """See the module."""

    async def test_the_mark_is_kept_with_the_effect(self, store: Store) -> None:
        mark = a_mark()
        await run(store, mark)
        assert mark.state is MarkState.KEPT
        again = a_mark(fingerprint="f2", owner="other", now_ms=EXPIRES_MS - 1)
        with pytest.raises(Repeated):
            await run(store, again, "bob")
        assert again.state is MarkState.REPEATED
        assert again.stored is not None
        found = again.stored
        assert (found.fingerprint, found.owner, found.due_ms, found.answer, found.error) == (
            "f1",
            "me",
            DUE_MS,
            None,
            None,
        )
        assert await store.one(COUNT, int) == 1

    async def test_a_mark_is_found_before_anything_runs(self, store: Store) -> None:
        assert await store.find_mark(a_mark()) is None
        mark = a_mark()
        await run(store, mark)
        await store.keep_answer(mark, b"\x07")
        found = await store.find_mark(a_mark(now_ms=EXPIRES_MS - 1))
        assert found == StoredMark("f1", "me", 0, b"\x07", None)
        for other in (a_mark(now_ms=EXPIRES_MS), a_mark(key="k2"), a_mark(scope="other")):
            assert await store.find_mark(other) is None

    async def test_scopes_and_keys_are_apart(self, store: Store) -> None:
        await run(store, a_mark())
        await run(store, a_mark(scope="debit/bob"), "bob")
        await run(store, a_mark(key="k2"), "cleo")
        assert await store.one(COUNT, int) == 3

    async def test_a_rolled_back_transaction_leaves_no_mark(self, store: Store) -> None:
        with running(a_mark()) as mark:
            with pytest.raises(Boom):
                await fail(store)
            assert mark.state is MarkState.NEW
            with pytest.raises(ConstraintViolated):
                await fail(store, cents=-1)
            assert mark.state is MarkState.NEW
        await run(store, a_mark())
        assert await store.one(COUNT, int) == 1

    async def test_the_next_transaction_carries_the_mark_of_one_that_was_rolled_back(self, store: Store) -> None:
        with running(a_mark()) as mark:
            with suppress(Boom):
                await fail(store)
            await put(store, "ada", 1)
            assert mark.state is MarkState.KEPT
        with pytest.raises(Repeated):
            await run(store, a_mark())

    async def test_only_the_first_transaction_carries_it(self, store: Store) -> None:
        with running(a_mark()) as mark:
            await put(store, "ada", 1)
            with pytest.raises(Boom):
                await fail(store, "bob")
            await put(store, "cleo", 1)
            assert mark.state is MarkState.KEPT
        with pytest.raises(Repeated):
            await run(store, a_mark(), "dan")
        assert await store.one(COUNT, int) == 2

    async def test_one_of_two_transactions_at_once_carries_it(self, store: Store) -> None:
        with running(a_mark()) as mark:
            await asyncio.gather(put(store, "ada", 1), put(store, "bob", 1))
            assert mark.state is MarkState.KEPT
        assert await store.one(COUNT, int) == 2

    async def test_a_repeat_stays_one_even_if_the_handler_goes_on(self, store: Store) -> None:
        await run(store, a_mark())
        with running(a_mark()) as mark:
            for owner in ("bob", "cleo"):
                with suppress(Repeated):
                    await put(store, owner, 1)
            assert mark.state is MarkState.REPEATED
            assert await store.one(GET, int, owner="ada") == 1
        assert await store.one(COUNT, int) == 1

    async def test_what_is_left_behind_by_a_command_carries_no_mark(self, store: Store) -> None:
        with running(a_mark()) as mark:
            mark.state = MarkState.OVER
            await put(store, "ada", 1)
        await run(store, a_mark(), "bob")
        assert await store.one(COUNT, int) == 2

    async def test_the_answer_is_kept_beside_the_mark(self, store: Store) -> None:
        mark = a_mark()
        await run(store, mark)
        await store.keep_answer(mark, b"\x07", None)
        assert (await self._found(store, a_mark())) == (b"\x07", None)
        await store.keep_answer(mark, b"\x80", "TooPoor")
        assert (await self._found(store, a_mark())) == (b"\x80", "TooPoor")
        await store.keep_answer(mark, None)
        assert (await self._found(store, a_mark())) == (None, None)

    async def test_an_answer_known_before_the_run_is_kept_with_the_mark(self, store: Store) -> None:
        await run(store, a_mark(answer=b"\xc0"))
        assert (await self._found(store, a_mark())) == (b"\xc0", None)

    async def test_an_answer_given_inside_the_transaction_shares_its_fate(self, store: Store) -> None:
        with running(a_mark(encode=lambda value: bytes([value]))) as mark:
            with suppress(Boom):
                async with store.transaction() as tx:
                    assert await tx.answer(1) == 1
                    raise Boom
            async with store.transaction() as tx:
                assert await tx.answer(7) == mark.answered == 7
            async with store.transaction() as tx:
                assert await tx.answer(9) == 9
            assert mark.answered == 7
        assert (await self._found(store, a_mark())) == (b"\x07", None)
        async with store.transaction() as tx:
            assert await tx.answer(9) == 9

    async def test_nobody_writes_an_answer_beside_the_mark_of_others(self, store: Store) -> None:
        await run(store, a_mark())
        await store.keep_answer(a_mark(owner="other"), b"\x07", None)
        assert (await self._found(store, a_mark())) == (None, None)

    async def test_an_expired_mark_is_replaced(self, store: Store) -> None:
        mark = a_mark()
        await run(store, mark)
        await store.keep_answer(mark, b"\x07", "TooPoor")
        later = a_mark(fingerprint="f2", owner="other", now_ms=EXPIRES_MS, expires_ms=EXPIRES_MS + 1)
        await run(store, later, "bob")
        assert (await self._found(store, a_mark(now_ms=EXPIRES_MS))) == (None, None)
        assert await store.one(COUNT, int) == 2

    async def test_expired_marks_are_pruned_a_few_at_a_time(self, store: Store) -> None:
        for number in range(5):
            await run(store, a_mark(key=f"k{number}", expires_ms=EXPIRES_MS + number), f"o{number}")
        assert await store.prune_marks(EXPIRES_MS - 1, 10) == 0
        assert await store.prune_marks(EXPIRES_MS + 3, 3) == 3
        assert await store.prune_marks(EXPIRES_MS + 3, 3) == 1
        left = await store.all("SELECT key FROM calve_idempotency", str)
        assert left == ["k4"]

    async def test_of_many_at_once_one_has_the_effect(self, store: Store) -> None:
        results = await asyncio.gather(
            *(asyncio.create_task(run(store, a_mark(), f"o{i}")) for i in range(20)), return_exceptions=True
        )
        assert sorted(type(result).__name__ for result in results) == ["NoneType", *["Repeated"] * 19]
        assert await store.one(COUNT, int) == 1

    async def test_a_run_that_fails_makes_way_for_one_that_waits(self, store: Store) -> None:
        entered, leave = asyncio.Event(), asyncio.Event()

        async def fails() -> None:
            with running(a_mark()):
                async with store.transaction() as tx:
                    await tx.execute(PUT, owner="ada", cents=1)
                    entered.set()
                    await leave.wait()
                    raise Boom

        first = asyncio.create_task(fails())
        await entered.wait()
        second = asyncio.create_task(run(store, a_mark(), "bob"))
        await asyncio.sleep(0)
        leave.set()
        with pytest.raises(Boom):
            await first
        await second
        assert await store.all("SELECT owner FROM account", str) == ["bob"]

    async def test_one_that_waits_for_another_with_the_same_key_can_be_cancelled(self, store: Store) -> None:
        entered, leave = asyncio.Event(), asyncio.Event()

        async def slow() -> None:
            with running(a_mark()):
                async with store.transaction() as tx:
                    await tx.execute(PUT, owner="ada", cents=1)
                    entered.set()
                    await leave.wait()

        first = asyncio.create_task(slow())
        await entered.wait()
        mark = a_mark()
        second = asyncio.create_task(run(store, mark, "bob"))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        leave.set()
        await first
        assert mark.state is MarkState.NEW
        assert await store.one(COUNT, int) == 1

    async def test_a_closed_store_leaves_the_mark_as_it_was(self, store: Store) -> None:
        await store.close()
        mark = a_mark()
        with pytest.raises(StoreUnavailable):
            await run(store, mark)
        assert mark.state is MarkState.NEW

    async def test_marks_outlive_the_store(self, store: Store) -> None:
        if not self.features.reopens:
            pytest.skip("only on adapters whose database outlives the store")
        mark = a_mark()
        await run(store, mark)
        await store.keep_answer(mark, b"\x07", None)
        await store.close()
        async with await self.open_store() as again:
            assert (await self._found(again, a_mark())) == (b"\x07", None)

    async def _found(self, store: Store, mark: Mark) -> tuple[bytes | None, str | None]:
        """The answer and error that a repeat finds."""
        with pytest.raises(Repeated):
            await run(store, mark, "repeat")
        assert mark.stored is not None
        return mark.stored.answer, mark.stored.error
