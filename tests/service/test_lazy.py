"""Stubs for code that gets nothing injected: found at the call, not before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

import pytest

import calve
from calve import ConfigError, Contract, query
from calve.contract import ContractError
from calve.core.unit import RunningUnit, _unit


class Adder(Contract, Protocol, version="1.0"):
    @query()
    async def add(self, left: int, right: int) -> int: ...

    @query()
    def count(self, to: int) -> AsyncIterator[int]: ...


class Here(Adder):
    async def add(self, left: int, right: int) -> int:
        return left + right

    async def count(self, to: int) -> AsyncIterator[int]:
        for number in range(to):
            yield number


adder = calve.stub(Adder)


async def test_it_calls_the_unit_that_runs_then() -> None:
    with pytest.raises(ConfigError, match=r"Adder is called where no unit runs; .* calve\.sync\.client\(Adder\)"):
        await adder.add(1, 2)
    unit = RunningUnit({Adder: Here()}.__getitem__)
    token = _unit.set(unit)
    assert await adder.add(1, right=2) == 3
    assert [n async for n in adder.count(2)] == [0, 1]
    _unit.reset(token)


def test_it_has_the_operations_of_the_contract_and_no_others() -> None:
    assert dir(adder) == ["add", "count"]
    assert repr(adder) == "<stub of Adder>"
    with pytest.raises(AttributeError, match="Adder has no operation 'ad'"):
        adder.ad  # type: ignore[attr-defined]  # noqa: B018


def test_it_is_of_a_contract() -> None:
    with pytest.raises(ContractError, match="not a contract"):
        calve.stub(Here)
