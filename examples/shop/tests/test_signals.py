"""Waking streams: everybody who watches, nobody else, and nothing left behind."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from shop.signals import Signals


async def test_all_watchers_of_a_key_are_woken() -> None:
    signals, key = Signals(), uuid4()
    with signals.watch(key) as one, signals.watch(key) as two, signals.watch(uuid4()) as other:
        signals.wake(key)
        await one()
        await two()
        waiting = asyncio.ensure_future(other())
        await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()


async def test_a_change_while_nobody_waits_is_not_lost_and_counts_once() -> None:
    signals, key = Signals(), uuid4()
    with signals.watch(key) as next_change:
        signals.wake(key)
        signals.wake(key)
        await next_change()
        waiting = asyncio.ensure_future(next_change())
        await asyncio.sleep(0)
        assert not waiting.done()
        signals.wake(key)
        await waiting


def test_nothing_is_kept_for_keys_nobody_watches() -> None:
    signals, key = Signals(), uuid4()
    with signals.watch(key):
        assert len(signals) == 1
    signals.wake(key)
    assert len(signals) == 0
    assert not signals._watchers
