"""WebSockets of an adopted application, over all HTTP servers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from calve.testing.fakes.observe import CapturedLogs
from calve.transport.rest import HttpServer

from .conftest import Adopter

App = Callable[..., Awaitable[None]]


@pytest.fixture(params=["calve", "granian", "uvicorn"])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@asynccontextmanager
async def connected(adopter: Adopter, kind: Any, app: App) -> AsyncIterator[ClientConnection]:
    """A connection to an application, served."""

    async def sockets_only(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            raise ValueError("no lifespan")
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        await app(scope, receive, send)

    adopted = adopter.make(lambda: sockets_only)
    await adopted.start()
    server = HttpServer(adopted, host="127.0.0.1", port=0, kind=kind, websockets=True)
    await server.start()
    try:
        async with websockets.connect(f"ws://127.0.0.1:{server.port}/chat") as connection:
            yield connection
    finally:
        await server.stop(0)


async def closing_code(connection: ClientConnection) -> int | None:
    """The code the other side closes with."""
    with pytest.raises(websockets.ConnectionClosed):
        await connection.recv()
    return connection.close_code


async def test_messages_go_both_ways(adopter: Adopter, kind: Any) -> None:
    async def shout(scope: Any, receive: Any, send: Any) -> None:
        while (event := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": event["text"].upper()})

    async with connected(adopter, kind, shout) as connection:
        for word in ("hello", "again"):
            await connection.send(word)
            assert await connection.recv() == word.upper()
        assert adopter.in_flight() == 1
    assert adopter.counted() == {"WEBSOCKET": 1}
    assert (adopter.errors(), adopter.in_flight()) == ({}, 0)


async def test_an_application_may_close_while_it_reads(adopter: Adopter, kind: Any) -> None:
    seen: list[Any] = []
    done = asyncio.Event()

    async def close(scope: Any, receive: Any, send: Any) -> None:
        reading = asyncio.create_task(receive())
        await asyncio.sleep(0)
        await send({"type": "websocket.close", "code": 4001})
        seen.append(await reading)
        done.set()

    async with connected(adopter, kind, close) as connection:
        assert await closing_code(connection) == 4001
        await done.wait()
    assert (seen[0]["type"], seen[0]["code"]) == ("websocket.disconnect", 4001)


async def test_draining_ends_them(adopter: Adopter, kind: Any) -> None:
    seen: list[Any] = []
    done = asyncio.Event()

    async def patient(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.send", "text": "ready"})
        seen.append(await receive())
        done.set()

    async with connected(adopter, kind, patient) as connection:
        assert await connection.recv() == "ready"
        adopter.apps[0].drain()
        assert await closing_code(connection) == 1012
        await done.wait()
    assert (seen[0]["type"], seen[0]["code"]) == ("websocket.disconnect", 1012)


@pytest.mark.parametrize("leave", [lambda: sys.exit(1), lambda: int("x")])
async def test_a_failure_closes_that_one_only(adopter: Adopter, kind: Any, leave: Any) -> None:
    async def fail(scope: Any, receive: Any, send: Any) -> None:
        leave()

    with CapturedLogs() as logs:
        async with connected(adopter, kind, fail) as connection:
            assert await closing_code(connection) == 1011
    assert logs.line("websocket failed").fields == {"path": "/chat"}
    assert adopter.errors() == {"internal_error": 1}


async def test_one_that_is_not_up_refuses(adopter: Adopter) -> None:
    adopted = adopter.make(lambda: int("x"))
    with CapturedLogs():
        await adopted.start()
    server = HttpServer(adopted, host="127.0.0.1", port=0, websockets=True)
    await server.start()
    with pytest.raises(websockets.InvalidStatus):
        async with websockets.connect(f"ws://127.0.0.1:{server.port}/"):
            pass
    await server.stop(0)
