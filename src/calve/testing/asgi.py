"""Calling an ASGI application without sockets: what a test of a REST edge, or of an application of one's own, needs.

    client = AsgiClient(edge)
    answer = await client.request("POST", "/wallets/7/debits", json={"cents": 5})
    assert answer.status == 200 and answer.json() == {...}

    call = client.start("GET", "/wallets/7/history")       # one that takes its time
    await call.part()                                      # the next piece of its body
    call.disconnect()                                      # the client goes away

Nothing here opens a socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec

App = Callable[[Any, Any, Any], Awaitable[None]]


class Answer(NamedTuple):
    """A complete answer; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.body)


class AsgiCall:
    """One request in progress; its task is `task`."""

    def __init__(self, app: App, scope: dict[str, Any], parts: Iterable[bytes], complete: bool) -> None:
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        for part in parts:
            self.feed(part)
        if complete:
            self.feed(b"", last=True)
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.scope = scope
        self.task = asyncio.ensure_future(app(scope, self._incoming.get, self._outgoing.put))

    def feed(self, part: bytes, *, last: bool = False) -> None:
        """Another piece of the request's body."""
        self._incoming.put_nowait({"type": "http.request", "body": part, "more_body": not last})

    def disconnect(self) -> None:
        """The client goes away."""
        self._incoming.put_nowait({"type": "http.disconnect"})

    async def event(self) -> dict[str, Any] | None:
        """The next ASGI message of the application; None when it has returned without another one."""
        wanted = asyncio.ensure_future(self._outgoing.get())
        await asyncio.wait({wanted, self.task}, return_when=asyncio.FIRST_COMPLETED)
        if wanted.done() or not self._outgoing.empty():
            return await wanted
        wanted.cancel()
        await asyncio.wait({wanted})
        self.task.result()
        return None

    async def part(self) -> bytes | None:
        """The next piece of the body; None when there is none any more."""
        while (event := await self.event()) is not None:
            if event["type"] == "http.response.body":
                body: bytes = event.get("body", b"")
                return body
        return None

    async def answer(self) -> Answer:
        """Everything the application sends until it returns."""
        status, headers, body = 0, dict[str, str](), b""
        while (event := await self.event()) is not None:
            if event["type"] == "http.response.start":
                status = event["status"]
                headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in event["headers"]}
            body += event.get("body", b"")
        return Answer(status, headers, body)


class AsgiClient:
    """Makes requests of one application."""

    def __init__(self, app: App) -> None:
        self._app = app

    def start(
        self,
        method: str,
        target: str,
        *,
        json: Any = msgspec.UNSET,
        body: bytes | Iterable[bytes] = b"",
        headers: Mapping[str, str] | None = None,
        complete: bool = True,
    ) -> AsgiCall:
        """Begin a request.

        Args:
            method: Upper case.
            target: Path and query string as they would be on the network.
            json: Value of the body.
            body: The body itself, or its pieces.
            headers: More of them; given ones win over those that are added for a body.
            complete: Whether the body ends; False leaves the application waiting for more.
        """
        given = {name.lower(): value for name, value in (headers or {}).items()}
        if json is not msgspec.UNSET:
            body = msgspec.json.encode(json)
            given = {"content-type": "application/json", "content-length": str(len(body))} | given
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path, errors="replace"),
            "raw_path": path.encode("utf-8"),
            "query_string": query.encode("utf-8"),
            "root_path": "",
            "headers": [(n.encode("latin-1"), v.encode("latin-1")) for n, v in given.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        parts = [body] if isinstance(body, bytes) and body else [] if isinstance(body, bytes) else body
        return AsgiCall(self._app, scope, parts, complete)

    async def request(self, method: str, target: str, **options: Any) -> Answer:
        """Make a request and wait for the whole answer; options as for `start`."""
        return await self.start(method, target, **options).answer()
