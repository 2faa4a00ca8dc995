"""Identifiers."""

from __future__ import annotations

import time
from uuid import RFC_4122

import pytest

from calve.core.ids import new_id, new_key


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = new_id()
    assert (made.version, made.variant) == (7, RFC_4122)


def test_an_id_carries_the_time_it_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_123_999_999)
    assert new_id().int >> 80 == 1_700_000_000_123


def test_ids_sort_by_the_millisecond_they_were_made_in(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for stamp in range(100):
        monkeypatch.setattr(time, "time_ns", lambda stamp=stamp: stamp * 1_000_000)
        made.append(new_id())
    assert made == sorted(made)


def test_ids_and_keys_do_not_repeat() -> None:
    assert len({new_id() for _ in range(1_000)}) == 1_000
    assert len({new_key() for _ in range(1_000)}) == 1_000


def test_keys_made_together_lie_together_and_later_ones_behind_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calve.core.ids._keys", [])
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_123_999_999)
    made = [new_key() for _ in range(256)]
    assert {key[:12] for key in made} == {f"{1_700_000_000_123:012x}"}
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_124_000_000)
    assert new_key() > max(made)


def test_a_key_is_32_hex_digits() -> None:
    key = new_key()
    assert len(key) == 32
    int(key, 16)
