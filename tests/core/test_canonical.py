"""Equal values have equal bytes, whatever order they lie in."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calve.core.canonical import canonical


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Box(msgspec.Struct):
    inside: Any
    note: str | msgspec.UnsetType = msgspec.UNSET


@dataclass
class Crate:
    inside: Any


class Model(pydantic.BaseModel):
    inside: dict[int, str]


ids = [UUID(int=1), UUID(int=2)]
PAIRS = [
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({1: "x", 2: "y"}, {2: "y", 1: "x"}),
    ({ids[0]: {3, 1}, ids[1]: set()}, {ids[1]: set(), ids[0]: {1, 3}}),
    ({Colour.RED, Colour.BLUE}, {Colour.BLUE, Colour.RED}),
    (Box({1: 2, 3: 4}), Box({3: 4, 1: 2})),
    (Crate([{1: 2, 3: 4}]), Crate([{3: 4, 1: 2}])),
    (({1: {None, "a"}},), ({1: {"a", None}},)),
    ([Model(inside={1: "x", 2: "y"}), {1: 2}], [Model(inside={2: "y", 1: "x"}), {1: 2}]),
]


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda value: type(value).__name__)
def test_order_does_not_count(one: Any, other: Any) -> None:
    assert canonical(one) == canonical(other)


DIFFERENT = [
    Box({1: 2}),
    Box({1: 3}),
    Box({2: 2}),
    Box({"1": 2}),
    Box({1: 2}, "x"),
    Box({1: {1, 2}}),
    Box({1: {1, None}}),
    Box({1: datetime(2026, 1, 1, tzinfo=UTC)}),
]


def test_everything_else_does() -> None:
    assert len({canonical(value) for value in DIFFERENT}) == len(DIFFERENT)


@given(st.dictionaries(st.integers() | st.text() | st.none(), st.frozensets(st.integers(0, 9) | st.text(max_size=2))))
def test_any_map_of_sets_in_any_order(value: dict[Any, Any]) -> None:
    if any(isinstance(key, int) and not -(2**63) <= key < 2**64 for key in value):
        return
    backwards = {key: frozenset(reversed(list(value[key]))) for key in reversed(value)}
    assert canonical(value) == canonical(backwards)


def test_processes_agree() -> None:
    code = (
        "from calve.core.canonical import canonical; print(canonical([{'a', 'b', 'c'}, {1: {'x', 'y', None}}]).hex())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(runs) == 1


@pytest.mark.parametrize("value", [object(), {1: object()}])
def test_what_cannot_be_carried_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical(value)
