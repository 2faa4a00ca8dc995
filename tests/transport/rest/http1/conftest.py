"""A server's connections without sockets: what a client sends is fed, what it would get is kept, time is virtual."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

import pytest

from calve.transport.rest import AsgiApp
from calve.transport.rest.http1.connection import Http1Connection
from calve.transport.rest.http1.hub import Hub
from calve.transport.rest.http1.options import Http1Options


class Wire:
    """A transport that sends to nobody. What is beyond `takes` stays in its buffer: the client does not read."""

    def __init__(self) -> None:
        self.protocol: Any = None
        self.sent = bytearray()
        self.takes = 1 << 60
        self.ended = self.aborted = self.half_closed = self.reading_paused = False

    def get_extra_info(self, name: str) -> object:
        return {"sockname": ("127.0.0.1", 80), "peername": ("10.0.0.7", 5555)}.get(name)

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def is_closing(self) -> bool:
        return self.ended

    def write(self, data: bytes) -> None:
        assert not self.ended, "nothing is written to what is closed"
        assert not self.half_closed, "nothing is written after the end"
        self.sent += data
        if self.get_write_buffer_size():
            self.protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return max(0, len(self.sent) - self.takes)

    def take(self, size: int) -> None:
        """The client reads so much more."""
        self.takes += size
        if not self.get_write_buffer_size():
            self.protocol.resume_writing()
            if self.ended:
                self._lose()

    def pause_reading(self) -> None:
        assert not self.ended
        self.reading_paused = True

    def resume_reading(self) -> None:
        assert not self.ended
        self.reading_paused = False

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.half_closed = True

    def close(self) -> None:
        if not self.ended:
            self.ended = True
            if not self.get_write_buffer_size():
                self._lose()

    def abort(self) -> None:
        self.aborted = self.ended = True
        self._lose()

    def _lose(self) -> None:
        asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """The other end of one connection."""

    def __init__(self, hub: Hub) -> None:
        self.wire = Wire()
        self.wire.protocol = Http1Connection(hub)
        self.wire.protocol.connection_made(self.wire)

    @property
    def over(self) -> bool:
        """Whether the server has hung up, or has said all it will."""
        return self.wire.ended or self.wire.half_closed

    async def send(self, data: bytes, size: int = 1 << 60) -> None:
        """Send, in pieces of so many bytes; what cannot be sent because nobody reads is an error of the test."""
        for at in range(0, len(data), size):
            self.feed(data[at : at + size])
        await settle()

    def feed(self, data: bytes) -> None:
        assert not self.wire.reading_paused, "the server does not read"
        if not self.wire.ended:
            self.wire.protocol.data_received(data)

    async def get(self, path: str = "/", *headers: str, method: str = "GET") -> None:
        lines = "".join(f"{line}\r\n" for line in headers)
        await self.send(f"{method} {path} HTTP/1.1\r\nhost: x\r\n{lines}\r\n".encode())

    def answers(self, *, heads: Iterable[int] = ()) -> list[Answer]:
        """Everything that was sent, taken apart. Args: heads: numbers of those that answer a HEAD."""
        found, rest = list[Answer](), bytes(self.wire.sent)
        while rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            status, headers = int(first.split()[1]), dict(line.split(": ", 1) for line in lines)
            body = b""
            if len(found) in heads or status in (100, 204, 304):
                pass
            elif headers.get("transfer-encoding") == "chunked":
                while (size := int((line := rest.partition(b"\r\n"))[0], 16)) or not line[2].startswith(b"\r\n"):
                    body, rest = body + line[2][:size], line[2][size + 2 :]
                rest = line[2][2:]
            elif "content-length" in headers:
                size = int(headers["content-length"])
                body, rest = rest[:size], rest[size:]
            else:
                body, rest = rest, b""
            found.append(Answer(status, headers, body))
        return found

    @property
    def statuses(self) -> list[int]:
        return [answer.status for answer in self.answers()]

    def hang_up(self) -> None:
        self.wire.ended = True
        self.wire.protocol.connection_lost(None)


async def settle() -> None:
    """Let every task run until it waits for something that nobody does by itself."""
    for _ in range(20):
        await asyncio.sleep(0)


Serve = Callable[..., Client]


@pytest.fixture
def hub() -> Callable[..., Hub]:
    """Makes what the connections of a server share; inside the loop that runs them."""

    def make(app: AsgiApp, **options: Any) -> Hub:
        return Hub(app, set(), Http1Options(**options), asyncio.get_running_loop())

    return make


@pytest.fixture
def serve(hub: Callable[..., Hub]) -> Serve:
    """Connects a client to an application."""
    return lambda app, **options: Client(hub(app, **options))


async def body_of(receive: Callable[[], Awaitable[Any]]) -> bytes:
    """A whole body, for applications."""
    body: bytes = b""
    while True:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body", False):
            return body


async def reply(send: Any, status: int, *parts: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """An answer in pieces, for applications."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    for number, part in enumerate(parts, 1):
        await send({"type": "http.response.body", "body": part, "more_body": number < len(parts)})


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Says what it was asked."""
    body = await body_of(receive)
    await reply(send, 200, f"{scope['method']} {scope['path']} ".encode() + body)


class Held:
    """An application that answers when it is told to."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.seen: list[str] = []
        self.events: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append(scope["path"])
        await self.go_on.wait()
        await reply(send, 200, scope["path"].encode())
