"""Expired marks go away by themselves, a few at a time."""

from __future__ import annotations

import asyncio
import logging

import pytest

from calve import Store
from calve.core.errors import StoreError
from calve.observe import Logger
from calve.service.idempotency import prune_forever
from calve.service.idempotency.pruning import BATCH, PRUNE_SECONDS
from calve.testing import VirtualClock


async def settle(clock: VirtualClock) -> None:
    """Let the task that prunes finish its round."""
    while not clock.sleeping:  # noqa: ASYNC110  (the clock tells nobody who sleeps)
        await asyncio.sleep(0)


async def add(store: Store, count: int, expires_ms: int) -> None:
    async with store.transaction() as tx:
        await tx.execute_many(
            """INSERT INTO calve_idempotency (scope, key, fingerprint, owner, due_ms, expires_ms)
               VALUES ('pay', :key, '', '', 0, :expires_ms)""",
            [{"key": f"{expires_ms}-{number}", "expires_ms": expires_ms} for number in range(count)],
        )


async def marks(store: Store) -> int | None:
    return await store.one("SELECT count(*) FROM calve_idempotency", int)


async def test_all_that_has_expired_is_deleted_again_and_again(store: Store) -> None:
    clock = VirtualClock()
    now_ms = int(clock.now().timestamp() * 1000)
    await add(store, 2 * BATCH + 1, now_ms)
    await add(store, 3, now_ms + 30_000)
    await add(store, 1, now_ms + 90_000)
    task = asyncio.create_task(prune_forever({"bank": store}, clock, Logger("test")))
    await settle(clock)
    assert await marks(store) == 4
    clock.advance(PRUNE_SECONDS)
    await settle(clock)
    assert await marks(store) == 1
    task.cancel()


async def test_a_store_that_fails_does_not_keep_the_others(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    clock = VirtualClock()
    await add(store, 1, 0)

    class Broken:
        async def prune_marks(self, now_ms: int, most: int) -> int:
            raise StoreError("disk full")

    stores = {"broken": Broken(), "bank": store}
    with caplog.at_level(logging.WARNING):
        task = asyncio.create_task(prune_forever(stores, clock, Logger("test")))  # type: ignore[arg-type]
        await settle(clock)
    assert await marks(store) == 0
    assert "idempotency marks not pruned" in caplog.text
    clock.advance(PRUNE_SECONDS)
    await settle(clock)
    assert not task.done()
    task.cancel()
