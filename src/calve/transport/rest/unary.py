"""One request, one answer: how the REST edge serves an operation that does not stream.

Answers to a GET whose type has a field `version` carry `ETag: W/"<version>"`, and a client that has that version
(`If-None-Match`) gets 304 without the body. The tag is weak: the content means the same, not every byte is the same.

The answer that a command gave when it ran before under the same idempotency key has `Idempotency-Replayed: true`.
"""

from __future__ import annotations

from asyncio import CancelledError
from typing import Any
from urllib.parse import quote

from ...contract import DomainError, Endpoint
from ...contract.binding import bind
from ...core.context import CallContext
from ...core.errors import CallError, InternalError, InvalidArgument, Unavailable
from ...core.idempotency import REPLAYED
from ...observe import Logger
from .base import RawHeader
from .exchange import JSON, NO_STORE, NOSNIFF, Exchange
from .intake import Intake
from .problem import HttpError, domain_problem_of, encode_problem

_NO_CACHE: RawHeader = (b"cache-control", b"no-cache")
_REPEATED: RawHeader = (b"idempotency-replayed", b"true")
_HEADERS = JSON, NOSNIFF, NO_STORE
_EMPTY = (NO_STORE,)


class UnaryTarget:
    """Serves one operation."""

    def __init__(self, endpoint: Endpoint, intake: Intake, log: Logger) -> None:
        operation = endpoint.operation
        assert operation.http is not None
        self._service, self._operation, self._handle = endpoint.service, operation, endpoint.handle
        self._intake, self._log = intake, log
        self._status = operation.http.status
        self._empty = operation.response in (None, type(None)) or self._status in (204, 205)
        self._versioned = bind(operation).versioned

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request; raises only what is no answer (ClientGone, cancellation)."""
        context: CallContext | None = None
        try:
            taken = self._intake.take_now(exchange) or await self._intake.take(exchange)
            context, request = taken
            answer = await self._handle(context, request)
            exchange.close()
            extra = (_REPEATED,) if context.mark is REPLAYED else ()
            if self._empty:
                await exchange.answer(self._status, (*_EMPTY, *extra), b"")
            elif self._versioned:
                await self._answer_versioned(exchange, answer, self._encode(answer), extra)
            else:
                headers = (*_HEADERS, *extra) if extra else _HEADERS
                await exchange.answer(self._status, headers, self._encode(answer))
        except CancelledError:
            if exchange.gone:
                return
            await exchange.refuse(stopping(self._service))
            raise
        except DomainError as error:
            assert context is not None, "only operations raise it"
            extra = (_REPEATED,) if context.mark is REPLAYED else ()
            problem = domain_problem_of(self._service, self._declared(error))
            await exchange.answer_with(encode_problem(problem), NO_STORE, *extra)
        except (CallError, HttpError) as error:
            await exchange.refuse(error, trace_id_of(context))
        finally:
            exchange.close()

    def _encode(self, answer: Any) -> bytes:
        """The answer as JSON, through its declared type: what any other caller would get, and no more."""
        try:
            return self._operation.response_codec.encode_json(answer)
        except InvalidArgument as error:
            name = f"{self._service}.{self._operation.name}"
            self._log.error("answer does not fit its declared type", error=error, operation=name)
            raise InternalError(f"{name} gave an answer that is not of its type") from error

    async def _answer_versioned(
        self, exchange: Exchange, answer: Any, body: bytes, extra: tuple[RawHeader, ...]
    ) -> None:
        tag = entity_tag(answer.version)
        headers = [_NO_CACHE, (b"etag", tag), *extra]
        if _matches(exchange.headers.get(b"if-none-match"), tag):
            await exchange.answer(304, headers, b"")
        else:
            await exchange.answer(self._status, [JSON, NOSNIFF, *headers], body)

    def _declared(self, error: DomainError) -> DomainError:
        assert type(error) in self._operation.raises, (
            f"{type(error).__name__} is not declared; handles must not raise it"
        )
        return error


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
