"""Constraints that look like checks and are none."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Protocol, TypedDict

import annotated_types
import pydantic
import pytest
from msgspec import Meta

from calve.contract import Contract, ContractError, Message, command, describe
from calve.contract.constraints import ignored_constraints


class Line(Message):
    """Has one of each."""

    good: Annotated[int, Meta(ge=0)]
    bad: Annotated[int, annotated_types.Ge(0)]
    again: tuple[Line, ...] = ()


@dataclasses.dataclass
class Data:
    """The same in a dataclass."""

    bad: Annotated[str, annotated_types.Len(1)]


class Typed(TypedDict):
    """The same in a TypedDict."""

    bad: Annotated[int, annotated_types.Lt(5)]


class Model(pydantic.BaseModel):
    """Pydantic reads it."""

    fine: Annotated[int, annotated_types.Ge(0)]


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (int, []),
        (Annotated[int, Meta(ge=0)], []),
        (Annotated[int, "a note"], []),
        (Model, []),
        (Annotated[int, annotated_types.Gt(1)], ["Gt(gt=1) at $"]),
        (Line, ["Ge(ge=0) at $.bad"]),
        (dict[str, list[Line]] | None, ["Ge(ge=0) at $[][][].bad"]),
        (Data, ["Len(min_length=1, max_length=None) at $.bad"]),
        (Typed, ["Lt(lt=5) at $.bad"]),
    ],
)
def test_they_are_found_wherever_they_are(kind: Any, found: list[str]) -> None:
    assert list(ignored_constraints(kind)) == found


def test_a_contract_with_one_is_refused() -> None:
    class Till(Contract, Protocol, version="1.0"):
        """Takes lines."""

        @command()
        async def add(self, lines: tuple[Line, ...]) -> None: ...

    with pytest.raises(ContractError, match=r"Ge\(ge=0\) at \$\.lines\[\]\.bad is not checked.*Meta\(ge=0\)"):
        describe(Till)
