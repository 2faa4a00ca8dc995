"""Waking streams: everybody who watches, nobody else, and nothing left behind."""

from __future__ import annotations

from uuid import uuid4

from shop.signals import Signals


def test_all_watchers_of_a_key_are_woken() -> None:
    signals, key = Signals(), uuid4()
    with signals.watch(key) as one, signals.watch(key) as two, signals.watch(uuid4()) as other:
        signals.wake(key)
        assert (one.is_set(), two.is_set(), other.is_set()) == (True, True, False)


def test_nothing_is_kept_for_keys_nobody_watches() -> None:
    signals, key = Signals(), uuid4()
    with signals.watch(key):
        assert len(signals) == 1
    signals.wake(key)
    assert len(signals) == 0
    assert not signals._watchers
