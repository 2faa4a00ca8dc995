"""An exchange leaves nothing behind, and it is the same exchange on our own server as on any other."""

from __future__ import annotations

import asyncio
import gc
import logging
import re
import weakref
from collections.abc import Awaitable
from typing import Any

import pytest

from calve.testing import virtual_time
from calve.transport.rest.http1 import Direct, Http1Options
from calve.transport.rest.http1.hub import Hub

from .http1.conftest import Client

OWNER = "6f1c2a6e-0b7e-4d5e-9c55-5f8f0f6f0a01"
JSON = {"content-type": "application/json"}

REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "an answer": ("GET", "/names/a", {}),
    "an answer to a body": ("POST", "/orders", {"body": b'{"lines":[]}', "headers": JSON}),
    "a page": ("GET", "/docs", {}),
    "an unknown path": ("GET", "/nothing", {}),
    "a bad query": ("GET", "/search", {}),
    "a bad body": ("POST", "/orders", {"body": b"{", "headers": JSON}),
    "a body too large": ("POST", "/orders", {"body": b" " * 2000, "headers": JSON}),
    "a body too slow": ("POST", "/orders", {"body": b"{", "headers": JSON, "complete": False}),
    "a domain error": ("POST", f"/wallets/{OWNER}/debits", {"body": b'{"cents":500}', "headers": JSON}),
    "a failure": ("GET", "/fail", {}),
    "a deadline": ("GET", "/wait", {"headers": {"x-request-timeout": "1"}}),
    "a stream": ("GET", f"/wallets/{OWNER}/history", {}),
    "a domain error before a stream": ("GET", f"/wallets/{OWNER}/history?fail_at=0", {}),
    "a domain error in a stream": ("GET", f"/wallets/{OWNER}/history?fail_at=1", {}),
    "a deadline before a stream": ("GET", "/quiet", {"headers": {"x-request-timeout": "0.5"}}),
    "a deadline in a stream": ("GET", "/quiet", {"headers": {"x-request-timeout": "9"}}),
}


@pytest.mark.parametrize("name", REQUESTS)
@virtual_time
async def test_a_request_leaves_nothing_behind(bank: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # pytest keeps log records, and with the traceback of a failure whatever its frames refer to.
    monkeypatch.setattr(logging.getLogger("tests.transport.rest.conftest"), "disabled", True)
    method, target, options = REQUESTS[name]
    edge = bank.edge(body_bytes_max=1000, body_timeout_seconds=5.0)
    example = bank.client().start(method, target, **options)
    await example.answer()
    parts = [options["body"]] if options.get("body") else []

    class Receive:
        async def __call__(self) -> dict[str, Any]:
            if not parts and not options.get("complete", True):
                await asyncio.Event().wait()
            return {"type": "http.request", "body": parts.pop(), "more_body": not options.get("complete", True)}

    class Send:
        async def __call__(self, event: dict[str, Any]) -> None:
            pass

    receive: Any = Receive()
    send: Any = Send()
    watched = weakref.ref(receive), weakref.ref(send)
    if not parts:  # a client that stays silent
        receive.__class__.__call__ = lambda self: asyncio.Event().wait()
    gc.collect()
    gc.disable()
    try:
        task = asyncio.ensure_future(edge(example.scope, receive, send))
        del receive, send
        await task
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        del task
        assert [reference() for reference in watched] == [None, None]
        assert len(edge._wheel) == 0
    finally:
        gc.enable()


@pytest.mark.parametrize("name", REQUESTS)
@virtual_time
async def test_nor_does_a_request_of_our_own_server(bank: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("tests.transport.rest.conftest"), "disabled", True)
    method, target, options = REQUESTS[name]
    edge = bank.edge(body_bytes_max=1000, body_timeout_seconds=5.0)
    watched: list[weakref.ref[Any]] = []

    def watch(request: Direct) -> Awaitable[None]:
        watched.append(weakref.ref(request))
        answering: Awaitable[None] = edge.direct(request)
        return answering

    hub = Hub(edge, set(), Http1Options(), asyncio.get_running_loop())
    hub.direct = watch
    body: bytes = options.get("body", b"")
    size = len(body) + (0 if options.get("complete", True) else 1)
    lines = {"host": "x", "content-length": str(size)} | options.get("headers", {})
    head = "".join(f"{key}: {value}\r\n" for key, value in lines.items())
    client = Client(hub)
    gc.collect()
    gc.disable()
    try:
        await client.send(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body)
        await asyncio.sleep(60)
        assert client.statuses[0] >= 200
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert [reference() for reference in watched] == [None]
        assert len(edge._wheel) == 0
    finally:
        gc.enable()


POST_ORDER = "POST /orders HTTP/1.1\r\nhost: x\r\n"
POST_JSON = f"{POST_ORDER}content-type: application/json\r\n"
CHUNKED = "transfer-encoding: chunked\r\n\r\n"
RAW: dict[str, str] = {
    "an answer": "GET /names/a HTTP/1.1\r\nhost: x\r\n\r\n",
    "its head": "HEAD /names/a HTTP/1.1\r\nhost: x\r\n\r\n",
    "a path in other letters": "GET /n%61mes/%C3%A9 HTTP/1.1\r\nhost: x\r\n\r\n",
    "a path that is no text": "GET /names/%ff HTTP/1.1\r\nhost: x\r\n\r\n",
    "an unknown path": "GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n",
    "another method": "PUT /orders HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
    "what is allowed": "OPTIONS /orders HTTP/1.1\r\nhost: x\r\n\r\n",
    "a long query": f"GET /search?text={'a' * 9000} HTTP/1.1\r\nhost: x\r\n\r\n",
    "large headers": f"GET /names/a HTTP/1.1\r\nhost: x\r\nx-much: {'a' * 40000}\r\n\r\n",
    "a body": f'{POST_JSON}content-length: 12\r\n\r\n{{"lines":[]}}',
    "chunks": f'{POST_JSON}{CHUNKED}c\r\n{{"lines":[]}}\r\n0\r\n\r\n',
    "no body": f"{POST_ORDER}content-length: 0\r\n\r\n",
    "no body of another type": f"{POST_ORDER}content-type: text/plain\r\ncontent-length: 0\r\n\r\n",
    "a body of no type": f'{POST_ORDER}content-length: 12\r\n\r\n{{"lines":[]}}',
    "a body of another type": f'{POST_ORDER}content-type: text/plain\r\ncontent-length: 12\r\n\r\n{{"lines":[]}}',
    "a compressed body": f"{POST_JSON}content-encoding: gzip\r\ncontent-length: 1\r\n\r\nx",
    "a body too large": f"{POST_JSON}content-length: 2000\r\n\r\n{' ' * 2000}",
    "chunks too large": f"{POST_JSON}{CHUNKED}7d0\r\n{' ' * 2000}\r\n0\r\n\r\n",
    "a bad time": "GET /names/a HTTP/1.1\r\nhost: x\r\nx-request-timeout: soon\r\n\r\n",
    "a page": "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n",
    "a stream": f"GET /wallets/{OWNER}/history HTTP/1.1\r\nhost: x\r\n\r\n",
    "a failure": "GET /fail HTTP/1.1\r\nhost: x\r\n\r\n",
}


@pytest.mark.parametrize("name", RAW)
@virtual_time
async def test_our_own_server_gets_the_answers_that_any_other_gets(
    bank: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("tests.transport.rest.conftest"), "disabled", True)
    edge = bank.edge(authenticate=None, body_bytes_max=1000)
    answers = []
    for app in (edge, lambda scope, receive, send: edge(scope, receive, send)):
        client = Client(Hub(app, set(), Http1Options(), asyncio.get_running_loop()))
        await client.send(RAW[name].encode())
        (answer,) = client.answers(heads=(0,) if RAW[name].startswith("HEAD") else ())
        body = re.sub(rb'"trace_id":"[0-9a-f]+"', b"", answer.body)
        headers = {key: value for key, value in answer.headers.items() if key not in ("date", "content-length")}
        answers.append((answer.status, headers, body, client.over))
    assert answers[0] == answers[1]
