"""A request of an adopted application: untouched on its way, seen by traces and metrics, contained when it fails."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from calve.core.context import current_call
from calve.core.deadline import NEVER
from calve.testing.fakes.observe import CapturedLogs, RecordingTracing
from calve.transport.adopt.routes import ROUTES_MAX

from .conftest import Adopter, answer

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Route:
    """As FastAPI leaves it in the scope."""

    path = "/items/{item_id}"


def application(function: Any) -> Any:
    """An ASGI application without lifespan."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise ValueError("no lifespan")
        await function(scope, receive, send)

    return app


async def test_an_answer_passes_through(adopter: Adopter) -> None:
    async def echo(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        await answer(send, scope["method"].encode() + b" " + scope["path"].encode() + b" " + body, 201)

    client = await adopter.up(application(echo))
    got = await client.request("POST", "/items/7", body=b"hello")
    assert (got.status, got.body, got.headers) == (201, b"POST /items/7 hello", {"content-type": "text/plain"})
    assert adopter.counted() == {"POST": 1}
    assert (adopter.errors(), adopter.in_flight()) == ({}, 0)


async def test_its_code_runs_in_a_call(adopter: Adopter) -> None:
    seen: list[Any] = []

    async def look(scope: Any, receive: Any, send: Any) -> None:
        call = current_call()
        assert call is not None
        seen.append((call.operation, call.trace.traceparent()[3:35], call.deadline))
        await answer(send)

    client = await adopter.up(application(look))
    await client.request("GET", "/", headers={"traceparent": PARENT, "x-request-timeout": "2.5"})
    await client.request("GET", "/", headers={"x-request-timeout": "soon"})
    assert seen[0][:2] == ("legacy", PARENT[3:35])
    assert seen[0][2] < NEVER
    assert seen[1][2] == NEVER
    assert current_call() is None


async def test_a_span_is_named_by_the_route(adopter: Adopter) -> None:
    async def item(scope: Any, receive: Any, send: Any) -> None:
        scope["route"] = Route()
        await answer(send, status=503)

    tracing = RecordingTracing()
    client = await adopter.up(application(item), tracing=tracing)
    await client.request("GET", "/items/7", headers={"traceparent": PARENT})
    span = tracing.span("legacy/GET /items/{item_id}")
    assert (span.kind, span.ended, span.failed) == ("server", True, True)
    assert span.parent is not None
    assert span.parent.traceparent() == PARENT
    assert adopter.counted() == {"GET /items/{item_id}": 1}
    assert adopter.errors() == {"http_503": 1}


async def test_names_are_bounded(adopter: Adopter) -> None:
    async def any_route(scope: Any, receive: Any, send: Any) -> None:
        scope["endpoint"] = type("E", (), {"__qualname__": scope["path"]})()
        await answer(send)

    client = await adopter.up(application(any_route))
    for number in range(ROUTES_MAX + 50):
        await client.request("GET", f"/{number}")
        await client.request(f"M{number}", "/x")
    assert len(adopter.counted()) <= ROUTES_MAX + 2
    assert adopter.counted()["GET other"] >= 50


class Odd(BaseException):
    """Not even an Exception."""


FAILURES = [ValueError("x"), SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), Odd()]


@pytest.mark.parametrize("error", FAILURES)
async def test_a_failure_before_the_answer_is_a_problem(adopter: Adopter, error: BaseException) -> None:
    async def fail(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        raise error

    client = await adopter.up(application(fail))
    with CapturedLogs() as logs:
        got = await client.request("GET", "/x")
    assert (got.status, got.json()["code"]) == (500, "internal_error")
    assert logs.line("request failed").fields == {"method": "GET", "path": "/x"}
    assert sum(adopter.errors().values()) == 1
    assert adopter.in_flight() == 0


async def test_half_an_answer_breaks_the_connection(adopter: Adopter) -> None:
    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"1", "more_body": True})
        raise ValueError("x")

    client = await adopter.up(application(half))
    with CapturedLogs(), pytest.raises(ValueError, match="x"):
        await client.request("GET", "/")


async def test_what_fails_after_the_answer_is_only_logged(adopter: Adopter) -> None:
    async def late(scope: Any, receive: Any, send: Any) -> None:
        await answer(send)
        sys.exit(1)

    client = await adopter.up(application(late))
    with CapturedLogs() as logs:
        assert (await client.request("GET", "/")).status == 200
    assert logs.line("request failed")


async def test_no_answer_at_all_is_a_failure(adopter: Adopter) -> None:
    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        return

    client = await adopter.up(application(nothing))
    with CapturedLogs():
        assert (await client.request("GET", "/")).status == 500


async def test_no_answer_to_a_client_that_left_is_no_failure(adopter: Adopter) -> None:
    async def wait_for_the_end(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    client = await adopter.up(application(wait_for_the_end))
    with CapturedLogs() as logs:
        call = client.start("GET", "/")
        call.disconnect()
        await call.task
    assert [line.message for line in logs.lines if line.message == "request failed"] == []
    assert adopter.errors() == {"cancelled": 1}


async def test_a_request_that_is_cancelled_is_cancelled(adopter: Adopter) -> None:
    begun = asyncio.Event()

    async def wait(scope: Any, receive: Any, send: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    client = await adopter.up(application(wait))
    call = client.start("GET", "/")
    await begun.wait()
    assert adopter.in_flight() == 1
    call.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call.task
    assert (adopter.errors(), adopter.in_flight()) == ({"cancelled": 1}, 0)


async def test_a_task_that_exits_does_not_end_the_loop(adopter: Adopter) -> None:
    outcome: list[str] = []

    async def leave() -> None:
        sys.exit(4)

    async def spawn(scope: Any, receive: Any, send: Any) -> None:
        task = asyncio.create_task(leave(), name="leaver")
        try:
            await task
        except Exception as error:  # noqa: BLE001
            outcome.append(f"{task.get_name()}: {error}")
        await answer(send)

    client = await adopter.up(application(spawn))
    assert (await client.request("GET", "/")).status == 200
    assert outcome == ["leaver: it called sys.exit(4)"]
