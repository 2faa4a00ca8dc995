"""Old events go when every consumer has them."""

from __future__ import annotations

from calve.contract import describe
from calve.core.clock import SystemClock
from calve.messaging.pruning import prune_log
from calve.store import SqliteStore
from calve.store.log import Outlet
from calve.testing.store_suite.log import Bank, Opened, whole

FAR_MS = 2**52


async def test_what_a_consumer_still_needs_is_kept() -> None:
    async with await SqliteStore.memory() as store:
        store.log.outlet = Outlet("bank", describe(Bank), SystemClock())
        for number in range(10):
            async with store.transaction() as tx:
                tx.publish(Opened(owner="ada", cents=number), key="ada")
        await store.log.note_reader("letters", 0, 6, 0)
        await store.log.note_reader("slow", 0, 2, 0)
        assert await prune_log(store.log, 0) == 0
        assert await prune_log(store.log, FAR_MS) == 2
        assert [record.offset for record in await whole(store)] == list(range(3, 11))
        await store.log.forget_reader("slow")
        assert await prune_log(store.log, FAR_MS) == 4
        await store.log.forget_reader("letters")
        assert await prune_log(store.log, FAR_MS) == 3
        assert [record.offset for record in await whole(store)] == [10]
