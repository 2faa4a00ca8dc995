"""From an HTTP request to a call: everything an operation needs to know, taken from headers, path, query and body.

Authorization etc.   through the Authenticator         CallContext.principal
X-Request-Timeout    seconds, such as `2.5`            CallContext.deadline; can only shorten the operation's timeout
Idempotency-Key      1 to 255 visible ASCII letters    CallContext.given_key; commands that are deduplicated
traceparent          W3C trace context                 CallContext.given_trace; without a valid one, a new trace
"""

from __future__ import annotations

import re
from asyncio import CancelledError
from typing import Any

from ...contract import Endpoint
from ...core.clock import Clock
from ...core.context import CallContext
from ...core.deadline import NEVER
from .arguments import Arguments, check_json
from .base import Authenticator, ClientGone, Event, Headers, RawHeaders
from .exchange import Exchange
from .options import RestOptions
from .problem import HttpError, Refusal

TIMEOUT_HEADER = "X-Request-Timeout"
KEY_HEADER = "Idempotency-Key"
TIMEOUT_SECONDS_MAX = 86_400.0

_NO_TRACE = ("", "")
_KEY = re.compile(rb"[\x21-\x7e]{1,255}")
_SECONDS = re.compile(rb"\d{1,6}(\.\d{1,6})?")


class Intake:
    """Takes the requests for one operation.

    Args:
        endpoint: The operation.
        options: Limits.
        authenticate: Finds the principal; None means that nobody ever is one.
        clock: Monotonic time, the same as the exchange's.
    """

    def __init__(
        self, endpoint: Endpoint, options: RestOptions, authenticate: Authenticator | None, clock: Clock
    ) -> None:
        operation = endpoint.operation
        self._name = f"{endpoint.service}.{operation.name}"
        self._keyed = operation.deduplicated
        self._arguments = Arguments(operation, options.nesting_max)
        self._options, self._authenticate, self._monotonic = options, authenticate, clock.monotonic

    def take_now(self, exchange: Exchange) -> tuple[CallContext, Any] | None:
        """Take a request that is here as a whole; None if something has to be waited for. Otherwise as `take`."""
        body = b""
        if self._authenticate is not None:
            return None
        if self._arguments.takes_body:
            whole = exchange.whole_body()
            if whole is None:
                return None
            self._check_whole(exchange, whole)
            body = whole
        context = self._context(exchange, self._monotonic())
        exchange.watch(0.0)
        return context, self._arguments.read(exchange.values, exchange.query, body)

    async def take(self, exchange: Exchange) -> tuple[CallContext, Any]:
        """Read one request; from then on its client is watched.

        Returns: the context of the call and the request of the operation.
        Raises: InvalidArgument, Unauthenticated, HttpError; ClientGone when it ends before it is complete.
        """
        context, body = self._context(exchange, self._monotonic()), b""
        if self._authenticate is not None:
            context.principal = await self._authenticate(_readable(exchange.headers))
        now = self._monotonic()
        exchange.watch(now)
        if self._arguments.takes_body:
            body = await self._body(exchange, now)
        return context, self._arguments.read(exchange.values, exchange.query, body)

    def _context(self, exchange: Exchange, now: float) -> CallContext:
        headers = exchange.headers
        deadline, trace, key = NEVER, _NO_TRACE, None
        if b"x-request-timeout" in headers:
            deadline = now + timeout_seconds(headers[b"x-request-timeout"])
        if b"traceparent" in headers:
            state = headers.get(b"tracestate", b"").decode("latin-1")
            trace = headers[b"traceparent"].decode("latin-1"), state
        if self._keyed and b"idempotency-key" in headers:
            key = _key(headers[b"idempotency-key"])
        return CallContext(self._name, deadline, None, trace, key)

    def _check_whole(self, exchange: Exchange, body: bytes) -> None:
        """A body that the server has read to its end is as long as was declared, if its length was."""
        if len(body) > self._options.body_bytes_max:
            raise _too_large(self._options.body_bytes_max)
        if body or b"content-type" in exchange.headers:
            check_json(exchange.headers)

    def _declared(self, exchange: Exchange) -> int | None:
        """The declared length of the body, with which it is too large or of another type at once."""
        length = _content_length(exchange.headers)
        if length is not None and length > self._options.body_bytes_max:
            raise _too_large(self._options.body_bytes_max)
        if length or b"content-type" in exchange.headers:
            check_json(exchange.headers)
        return length

    def _check(self, exchange: Exchange, body: bytes, length: int | None) -> None:
        """What can be said only of a body that is here."""
        if len(body) > self._options.body_bytes_max:
            raise _too_large(self._options.body_bytes_max)
        if body and length is None:
            check_json(exchange.headers)

    async def _body(self, exchange: Exchange, now: float) -> bytes:
        """The whole body, within the limits of size and time."""
        whole = exchange.whole_body()
        if whole is not None:
            self._check_whole(exchange, whole)
            return whole
        length = self._declared(exchange)
        exchange.reading(now + self._options.body_timeout_seconds)
        try:
            event = await exchange.receive()
            body: bytes = event.get("body", b"")
            # Stopping at the declared length spares the round through the server for an empty last piece.
            if event.get("more_body", False) and len(body) != length:
                body = await _rest(exchange, event, length, self._options.body_bytes_max)
        except CancelledError as error:
            if not exchange.slow:
                raise
            raise _too_slow(self._options.body_timeout_seconds) from error
        exchange.read()
        if event["type"] != "http.request":
            raise ClientGone
        self._check(exchange, body, length)
        return body


async def _rest(exchange: Exchange, event: Event, length: int | None, limit: int) -> bytes:
    """Collect a body that comes in pieces; up to one piece more than the limit."""
    chunks = [event.get("body", b"")]
    size = len(chunks[0])
    while event.get("more_body", False) and size != length and size <= limit:
        event = await exchange.receive()
        if event["type"] != "http.request":
            raise ClientGone
        chunks.append(event.get("body", b""))
        size += len(chunks[-1])
    return b"".join(chunks)


def _readable(headers: RawHeaders) -> Headers:
    """Headers as text, the way authenticators want them."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()}


def _content_length(headers: RawHeaders) -> int | None:
    declared = headers.get(b"content-length")
    if declared is None:
        return None
    if not declared.isdigit() or len(declared) > 18:
        raise HttpError(400, "invalid_argument", "Content-Length is not a number of bytes")
    return int(declared)


def _too_large(limit: int) -> HttpError:
    # Closing is the only way to stop a client that is still sending.
    return HttpError(413, "too_large", f"the body is larger than {limit} bytes", (b"connection", b"close"))


def _too_slow(seconds: float) -> HttpError:
    return HttpError(
        408, "request_timeout", f"the body did not arrive within {seconds:g} seconds", (b"connection", b"close")
    )


def timeout_seconds(value: bytes) -> float:
    if _SECONDS.fullmatch(value) is None or not 0 < float(value) <= TIMEOUT_SECONDS_MAX:
        text = f"{TIMEOUT_HEADER} must be seconds above 0 and up to {TIMEOUT_SECONDS_MAX:g}, such as 2.5"
        raise Refusal((TIMEOUT_HEADER, "header", text))
    return float(value)


def _key(value: bytes) -> str:
    if _KEY.fullmatch(value) is None:
        raise Refusal((KEY_HEADER, "header", f"{KEY_HEADER} must be 1 to 255 visible ASCII characters"))
    return value.decode("ascii")
