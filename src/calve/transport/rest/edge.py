"""The REST edge: an ASGI application compiled from endpoints.

    request ── router ── intake (headers, path, query, body) ── handle ── answer            unary.py, stream.py
                  │          │                                    │
                  └──────────┴── problem document ────────────────┘                         problem.py

Everything that can be known before the first request is worked out in the constructor: routes, codecs, the OpenAPI
document, the docs page. Two operations that claim the same method and path stop the start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from ...contract import Contract, ContractInfo, Endpoint
from ...contract.openapi import openapi
from ...contract.problems import check_members
from ...core.clock import Clock, SystemClock
from ...core.deadline import TimerWheel
from ...core.errors import InternalError
from ...observe import Logger
from .base import AsgiApp, Authenticator, ClientGone, Guests, Page, Receive, Scope, Send, joined
from .exchange import Exchange
from .exchange_asgi import AsgiExchange
from .exchange_direct import DirectExchange
from .http1 import Direct
from .intake import Intake
from .lifespan import refuse_other
from .options import RestOptions
from .pages import PageTarget, RedirectTarget, docs_page, document_page
from .problem import HttpError
from .router import Match, Router
from .stream import StreamTarget
from .unary import UnaryTarget

_PLAIN = "/:@!$&'()*+,;=-._~"
Target = Callable[[Exchange], Awaitable[None]]


class RestEdge:
    """An ASGI application that serves the operations that have an HTTP rule.

    Args:
        endpoints: Operations, hosted here or elsewhere; those without a rule are left out.
        title: Name of the application, for the OpenAPI document.
        version: Its version.
        description: Markdown at the head of the document.
        options: Limits and habits.
        authenticate: Finds the principal of a request; None means that there never is one.
        pages: Extra GET pages by path, such as `/health/live`.
        guests: Get what neither an operation nor a page claims, and WebSockets.
        amend: Makes the OpenAPI document that is shown out of that of the operations.
        clock: Monotonic time.
    Raises:
        ConfigError: two claim the same method and path, or a domain error cannot be told as a problem.
    """

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        *,
        title: str,
        version: str,
        description: str = "",
        options: RestOptions | None = None,
        authenticate: Authenticator | None = None,
        pages: Mapping[str, Page] | None = None,
        guests: Guests | None = None,
        amend: Callable[[dict[str, Any]], dict[str, Any]] = lambda document: document,
        clock: Clock | None = None,
    ) -> None:
        self._options = options or RestOptions()
        self._clock = clock or SystemClock()
        self._guests = guests
        self._log = Logger("calve.rest")
        self._router: Router[Target] = Router()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wheel: TimerWheel
        served = [endpoint for endpoint in endpoints if endpoint.operation.http is not None]
        for endpoint in served:
            self._add(endpoint, authenticate)
        for path, page in (pages or {}).items():
            self._router.add("GET", path, PageTarget(page), f"the page {path}")
        self.document = amend(openapi(_contracts(served), title=title, version=version, description=description))
        """The OpenAPI document, as /openapi.json shows it."""
        if self._options.docs:
            self._router.add("GET", "/openapi.json", document_page(self.document), "the OpenAPI document")
            self._router.add("GET", "/docs", docs_page(self.document), "the documentation")
            if self._router.find("/") is None and (guests is None or guests.find("/") is None):
                self._router.add("GET", "/", RedirectTarget("docs"), "the documentation")

    def _add(self, endpoint: Endpoint, authenticate: Authenticator | None) -> None:
        operation = endpoint.operation
        assert operation.http is not None
        check_members(operation)
        intake = Intake(endpoint, self._options, authenticate, self._clock)
        target: Target
        if operation.streaming:
            target = StreamTarget(endpoint, intake, self._options, self._clock, self._log)
        else:
            target = UnaryTarget(endpoint, intake, self._log)
        self._router.add(operation.http.method, operation.http.path, target, f"{endpoint.service}.{operation.name}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection: a request, the lifespan protocol, or a WebSocket, which only guests have."""
        if scope["type"] != "http":
            guest = self._guests.find(scope["path"]) if self._guests and scope["type"] == "websocket" else None
            await (guest or refuse_other)(scope, receive, send)
            return
        raw: bytes = scope.get("raw_path") or quote(scope["path"], safe=_PLAIN).encode("ascii")
        raw = raw.removeprefix(scope.get("root_path", "").encode("utf-8"))
        if self._guests is not None and (guest := self._guest(scope["method"], raw)) is not None:
            await guest(scope, receive, send)
            return
        exchange = AsgiExchange(scope, receive, send, self._timers(), asyncio.get_running_loop(), self._options)
        exchange.headers = joined(scope["headers"])
        await self._serve(exchange, raw)

    def direct(self, request: Direct) -> Awaitable[None]:
        """Serve one request of our own server."""
        if self._guests is not None and (guest := self._guest(request.method, request.raw_path)) is not None:
            return guest(request.scope(), request.receive, request.send)
        exchange, raw = DirectExchange(request, self._timers(), self._options), request.raw_path
        try:
            match = self._find(exchange, raw)
        except HttpError as error:
            return exchange.refuse(error)
        target = match.resource.methods.get(exchange.method)
        if isinstance(target, UnaryTarget):  # most requests; it refuses by itself whatever there is to refuse
            exchange.values = match.values
            return target(exchange)
        return self._serve(exchange, raw)

    def _timers(self) -> TimerWheel:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # an application may be served by another loop than the one it was made on
            self._loop, self._wheel = loop, TimerWheel(loop, self._clock.monotonic)
        return self._wheel

    async def _serve(self, exchange: Exchange, raw: bytes) -> None:
        try:
            match = self._find(exchange, raw)
            target = match.resource.methods.get(exchange.method)
            exchange.values = match.values
            await (target or self._other_method(match))(exchange)
        except HttpError as error:
            await exchange.refuse(error)
        except ClientGone:
            pass
        except Exception as error:  # noqa: BLE001  (the last line of defence: no client ever sees a traceback)
            self._log.exception("request failed", error=error, path=raw.decode("latin-1"))
            await exchange.refuse(InternalError("unexpected"))

    def _guest(self, method: str, raw: bytes) -> AsgiApp | None:
        """Who serves what is no request for an operation or page; None when it is one, or is to be refused here."""
        assert self._guests is not None
        try:
            match = self._router.find_raw(raw)
        except UnicodeDecodeError:
            match = None
        if match is not None and (method in match.resource.methods or method == "OPTIONS"):
            return None
        return self._guests.find(unquote_to_bytes(raw).decode("utf-8", "replace"))

    def _find(self, exchange: Exchange, raw: bytes) -> Match[Target]:
        limit = self._options.query_bytes_max
        if len(raw) > limit or len(exchange.query) > limit:
            raise HttpError(414, "uri_too_long", f"the path or the query string is longer than {limit} bytes")
        try:
            match = self._router.find_raw(raw)
        except UnicodeDecodeError as error:
            raise HttpError(400, "invalid_argument", f"the path is not UTF-8: {error.reason}") from error
        if match is None:
            hint = "; /docs lists what there is" if self._options.docs else ""
            raise HttpError(404, "not_found", f"there is nothing at this path{hint}")
        limit = self._options.header_bytes_max
        if exchange.header_bytes > limit:
            raise HttpError(431, "headers_too_large", f"the headers are larger than {limit} bytes")
        return match

    def _other_method(self, match: Match[Target]) -> Target:
        allow = (b"allow", match.resource.allow)

        async def answer(exchange: Exchange) -> None:
            if exchange.method != "OPTIONS":
                raise HttpError(405, "method_not_allowed", f"{exchange.method} is not allowed here", allow)
            await exchange.answer(204, (allow,), b"")

        return answer


def _contracts(endpoints: Iterable[Endpoint]) -> list[tuple[str, ContractInfo]]:
    """The endpoints put back together by service, in the order they came."""
    operations: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operations.setdefault(endpoint.service, {})[endpoint.operation.name] = endpoint.operation
    contracts = []
    anonymous: Any = Contract  # endpoints know the description of their contract, not its class
    for service, by_name in operations.items():
        first = next(iter(by_name.values()))
        info = ContractInfo(anonymous, first.contract, first.version, first.contract_doc, by_name, ())
        contracts.append((service, info))
    return contracts
