"""A WSGI application in threads: its environment, its calls into the unit, and clients that leave."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from calve.core.context import current_call
from calve.core.unit import current_unit
from calve.testing.fakes.observe import CapturedLogs

from .conftest import Adopter


def plain(start_response: Any, body: bytes, status: str = "200 OK") -> Iterable[bytes]:
    """A whole answer."""
    start_response(status, [("Content-Type", "text/plain")])
    return [body]


async def test_a_request_becomes_an_environment(adopter: Adopter) -> None:
    seen: dict[str, Any] = {}

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        seen.update(environ)
        return plain(start_response, environ["wsgi.input"].read(), "201 Created")

    client = await adopter.up(app, kind="wsgi", mount="/old")
    headers = {"x-user": "ann", "x_user": "eve"}
    got = await client.request("POST", "/old/items?q=1", body=b"hello", headers=headers)
    assert (got.status, got.body) == (201, b"hello")
    assert (seen["SCRIPT_NAME"], seen["PATH_INFO"], seen["QUERY_STRING"]) == ("/old", "/items", "q=1")
    assert seen["HTTP_X_USER"] == "ann"
    assert adopter.counted() == {"POST": 1}


async def test_bytes_that_are_no_text_in_a_query_are_told_encoded(adopter: Adopter) -> None:
    client = await adopter.up(lambda e, s: plain(s, e["QUERY_STRING"].encode()), kind="wsgi")
    assert (await client.request("GET", "/?q=ä%20&r=a'b")).body == b"q=%C3%A4%20&r=a'b"


async def test_its_threads_run_in_the_call_and_find_the_unit(adopter: Adopter) -> None:
    async def greet() -> str:
        call = current_call()
        return f"hello {call.operation if call else ''}"

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        unit = current_unit()
        assert unit is not None
        return plain(start_response, unit.run(greet()).encode())

    client = await adopter.up(app, kind="wsgi")
    assert (await client.request("GET", "/")).body == b"hello legacy"


@pytest.mark.parametrize("leave", [lambda: sys.exit(2), lambda: int("x")])
async def test_what_it_raises_is_a_problem(adopter: Adopter, leave: Any) -> None:
    client = await adopter.up(lambda environ, start_response: leave(), kind="wsgi")
    with CapturedLogs():
        assert (await client.request("GET", "/")).status == 500
    assert adopter.errors() == {"internal_error": 1}


async def test_as_many_at_once_as_there_are_threads(adopter: Adopter) -> None:
    arrived, go_on = threading.Semaphore(0), threading.Event()
    names: set[str] = set()

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        names.add(threading.current_thread().name)
        arrived.release()
        go_on.wait(60)
        return plain(start_response, b"")

    client = await adopter.up(app, kind="wsgi", threads=2)
    calls = [client.start("GET", "/") for _ in range(5)]
    await asyncio.to_thread(arrived.acquire)
    await asyncio.to_thread(arrived.acquire)
    assert not arrived.acquire(blocking=False)
    go_on.set()
    assert [(await call.answer()).status for call in calls] == [200] * 5
    assert names == {"calve-legacy-1", "calve-legacy-2"}


async def test_a_client_that_leaves_does_not_keep_the_thread(adopter: Adopter) -> None:
    ended = threading.Event()

    def endless() -> Iterator[bytes]:
        try:
            for _ in range(1000):  # far more than its queue holds
                yield b"x" * 1000
        finally:
            ended.set()

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return endless()

    client = await adopter.up(app, kind="wsgi", threads=1)
    call = client.start("GET", "/")
    await call.part()
    call.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call.task
    await asyncio.to_thread(ended.wait)

    async def broken(event: Any) -> None:
        raise OSError("gone")

    ended.clear()
    scope = dict(call.scope, headers=[], query_string=b"")
    await adopter.apps[0](scope, asyncio.Queue[Any]().get, broken)
    await asyncio.to_thread(ended.wait)
    assert (await client.request("GET", "/")).status == 200


async def test_a_websocket_is_refused(adopter: Adopter) -> None:
    await adopter.up(lambda environ, start_response: [], kind="wsgi")
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(event: Any) -> None:
        sent.append(event)

    await adopter.apps[0]({"type": "websocket", "path": "/", "headers": []}, receive, send)
    assert sent[0]["type"] == "websocket.close"
