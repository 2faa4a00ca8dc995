"""WebSockets on our own server; framing is the library's, so its client tells whether the rest is right."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect

from calve.core.errors import ConfigError
from calve.testing import virtual_time
from calve.transport.rest import HttpServer
from calve.transport.rest.http1.hub import Hub
from calve.transport.rest.http1.options import Http1Options
from calve.transport.rest.http1.websocket import begin_websocket

from .conftest import Client, echo, settle

HANDSHAKE = (
    b"GET /chat?a=b HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: WebSocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def frame(opcode: int, data: bytes = b"", *, last: bool = True) -> bytes:
    """A short frame of a client; the mask is nought."""
    assert len(data) < 126
    return bytes([opcode | (0x80 if last else 0), 0x80 | len(data)]) + b"\0\0\0\0" + data


class Chat:
    """Sends back what it gets, and keeps what it was told."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.over = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.events.append(scope)
        assert (await receive()) == {"type": "websocket.connect"}
        await send({"type": "websocket.accept", "headers": [(b"x-greeting", b"hello")]})
        while True:
            await self.hold.wait()
            event = await receive()
            self.events.append(event)
            if event["type"] == "websocket.disconnect":
                self.over.set()
                return
            if event.get("text") == "fail":
                raise RuntimeError("password=hunter2")
            if event.get("text") == "close":
                await send({"type": "websocket.close", "code": 4001, "reason": "as you wish"})
            else:
                await send({"type": "websocket.send"} | {k: event[k] for k in ("text", "bytes") if k in event})


@pytest.fixture
def join() -> Any:
    """Connects a client without a socket to an application that gets WebSockets."""

    def make(app: Any, **options: Any) -> Client:
        return Client(Hub(app, set(), Http1Options(**options), asyncio.get_running_loop(), begin_websocket))

    return make


@asynccontextmanager
async def chatting(app: Any) -> AsyncIterator[tuple[ClientConnection, HttpServer]]:
    server = HttpServer(app, host="127.0.0.1", port=0, websockets=True)
    await server.start()
    try:
        async with connect(f"ws://127.0.0.1:{server.port}/chat") as connection:
            yield connection, server
    finally:
        await server.stop(0)


async def test_messages_go_both_ways_whole_and_in_order() -> None:
    async with chatting(Chat()) as (connection, _):
        assert connection.response is not None
        assert connection.response.headers["x-greeting"] == "hello"
        for message in ("é", b"\0\xff", "", b"", "x" * 300_000, b"y" * 300_000):
            await connection.send(message)
            assert await connection.recv() == message
        await connection.send(["a", "b", "c"])
        assert await connection.recv() == "abc"
        await (await connection.ping())


async def test_both_sides_may_close() -> None:
    async with chatting(Chat()) as (connection, _):
        await connection.send("close")
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await connection.recv()
        assert closed.value.rcvd == websockets.frames.Close(4001, "as you wish")
    chat = Chat()
    async with chatting(chat) as (connection, _):
        await connection.close(4002, "enough")
        await chat.over.wait()
        assert chat.events[-1] == {"type": "websocket.disconnect", "code": 4002, "reason": "enough"}


async def test_stopping_closes_them_as_a_restart() -> None:
    async with chatting(Chat()) as (connection, server):
        await connection.send("a")
        await connection.recv()
        await server.stop(0)
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await connection.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012


async def test_a_failure_closes_it_and_stays_here(caplog: pytest.LogCaptureFixture) -> None:
    async with chatting(Chat()) as (connection, _):
        await connection.send("fail")
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await connection.recv()
        assert closed.value.rcvd == websockets.frames.Close(1011, "")
    assert "websocket failed" in caplog.text


async def test_without_the_library_there_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "calve.transport.rest.http1.websocket", None)
    with pytest.raises(ConfigError, match=r"pip install 'calve\[adopt\]'"):
        await HttpServer(echo, host="127.0.0.1", port=0, websockets=True).start()


@virtual_time
async def test_what_follows_the_handshake_at_once_is_not_lost(join: Any) -> None:
    chat = Chat()
    client = join(chat)
    await client.send(HANDSHAKE + frame(1, b"early"))
    scope, event = chat.events
    assert (scope["type"], scope["path"], scope["query_string"], scope["scheme"]) == (
        "websocket",
        "/chat",
        b"a=b",
        "ws",
    )
    assert (event["text"], scope["client"]) == ("early", ("10.0.0.7", 5555))
    head, _, rest = bytes(client.wire.sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    assert rest == b"\x81\x05early"


@pytest.mark.parametrize(
    "spoiled",
    [
        HANDSHAKE.replace(b"version: 13", b"version: 8"),
        HANDSHAKE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"c2hvcnQ="),
        HANDSHAKE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"!"),
        HANDSHAKE.replace(b"GET", b"POST"),
        HANDSHAKE.replace(b"WebSocket", b"h2c"),
    ],
)
@virtual_time
async def test_what_is_no_good_handshake_is_a_request_like_any_other(join: Any, spoiled: bytes) -> None:
    client = join(echo)
    await client.send(spoiled)
    assert client.answers()[0].body.endswith(b" /chat ")


@pytest.mark.parametrize(
    ("script", "status", "body"),
    [
        ([{"type": "websocket.close"}], 403, b"permission_denied"),
        (
            [
                {"type": "websocket.http.response.start", "status": 401, "headers": [(b"x-why", b"token")]},
                {"type": "websocket.http.response.body", "body": b"no ", "more_body": True},
                {"type": "websocket.http.response.body", "body": b"entry"},
            ],
            401,
            b"no entry",
        ),
        ([], 500, b"internal"),
        ([{"type": "websocket.send", "text": "too early"}], 500, b"internal"),
    ],
)
@virtual_time
async def test_a_handshake_may_be_refused(
    join: Any, script: list[Any], status: int, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for event in script:
            await send(event)

    client = join(app)
    await client.send(HANDSHAKE)
    (answer,) = client.answers()
    assert (answer.status, answer.headers["connection"]) == (status, "close")
    assert body in answer.body
    assert client.over


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(1, b"\xff"), 1007),
        (frame(3), 1002),
        (frame(0, b"a"), 1002),
        (b"\x81\x01a", 1002),  # not masked
        (b"\x82\xff" + (1 << 40).to_bytes(8, "big") + b"\0\0\0\0", 1009),
    ],
)
@virtual_time
async def test_what_breaks_the_rules_ends_it(join: Any, data: bytes, code: int) -> None:
    chat = Chat()
    client = join(chat)
    await client.send(HANDSHAKE)
    await client.send(data + frame(1, b"hidden"))
    assert code.to_bytes(2, "big") in bytes(client.wire.sent).rpartition(b"\r\n\r\n")[2]
    assert [event["type"] for event in chat.events[1:]] == ["websocket.disconnect"]
    assert client.over


@virtual_time
async def test_messages_that_nobody_takes_are_not_collected(join: Any) -> None:
    chat = Chat()
    client = join(chat)
    await client.send(HANDSHAKE)
    chat.hold.clear()
    await client.send(frame(1, b"x") * 40)
    assert client.wire.reading_paused
    chat.hold.set()
    await settle()
    await settle()
    assert not client.wire.reading_paused
    assert [event["text"] for event in chat.events[1:]] == ["x"] * 40


@virtual_time
async def test_a_client_that_is_silent_is_asked_and_then_given_up(join: Any) -> None:
    chat = Chat()
    client = join(chat)
    await client.send(HANDSHAKE)
    for _ in range(3):
        await asyncio.sleep(32)
        assert client.wire.sent.endswith(b"\x89\x00"), "a ping"
        await client.send(frame(10))
    await asyncio.sleep(100)
    assert client.wire.aborted
    assert chat.events[-1] == {"type": "websocket.disconnect", "code": 1006, "reason": ""}


@virtual_time
async def test_a_close_that_is_not_answered_is_not_waited_for(join: Any) -> None:
    client = join(Chat())
    await client.send(HANDSHAKE + frame(1, b"close"))
    assert not client.wire.ended
    await asyncio.sleep(10)
    assert client.wire.aborted


@virtual_time
async def test_a_client_that_does_not_read_is_waited_for(join: Any) -> None:
    chat = Chat()
    client = join(chat)
    await client.send(HANDSHAKE)
    client.wire.takes = len(client.wire.sent) + 3
    await client.send(frame(1, b"abc") + frame(1, b"def"))
    assert [event["text"] for event in chat.events[1:]] == ["abc"]
    client.wire.take(1000)
    await settle()
    assert [event["text"] for event in chat.events[1:]] == ["abc", "def"]
