"""Calls: deadlines, cancellation, roles, what travels with them, and streams, the same on every runner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from divergence_echo import Echo

from calve import CallError, Principal, call_options
from calve.core.errors import (
    DeadlineExceeded,
    InternalError,
    InvalidArgument,
    PermissionDenied,
    Unauthenticated,
)
from calve.core.trace import TraceContext
from calve.testing import App, Runner

pytestmark = pytest.mark.asyncio(loop_scope="module")

WRITER = Principal("alice", frozenset({"echo:write", "echo:read"}))
PATIENCE_SECONDS = 20.0


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def forgotten(app: App) -> None:
    """The echo notices nothing of earlier tests."""
    await app.get(Echo).forget()


async def noticed(app: App, *events: str) -> None:
    """Wait until the echo has noticed these events, in this order."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await app.get(Echo).events() != events:  # noqa: ASYNC110  (the service is in another process)
            await asyncio.sleep(0.002)


async def error_of(call: Any) -> CallError:
    """What a call raises."""
    with pytest.raises(CallError) as caught:
        await call
    return caught.value


async def first(items: AsyncIterator[Any]) -> Any:
    """The first item."""
    return await anext(items)


# --- deadlines


async def test_a_deadline_that_passes_during_the_call(app: App, echo: Any) -> None:
    with call_options(timeout_seconds=0.05):
        error = await error_of(echo.hang())
    assert (type(error), error.operation, error.may_have_run) == (DeadlineExceeded, "divergence_echo.hang", True)
    await noticed(app, "hanging", "cancelled")


async def test_a_deadline_that_passed_before_the_call(app: App, echo: Any) -> None:
    with call_options(timeout_seconds=-1):
        error = await error_of(echo.hang())
        streamed = await error_of(anext(echo.count(1)))
    assert (type(error), error.operation, error.may_have_run) == (DeadlineExceeded, "divergence_echo.hang", False)
    assert (type(streamed), streamed.operation) == (DeadlineExceeded, "divergence_echo.count")
    assert not streamed.may_have_run
    await noticed(app)


async def test_the_operations_own_timeout(app: App, echo: Any) -> None:
    error = await error_of(echo.hurry())
    assert (type(error), error.operation, error.may_have_run) == (DeadlineExceeded, "divergence_echo.hurry", True)
    await noticed(app, "hanging", "cancelled")


async def test_a_deadline_crosses_services(app: App, relay: Any) -> None:
    with call_options(timeout_seconds=0.1):
        error = await error_of(relay.hang())
    assert (type(error), error.operation, error.may_have_run) == (DeadlineExceeded, "divergence_relay.hang", True)
    await noticed(app, "hanging", "cancelled")


async def test_a_service_may_be_less_patient_than_its_caller(app: App, relay: Any) -> None:
    assert await relay.impatient() == "deadline_exceeded divergence_echo.hang True"
    await noticed(app, "hanging", "cancelled")


async def test_the_time_that_is_left_travels(echo: Any, relay: Any) -> None:
    for service in (echo, relay):
        # A little more than given: milliseconds cross the wire, rounded up, and no deadline may fire early.
        assert 5.01 < await service.remaining() <= 10.01, "the operation's own timeout"
        with call_options(timeout_seconds=5):
            assert 0 < await service.remaining() <= 5.01
        with call_options(timeout_seconds=500):
            assert 5.01 < await service.remaining() <= 10.01


# --- cancellation


async def test_a_cancelled_call_is_cancelled_where_it_runs(app: App, echo: Any, relay: Any) -> None:
    for service in (echo, relay):
        await app.get(Echo).forget()
        task = asyncio.create_task(service.hang())
        await noticed(app, "hanging")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await noticed(app, "hanging", "cancelled")


async def test_a_timeout_of_asyncio_cancels_the_call(app: App, echo: Any) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await echo.hang()
    await noticed(app, "hanging", "cancelled")


async def test_arguments_are_taken_when_the_call_is_made(app: App, echo: Any) -> None:
    rows = [1]
    task = asyncio.create_task(echo.hang(rows))
    await asyncio.sleep(0)
    rows.append(2)
    await noticed(app, "hanging with [1]")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_arguments_are_taken_when_the_call_is_made_although_nothing_is_connected_yet(runners: Runner) -> None:
    async with runners.start(Path(__file__).parent, services=["divergence_echo"]) as app:
        echo, rows = app.get(Echo), [1]
        call = asyncio.create_task(echo.hang(rows))
        lists = asyncio.create_task(first(echo.lists(rows, 1)))
        await asyncio.sleep(0)
        rows.append(2)
        assert await lists == [1, 0]
        await noticed(app, "hanging with [1]")
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


async def test_calls_run_side_by_side(app: App, echo: Any) -> None:
    tasks = [asyncio.create_task(echo.hang()) for _ in range(50)]
    await noticed(app, *["hanging"] * 50)
    assert await asyncio.gather(*(echo.number(n) for n in range(200))) == list(range(200))
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


# --- who


async def test_roles(echo: Any) -> None:
    for call in (echo.guarded, lambda: anext(echo.guarded_stream())):
        anonymous = await error_of(call())
        assert (type(anonymous), anonymous.may_have_run) == (Unauthenticated, False)
        assert "needs a principal with role 'echo:write'" in str(anonymous)
        with call_options(principal=Principal("bob", frozenset({"echo:read"}))):
            refused = await error_of(call())
        assert (type(refused), refused.may_have_run) == (PermissionDenied, False)
        assert "'bob' does not have it" in str(refused)
        with call_options(principal=WRITER):
            assert await call() == "done"


async def test_the_principal_goes_on_with_the_call(echo: Any, relay: Any) -> None:
    for service in (echo, relay):
        assert await service.who() == (None, frozenset())
        with call_options(principal=WRITER):
            assert await service.who() == ("alice", frozenset({"echo:write", "echo:read"}))
        with call_options(principal=Principal("")):
            assert await service.who() == ("", frozenset())


async def test_the_idempotency_key_belongs_to_one_command(echo: Any, relay: Any) -> None:
    with call_options(idempotency_key="k-1"):
        assert await echo.key() == "k-1"
        own, plain, given = await relay.keys()
    assert "k-1" not in (own, plain), "the key of a command is never that of the commands it makes"
    assert given == "given"
    first, second = await echo.key(), await echo.key()
    assert first != second
    assert len(first) == 32


async def test_the_trace_goes_on_with_the_call(echo: Any, relay: Any) -> None:
    trace = TraceContext.root()
    with call_options() as context:
        context.trace = trace
        expected = f"{trace.trace_id:032x}"
        assert await echo.trace() == expected
        assert await relay.traces() == (expected, expected)


# --- streams


async def test_a_stream_has_all_its_items_in_order(echo: Any, relay: Any) -> None:
    for service in (echo, relay):
        assert [item async for item in service.count(0)] == []
        assert [item async for item in service.count(5_000)] == list(range(5_000))


async def test_nothing_runs_before_the_first_item_is_asked_for(app: App, echo: Any) -> None:
    items = echo.count(3)
    await items.aclose()
    await noticed(app)


async def test_leaving_a_stream_early_closes_it_where_it_runs(app: App, echo: Any, relay: Any) -> None:
    for service in (echo, relay):
        await app.get(Echo).forget()
        async with aclosing(service.count(3)) as items:
            assert await anext(items) == 0
        await noticed(app, "closed")


async def test_cancelling_whoever_waits_for_an_item_closes_the_stream(app: App, echo: Any) -> None:
    items = echo.count(1, "hang")
    assert await anext(items) == 0
    task = asyncio.create_task(anext(items))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await noticed(app, "closed")


async def test_the_deadline_of_a_stream(app: App, echo: Any, relay: Any) -> None:
    for service, name in ((echo, "divergence_echo"), (relay, "divergence_relay")):
        await app.get(Echo).forget()
        with call_options(timeout_seconds=0.2):
            items = service.count(2, "hang")
            assert [await anext(items), await anext(items)] == [0, 1]
            error = await error_of(anext(items))
        assert (type(error), error.operation, error.may_have_run) == (DeadlineExceeded, f"{name}.count", True)
        await noticed(app, "closed")


async def test_the_arguments_of_a_stream_are_checked(app: App, echo: Any) -> None:
    error = await error_of(anext(echo.count("x")))
    assert isinstance(error, InvalidArgument)
    assert (error.field, error.operation, error.may_have_run) == ("$.upto", "divergence_echo.count", False)
    with pytest.raises(TypeError, match=r"^divergence_echo\.count\(\): "):
        echo.count()
    await noticed(app)


async def test_streams_run_side_by_side(echo: Any) -> None:
    async def collect(upto: int) -> list[int]:
        return [item async for item in echo.count(upto)]

    sizes = [0, 1, 10, 500]
    assert await asyncio.gather(*map(collect, sizes)) == [list(range(size)) for size in sizes]


# --- size


async def test_a_request_beyond_the_limit_is_refused(app: App, echo: Any) -> None:
    error = await error_of(echo.data(b"x" * (17 << 20)))
    assert isinstance(error, InvalidArgument)
    assert (error.operation, error.may_have_run) == ("divergence_echo.data", False)
    assert "the limit is 16777216" in str(error)
    streamed = await error_of(anext(echo.lists([1] * (17 << 20), 1)))
    assert isinstance(streamed, InvalidArgument)


async def test_an_answer_beyond_the_limit_is_the_callees_fault(echo: Any) -> None:
    error = await error_of(echo.large(17 << 20))
    assert isinstance(error, InternalError)
    assert (error.operation, error.may_have_run) == ("divergence_echo.large", True)
    assert "the limit is 16777216" in str(error)
    assert await echo.number(1) == 1
