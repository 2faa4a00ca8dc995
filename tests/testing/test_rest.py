"""HTTP for tests: the same answers with and without sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import pytest

from calve.testing import AsgiClient, HttpClient, RestClient
from calve.transport.rest import HttpServer


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with what it got."""
    if scope["type"] != "http":
        while True:
            event = await receive()
            await send({"type": f"{event['type']}.complete"})
            if event["type"] == "lifespan.shutdown":
                return
    body = b""
    while True:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body"):
            break
    names = {b"content-type", b"content-length", b"x-own"}
    headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in names}
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "headers": headers,
        "body": body.decode("latin-1"),
    }
    start = [(b"content-type", b"application/json"), (b"x-umlaut", "ä".encode("latin-1"))]
    await send({"type": "http.response.start", "status": 418, "headers": start})
    await send({"type": "http.response.body", "body": msgspec.json.encode(seen)[:5], "more_body": True})
    await send({"type": "http.response.body", "body": msgspec.json.encode(seen)[5:]})


@pytest.fixture(params=["asgi", "http"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[RestClient]:
    """The application, both ways."""
    if request.param == "asgi":
        yield AsgiClient(echo)
        return
    server = HttpServer(echo, host="127.0.0.1", port=0)
    await server.start()
    yield HttpClient(f"http://127.0.0.1:{server.port}")
    await server.stop(0)


async def test_an_answer_is_read_whole(client: RestClient) -> None:
    answer = await client.request("GET", "/a%20b/%C3%A4?x=1&y=%26")
    assert answer.status == 418
    assert (answer.headers["content-type"], answer.headers["x-umlaut"]) == ("application/json", "ä")
    assert answer.json() == {"method": "GET", "path": "/a b/ä", "query": "x=1&y=%26", "headers": {}, "body": ""}


async def test_json_is_sent_with_its_type(client: RestClient) -> None:
    answer = await client.request("POST", "/", json={"id": UUID(int=1)})
    body = '{"id":"00000000-0000-0000-0000-000000000001"}'
    assert answer.json()["body"] == body
    assert answer.json()["headers"] == {"content-type": "application/json", "content-length": str(len(body))}
    assert (await client.request("POST", "/", json=None)).json()["body"] == "null"


async def test_bytes_are_sent_as_they_are(client: RestClient) -> None:
    answer = await client.request("PUT", "/", body=b"\xffraw", headers={"Content-Type": "text/plain", "X-Own": "ö"})
    assert answer.json()["body"] == "\xffraw"
    assert answer.json()["headers"]["content-type"] == "text/plain"
    assert answer.json()["headers"]["x-own"] == "ö"


async def test_given_headers_win(client: RestClient) -> None:
    answer = await client.request("POST", "/", json=1, headers={"content-type": "application/merge-patch+json"})
    assert answer.json()["headers"]["content-type"] == "application/merge-patch+json"
