"""Finding the unit one runs in, and calling into its loop from a thread."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from calve.core.context import CallContext, _current, current_call
from calve.core.errors import CalveError, Unavailable
from calve.core.unit import RunningUnit, _unit, current_unit


@pytest.fixture
async def unit() -> AsyncIterator[RunningUnit]:
    made = RunningUnit(lambda contract: contract)
    yield made
    made.close()


async def in_thread(function: object) -> object:
    """What a function gives in a thread that inherits nothing."""
    done: concurrent.futures.Future[object] = concurrent.futures.Future()

    def run() -> None:
        try:
            done.set_result(function())  # type: ignore[operator]
        except BaseException as error:  # noqa: BLE001
            done.set_exception(error)

    threading.Thread(target=run).start()
    return await asyncio.wrap_future(done)


async def operation() -> str:
    call = current_call()
    await asyncio.sleep(0)
    return call.operation if call is not None else "none"


def test_there_is_none_outside() -> None:
    assert current_unit() is None


async def test_the_context_says_which(unit: RunningUnit) -> None:
    token = _unit.set(unit)
    assert current_unit() is unit
    assert await asyncio.to_thread(current_unit) is unit
    assert await in_thread(current_unit) is None
    _unit.reset(token)


async def test_a_thread_that_inherited_nothing_finds_the_only_one(unit: RunningUnit) -> None:
    unit.publish()
    assert await in_thread(current_unit) is unit
    second = RunningUnit(lambda contract: contract)
    second.publish()
    assert await in_thread(current_unit) is None
    second.close()
    assert await in_thread(current_unit) is unit
    unit.close()
    assert await in_thread(current_unit) is None


async def test_a_fork_is_not_the_unit(unit: RunningUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    unit.publish()
    monkeypatch.setattr("os.getpid", lambda: 1)
    assert current_unit() is None


async def test_a_thread_calls_in_its_own_context(unit: RunningUnit) -> None:
    context = contextvars.copy_context()
    context.run(_current.set, CallContext("legacy"))
    assert await asyncio.to_thread(context.run, unit.run, operation()) == "legacy"
    assert await in_thread(lambda: unit.run(operation())) == "none"


async def test_what_the_call_raises_arrives(unit: RunningUnit) -> None:
    async def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError, match="x"):
        await in_thread(lambda: unit.run(fail()))


async def test_the_loop_does_not_wait_for_itself(unit: RunningUnit) -> None:
    with pytest.raises(CalveError, match=r"wait for itself for ever; await calve\.stub"):
        unit.run(operation())


async def test_whoever_waits_when_the_unit_stops_is_told(unit: RunningUnit) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    waiting = asyncio.ensure_future(in_thread(lambda: unit.run(wait())))
    await begun.wait()
    unit.close()
    with pytest.raises(Unavailable, match="stopping") as caught:
        await waiting
    assert caught.value.may_have_run
    await cancelled.wait()
    with pytest.raises(Unavailable) as caught:
        await in_thread(lambda: unit.run(operation()))
    assert not caught.value.may_have_run


async def test_a_stream_is_iterated_and_closed_from_a_thread(unit: RunningUnit) -> None:
    closed = asyncio.Event()

    async def count() -> AsyncIterator[int]:
        try:
            for number in range(5):
                yield number
        finally:
            closed.set()

    def first_two() -> list[int]:
        items: Iterator[int] = unit.iterate(count())
        found = [next(items), next(items)]
        items.close()  # type: ignore[attr-defined]
        return found

    assert await in_thread(first_two) == [0, 1]
    assert closed.is_set()
    assert await in_thread(lambda: list(unit.iterate(count()))) == [0, 1, 2, 3, 4]
