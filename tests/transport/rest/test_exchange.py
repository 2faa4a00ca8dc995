"""An exchange leaves nothing behind: no tasks, no timers, nothing for the garbage collector."""

from __future__ import annotations

import asyncio
import gc
import logging
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
