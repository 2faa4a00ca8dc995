"""HTTP for tests: the same requests to an application in this process (`AsgiClient`) and to a server (`HttpClient`).

    answer = await app.rest.request("POST", "/wallets/1/debits", json={"cents": 5}, headers={"idempotency-key": "k1"})
    assert (answer.status, answer.json()) == (200, {"cents": 95})

The whole answer is read before `request` returns, that of a stream, too.
"""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from .asgi import Answer

TIMEOUT_SECONDS = 60.0
"""How long a server may be silent; a test that waits so long has failed."""


class RestClient(Protocol):
    """Something that makes HTTP requests."""

    async def request(
        self,
        method: str,
        target: str,
        *,
        json: Any = msgspec.UNSET,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make one request.

        Args:
            method: Such as `GET`.
            target: Path, percent-encoded, with the query string.
            json: Sent as JSON; messages, UUIDs, dates and the like are allowed inside.
            body: Sent as it is.
            headers: More headers; they win over those that `json` adds.
        """
        ...


class HttpClient:
    """Requests to a server, over a connection of their own each.

    Args:
        url: Such as `http://127.0.0.1:8000`.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    async def request(
        self,
        method: str,
        target: str,
        *,
        json: Any = msgspec.UNSET,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """See `RestClient.request`."""
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        if json is not msgspec.UNSET:
            body = msgspec.json.encode(json)
            sent = {"content-type": "application/json"} | sent
        if body:
            sent = {"content-length": str(len(body))} | sent
        return await asyncio.to_thread(self._exchange, method, target, body, sent)

    def _exchange(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        where = urlsplit(self.url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.putrequest(method, target, skip_accept_encoding=True, skip_host="host" in headers)
            for name, value in headers.items():
                connection.putheader(name, value.encode("latin-1"))
            connection.endheaders(body or None)
            response = connection.getresponse()
            joined: dict[str, str] = {}
            for name, value in response.getheaders():
                lower = name.lower()
                joined[lower] = f"{joined[lower]}, {value}" if lower in joined else value
            return Answer(response.status, joined, response.read())
        finally:
            connection.close()
