"""Stepping foreign coroutines: everything passes but what would end the process."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine
from typing import Any

import pytest

from calve.transport.adopt.containment import AppExited, ContainedTask, contained


async def work(answer: Any = 7) -> Any:
    await asyncio.sleep(0)
    if isinstance(answer, BaseException):
        raise answer
    return answer


async def catching() -> str:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.sleep(0)
        return "tidied up"
    return "never"


def as_request(body: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    async def run() -> Any:
        return await contained(body)

    return asyncio.create_task(run())


def as_task(body: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    return asyncio.create_task(ContainedTask(body))


@pytest.fixture(params=[as_request, as_task])
def start(request: pytest.FixtureRequest) -> Any:
    return request.param


async def test_answers_and_errors_pass(start: Any) -> None:
    assert await start(work()) == 7
    with pytest.raises(KeyError):
        await start(work(KeyError("x")))


async def test_exits_become_errors(start: Any) -> None:
    with pytest.raises(AppExited, match=r"it called sys.exit\(3\)"):
        await start(work(SystemExit(3)))
    with pytest.raises(AppExited, match=r"it called sys.exit\(\)"):
        await start(work(SystemExit()))
    with pytest.raises(AppExited, match="KeyboardInterrupt"):
        await start(work(KeyboardInterrupt()))


async def test_a_cancellation_arrives_and_may_be_answered(start: Any) -> None:
    task = start(catching())
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "tidied up"


async def test_a_task_looks_like_its_coroutine() -> None:
    task = as_task(body := work())
    coro: Any = task.get_coro()
    assert coro.cr_code is body.cr_code  # type: ignore[attr-defined]
    assert repr(coro) == repr(body)
    await asyncio.sleep(0)
    assert inspect.getcoroutinestate(coro) == inspect.CORO_SUSPENDED
    await task


async def test_one_that_never_ran_leaves_no_warning() -> None:
    task = as_task(work())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    begun = work()
    begun.send(None)
    ContainedTask(begun).close()
    assert inspect.getcoroutinestate(begun) == inspect.CORO_CLOSED
    assert await ContainedTask(work(5)) == 5
