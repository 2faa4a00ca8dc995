"""One request, one answer: how the REST edge serves an operation that does not stream.

Answers to a GET whose type has a field `version` carry `ETag: W/"<version>"`, and a client that has that version already
(`If-None-Match`) gets 304 without the body. The tag is weak: it says that the content means the same, not that each byte is.
"""

from __future__ import annotations

from asyncio import CancelledError
from typing import Any
from urllib.parse import quote

from ...contract import DomainError, Endpoint
from ...contract.binding import bind
from ...core.clock import Clock
from ...core.context import CallContext
from ...core.deadline import TimerWheel
from ...core.errors import CallError, InternalError, InvalidArgument, Unavailable
from ...observe import Logger
from .base import RawHeaders, Receive, Scope, Send
from .intake import Intake
from .options import RestOptions
from .problem import HttpError, domain_problem_of, encode_problem
from .respond import JSON, NO_STORE, NOSNIFF, RawHeader, send_all, send_problem, send_response
from .watch import Watch


class UnaryTarget:
    """Serves one operation."""

    def __init__(self, endpoint: Endpoint, intake: Intake, options: RestOptions, clock: Clock, log: Logger) -> None:
        operation = endpoint.operation
        assert operation.http is not None
        self._service, self._operation, self._handle = endpoint.service, operation, endpoint.handle
        self._intake, self._options, self._monotonic, self._log = intake, options, clock.monotonic, log
        self._status = operation.http.status
        self._empty = operation.response in (None, type(None)) or self._status in (204, 205)
        self._versioned = bind(operation).versioned

    async def __call__(
        self, scope: Scope, headers: RawHeaders, values: tuple[str, ...], receive: Receive, send: Send, wheel: TimerWheel
    ) -> None:
        """Answer one request; raises only what is no answer (ClientGone, cancellation)."""
        head = scope["method"] == "HEAD"
        context: CallContext | None = None
        try:
            context, request = await self._intake.take(scope, headers, values, receive, wheel)
            watch = Watch(receive, wheel, self._monotonic() + self._options.watch_after_seconds)
            try:
                answer = await self._handle(context, request)
            except CancelledError:
                if watch.gone:
                    return
                await send_problem(send, stopping(self._service), self._options.www_authenticate, head=head)
                raise
            finally:
                watch.close()
            body = b"" if self._empty else self._encode(answer)
        except DomainError as error:
            await self._send_domain_error(send, error, head)
        except (CallError, HttpError) as error:
            await send_problem(send, error, self._options.www_authenticate, head=head, trace_id=trace_id_of(context))
        else:
            await self._send(send, headers, answer, body, head)

    def _encode(self, answer: Any) -> bytes:
        """The answer as JSON, through its declared type, so that REST shows what any other caller would get and no more."""
        codec = self._operation.response_codec
        try:
            return codec.encode_json(codec.copy(answer))
        except InvalidArgument as error:
            self._log.error("answer does not fit its declared type", error=error, operation=self._operation.key)
            raise InternalError(f"{self._service}.{self._operation.name} gave an answer that is not of its type") from error

    async def _send(self, send: Send, headers: RawHeaders, answer: Any, body: bytes, head: bool) -> None:
        if self._empty:
            length_zero = [] if self._status in (204, 205) else [(b"content-length", b"0")]
            await send_all(send, self._status, [NO_STORE, *length_zero], b"")
            return
        cache: RawHeader = NO_STORE
        more: tuple[RawHeader, ...] = ()
        if self._versioned:
            tag = entity_tag(answer.version)
            cache, more = (b"cache-control", b"no-cache"), ((b"etag", tag),)
            if _matches(headers.get(b"if-none-match"), tag):
                await send_all(send, 304, [cache, *more], b"")
                return
        length = (b"content-length", b"%d" % len(body))
        await send_all(send, self._status, [JSON, length, NOSNIFF, cache, *more], b"" if head else body)

    async def _send_domain_error(self, send: Send, error: DomainError, head: bool) -> None:
        if type(error) not in self._operation.raises:
            self._log.error("handler raised a domain error that its operation does not declare", error=error)
            await send_problem(send, InternalError("undeclared"), self._options.www_authenticate, head=head)
            return
        await send_response(send, encode_problem(domain_problem_of(self._service, error)), NO_STORE, head=head)


def entity_tag(version: int | str) -> bytes:
    """The weak entity tag of a version; a text is percent-encoded, so that nothing in it ends the tag."""
    return b'W/"%s"' % quote(str(version), safe="").encode("ascii")


def _matches(condition: bytes | None, tag: bytes) -> bool:
    """Weak comparison of RFC 9110, section 13.1.2."""
    if condition is None:
        return False
    opaque = tag.removeprefix(b"W/")
    return condition.strip() == b"*" or any(t.strip().removeprefix(b"W/") == opaque for t in condition.split(b","))


def stopping(service: str) -> Unavailable:
    """What a client is told whose call is cancelled because this process stops."""
    return Unavailable(f"{service} is stopping", may_have_run=True)


def trace_id_of(context: CallContext | None) -> str | None:
    """The trace id as logs show it, if the call has a trace."""
    trace = context.given_trace if context is not None else None
    return None if trace is None else f"{trace.trace_id:032x}"
