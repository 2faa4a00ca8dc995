"""GET pages that are no operations: those of the runtime, the OpenAPI document, the documentation."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from .base import Page, RawHeader, Response
from .docs import render
from .exchange import NO_STORE, Exchange


class PageTarget:
    """Serves a page that is made anew for each request."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def __call__(self, exchange: Exchange) -> None:
        """Make the page and send it."""
        await exchange.answer_with(Response(*await self._page()), NO_STORE)


class StaticTarget:
    """Serves the same bytes for ever, with a strong entity tag."""

    def __init__(self, content_type: str, body: bytes, *headers: RawHeader) -> None:
        self._response = Response(200, content_type, body)
        self._tag = b'"%s"' % hashlib.sha256(body).hexdigest()[:32].encode()
        self._headers: tuple[RawHeader, ...] = ((b"etag", self._tag), (b"cache-control", b"no-cache"), *headers)

    async def __call__(self, exchange: Exchange) -> None:
        """Send the bytes, or 304 to who has them."""
        if exchange.headers.get(b"if-none-match") == self._tag:
            await exchange.answer(304, self._headers, b"")
        else:
            await exchange.answer_with(self._response, *self._headers)


class RedirectTarget:
    """Sends the client to another page."""

    def __init__(self, location: str) -> None:
        self._location = location.encode("ascii")

    async def __call__(self, exchange: Exchange) -> None:
        """307: nobody should remember it, the path may get an operation of its own."""
        await exchange.answer(307, ((b"location", self._location), NO_STORE), b"")


def document_page(document: dict[str, Any]) -> StaticTarget:
    """The OpenAPI document. Any origin may read it: it is public, and tools in browsers want to."""
    return StaticTarget(
        "application/json", msgspec.json.format(msgspec.json.encode(document)), (b"access-control-allow-origin", b"*")
    )


def docs_page(document: dict[str, Any]) -> StaticTarget:
    """The documentation of an OpenAPI document as one page that needs nothing else."""
    page = render(document)
    policy = (
        f"default-src 'none'; style-src {page.style_hash}; script-src {page.script_hash}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return StaticTarget(
        "text/html; charset=utf-8",
        page.html,
        (b"content-security-policy", policy.encode("ascii")),
        (b"referrer-policy", b"no-referrer"),
    )
