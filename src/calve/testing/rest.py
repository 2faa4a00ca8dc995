"""HTTP for tests, with and without sockets: the same requests to an ASGI application in this process and to a URL.

    response = await app.rest.request("POST", "/wallets/1/debits", json={"cents": 5}, headers={"idempotency-key": "k1"})
    assert (response.status, response.json()) == (200, {"cents": 95})

The whole answer is read before `request` returns, that of a stream, too.
"""

from __future__ import annotations

import asyncio
import http.client
import json as json_module
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

import msgspec

Event = MutableMapping[str, Any]
AsgiApp = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Event]], Callable[[Event], Awaitable[None]]], Awaitable[None]
]

TIMEOUT_SECONDS = 60.0
"""How long a request over sockets may be silent; a test that waits so long has failed."""


class RestResponse(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    """Names in lower case; a header that came several times is joined with `, `."""
    body: bytes

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json_module.loads(self.body)


class RestClient(Protocol):
    """Something that makes HTTP requests."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RestResponse:
        """Make one request.

        Args:
            method: Such as `GET`.
            path: Percent-encoded, with the query string.
            json: Sent as JSON; messages, UUIDs, dates and the like are allowed inside. None sends nothing.
            body: Sent as it is; with a content type of JSON unless `headers` say otherwise.
            headers: More headers, or others.
        """
        ...


class AsgiRest:
    """Requests to an ASGI application in this process.

    Args:
        app: The application.
    """

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RestResponse:
        """See `RestClient.request`."""
        content, sent = _content(json, body, headers)
        raw, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(raw),
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in sent.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        received: asyncio.Queue[Event] = asyncio.Queue()
        received.put_nowait({"type": "http.request", "body": content, "more_body": False})
        events: list[Event] = []

        async def send(event: Event) -> None:
            events.append(event)

        # In a task of its own, as a server runs it: the application may cancel it.
        await asyncio.create_task(_run(self._app, scope, received.get, send))
        start = events[0]
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
        return RestResponse(start["status"], _joined(pairs), b"".join(e.get("body", b"") for e in events[1:]))


class HttpRest:
    """Requests to a server.

    Args:
        url: Such as `http://127.0.0.1:8000`.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RestResponse:
        """See `RestClient.request`."""
        content, sent = _content(json, body, headers)
        return await asyncio.to_thread(self._exchange, method, path, content, sent)

    def _exchange(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> RestResponse:
        where = urlsplit(self.url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True, skip_host="host" in headers)
            for name, value in headers.items():
                connection.putheader(name, value.encode("latin-1"))
            connection.endheaders(content or None)
            response = connection.getresponse()
            return RestResponse(response.status, _joined(response.getheaders()), response.read())
        finally:
            connection.close()


async def _run(
    app: AsgiApp,
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Event]],
    send: Callable[[Event], Awaitable[None]],
) -> None:
    await app(scope, receive, send)


def _content(json: Any, body: bytes | None, headers: Mapping[str, str] | None) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a request; names in lower case."""
    content = body if body is not None else b"" if json is None else msgspec.json.encode(json)
    sent = {"host": "127.0.0.1"}
    if json is not None or body is not None:
        sent |= {"content-type": "application/json", "content-length": str(len(content))}
    return content, sent | {name.lower(): value for name, value in (headers or {}).items()}


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        lower = name.lower()
        joined[lower] = f"{joined[lower]}, {value}" if lower in joined else value
    return joined
