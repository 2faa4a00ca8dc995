"""The short way to an application sends what ASGI's messages would have sent, to the byte."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from calve.testing import virtual_time
from calve.transport.rest.http1 import Direct

from .conftest import reply

Header = tuple[bytes, bytes]
JSON = (b"content-type", b"application/json")


class Short:
    """Answers at once, by the short way."""

    def __init__(self, status: int, headers: Sequence[Header], body: bytes) -> None:
        self._answer = status, tuple(headers), body

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("it takes the short way")

    async def direct(self, request: Direct) -> None:
        request.answer(*self._answer)


@pytest.mark.parametrize("parting", [False, True], ids=["", "parting"])
@pytest.mark.parametrize(
    "asked",
    [
        "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nab",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nab",
    ],
    ids=["get", "close", "old", "old keep-alive", "post", "unfinished post"],
)
@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, [JSON], b"{}"),
        (200, [], b""),
        (204, [JSON], b""),
        (304, [(b"etag", b'"1"')], b""),
        (404, [JSON, (b"Connection", b"Close")], b"{}"),
        (200, [JSON, (b"content-length", b"2")], b"{}"),
        (200, [(b"date", b"Thu, 01 Jan 2026 00:00:00 GMT")], b"{}"),
    ],
    ids=["200", "empty", "204", "304", "closing", "sized", "dated"],
)
@virtual_time
async def test_both_ways_send_the_same(
    serve: Any, status: int, headers: list[Header], body: bytes, asked: str, parting: bool
) -> None:
    sent = []
    for app in (lambda scope, receive, send: reply(send, status, body, headers=headers), Short(status, headers, body)):
        client = serve(app)
        client.wire.protocol.hub.parting = parting
        await client.send(asked.encode())
        sent.append((bytes(client.wire.sent), client.over))
    assert sent[0] == sent[1]
    assert sent[0][0].startswith(b"HTTP/1.1 %d " % status)


@virtual_time
async def test_a_head_is_told_the_length_unless_nobody_knows_it(serve: Any) -> None:
    class Sizes(Short):
        async def direct(self, request: Direct) -> None:
            request.answer(200, (JSON,), b"{}", sized=request.query != b"unknown")

    client = serve(Sizes(200, (), b""))
    await client.get("/", method="HEAD")
    await client.get("/?unknown", method="HEAD")
    known, unknown = client.answers(heads=(0, 1))
    assert known.headers["content-length"] == "2"
    assert "content-length" not in unknown.headers


@virtual_time
async def test_an_answer_is_given_once(serve: Any) -> None:
    refused: list[str] = []

    class Twice(Short):
        async def direct(self, request: Direct) -> None:
            await super().direct(request)
            with pytest.raises(RuntimeError) as error:
                request.answer(200, (JSON,), b"{}")
            refused.append(str(error.value))

    client = serve(Twice(200, [JSON], b"{}"))
    await client.get()
    assert refused == ["the application sent a second answer, which cannot be sent now"]
    assert client.statuses == [200]
