"""Depth of a body: as deep as it is, whatever is in its strings, at a cost that grows with its size only."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calve.transport.rest.nesting import depth, too_deep


def true_depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(true_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(true_depth, value), default=0)
    return 0


values = st.recursive(
    st.none() | st.integers(-5, 5) | st.text(alphabet='[]{}"\\a'),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='[{"\\'), inner, max_size=4),
    max_leaves=25,
)


@given(values)
def test_it_is_the_depth_of_the_value(value: Any) -> None:
    assert depth(msgspec.json.encode(value)) == true_depth(value)


@given(st.binary(max_size=200), st.integers(1, 9))
def test_anything_else_has_a_depth_too(body: bytes, limit: int) -> None:
    assert too_deep(body, limit) is (depth(body) > limit)


@pytest.mark.parametrize(("levels", "deep"), [(63, False), (64, False), (65, True), (100_000, True)])
def test_the_limit_is_the_deepest_that_passes(levels: int, deep: bool) -> None:
    assert too_deep(b"[" * levels + b"]" * levels, 64) is deep
    assert too_deep(b'{"a":' * levels + b"1" + b"}" * levels, 64) is deep


def test_many_flat_values_are_not_deep() -> None:
    assert not too_deep(b"[" + b",".join([b"[{}]"] * 100_000) + b"]", 64)


@pytest.mark.parametrize(
    "body", [b'"' + b'\\"' * 500_000, b'""' * 500_000, b'"' * 1_000_001, b'"' + b"\\" * 1_000_000, b"]" * 1_000_000]
)
def test_a_body_made_to_backtrack_is_scanned_once(body: bytes) -> None:
    assert depth(body) <= 0 or body.startswith(b"]")
