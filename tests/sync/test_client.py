"""The client of one contract within a unit: from threads to its loop, and never from the loop to itself."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

import pytest

from calve import Contract, Principal, call_options, current_call, query, sync
from calve.core.context import CallContext, _current
from calve.core.errors import CalveError
from calve.core.unit import RunningUnit, _unit


class Adder(Contract, Protocol, version="1.0"):
    @query()
    async def add(self, left: int, right: int) -> int: ...

    @query()
    async def who(self) -> str: ...

    @query()
    def count(self, to: int) -> AsyncIterator[int]: ...


class Here(Adder):
    async def add(self, left: int, right: int) -> int:
        return left + right

    async def who(self) -> str:
        call = current_call()
        assert call is not None
        subject = call.principal.subject if call.principal else "nobody"
        return f"{call.operation} {subject} {call.trace.trace_id:x}"

    async def count(self, to: int) -> AsyncIterator[int]:
        for number in range(to):
            yield number


adder = sync.client(Adder)


@pytest.fixture
async def unit() -> AsyncIterator[RunningUnit]:
    """A unit that hosts the adder; this test's code runs in it."""
    made = RunningUnit({Adder: Here()}.__getitem__)
    token = _unit.set(made)
    yield made
    _unit.reset(token)
    made.close()


async def thread(unit: RunningUnit, function: Callable[[], Any]) -> Any:
    """Call a function as an adopted application's thread does: with the request's context."""
    token = _unit.set(unit)  # fixtures and tests have contexts of their own
    try:
        return await asyncio.to_thread(function)
    finally:
        _unit.reset(token)


async def test_both_ways_to_call(unit: RunningUnit) -> None:
    assert await thread(unit, lambda: adder.add(1, right=2)) == 3
    assert await thread(unit, lambda: adder(Adder.add, 1, right=2)) == 3
    assert await thread(unit, lambda: list(adder.count(3))) == [0, 1, 2]
    assert await thread(unit, lambda: list(adder(Adder.count, 3))) == [0, 1, 2]


async def test_the_call_it_is_made_from_goes_along(unit: RunningUnit) -> None:
    context = CallContext("legacy", principal=Principal("ann"))
    token = _current.set(context)
    assert await thread(unit, adder.who) == f"legacy ann {context.trace.trace_id:x}"

    def as_bob() -> Any:
        with call_options(principal=Principal("bob")):
            return adder.who()

    assert await thread(unit, as_bob) == f"legacy bob {context.trace.trace_id:x}"
    _current.reset(token)


async def test_not_on_the_loop(unit: RunningUnit) -> None:
    token = _unit.set(unit)
    with pytest.raises(CalveError, match="would wait for itself"):
        adder.add(1, 2)
    with pytest.raises(CalveError, match="would wait for itself"):
        next(adder.count(1))
    _unit.reset(token)


def test_it_has_the_operations_of_the_contract() -> None:
    assert dir(adder) == ["add", "count", "who"]
    assert repr(adder) == "<sync client of Adder>"
    with pytest.raises(AttributeError, match="Adder has no operation 'ad'; did you mean 'add'"):
        adder.ad  # noqa: B018
    with pytest.raises(Exception, match="pickle"):
        pickle.dumps(adder)
