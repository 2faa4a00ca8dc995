"""Streaming operations over HTTP: server-sent events, or lines of JSON for clients that ask for `application/x-ndjson`.

    text/event-stream                       application/x-ndjson
    data: {"n":1}                           {"item":{"n":1}}               an item
    :                                       (an empty line)                keep-alive
    event: end    data: {}                  {"end":true}                   the last item has been sent
    event: error  data: {problem}           {"error":{problem}}            the stream broke off

A stream without one of the last two was cut off on its way. An error before the first item is an ordinary problem with
its own status, so headers wait for the first item, though not for long. (A browser's EventSource connects again after
the end unless the page closes it on `end`.)
"""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import CancelledError
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from ...contract import DomainError, Endpoint
from ...core.clock import Clock
from ...core.codec import enc_hook
from ...core.context import CallContext
from ...core.deadline import Timer
from ...core.errors import CallError, InternalError, InvalidArgument
from ...observe import Logger
from .base import ClientGone
from .exchange import NO_STORE, NOSNIFF, Exchange
from .intake import Intake
from .options import RestOptions
from .problem import HttpError, domain_problem_of, encode_problem, problem_of
from .unary import stopping, trace_id_of


class Form(NamedTuple):
    """How a stream is written; of an item and an error, what goes before and after."""

    content_type: bytes
    item: tuple[bytes, bytes]
    end: bytes
    error: tuple[bytes, bytes]
    idle: bytes


EVENTS = Form(
    b"text/event-stream",
    (b"data: ", b"\n\n"),
    b"event: end\ndata: {}\n\n",
    (b"event: error\ndata: ", b"\n\n"),
    b":\n\n",
)
LINES = Form(b"application/x-ndjson", (b'{"item":', b"}\n"), b'{"end":true}\n', (b'{"error":', b"}\n"), b"\n")


class StreamTarget:
    """Serves one streaming operation."""

    def __init__(self, endpoint: Endpoint, intake: Intake, options: RestOptions, clock: Clock, log: Logger) -> None:
        assert endpoint.stream is not None, "a streaming endpoint has a stream handler"
        assert endpoint.operation.http is not None
        self._service, self._operation, self._stream = endpoint.service, endpoint.operation, endpoint.stream
        self._intake, self._options, self._monotonic, self._log = intake, options, clock.monotonic, log
        self._status = endpoint.operation.http.status

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request; raises only what is no answer (ClientGone, cancellation)."""
        form = LINES if b"application/x-ndjson" in exchange.headers.get(b"accept", b"") else EVENTS
        context: CallContext | None = None
        writer = Writer(exchange, self._status, form, self._options, self._monotonic)
        try:
            context, request = await self._intake.take(exchange)
            if exchange.head:  # the headers of a stream are known without running the operation
                await exchange.answer(self._status, writer.headers(), b"", sized=False)
            else:
                await self._pump(context, request, writer)
        except CancelledError:
            if exchange.gone:
                return
            await self._tell(exchange, writer, stopping(self._service), None)
            raise
        except (DomainError, CallError, HttpError) as error:
            await self._tell(exchange, writer, error, trace_id_of(context))
        finally:
            exchange.close()

    async def _tell(
        self, exchange: Exchange, writer: Writer, error: DomainError | CallError | HttpError, trace_id: str | None
    ) -> None:
        """Send an error: as the last message of a stream that has begun, else as an answer of its own."""
        if isinstance(error, DomainError):
            problem = domain_problem_of(self._service, error)
        else:
            problem = problem_of(error, trace_id)
        if writer.started:
            await writer.error(problem)
        elif isinstance(error, DomainError):
            await exchange.answer_with(encode_problem(problem), NO_STORE)
        else:
            await exchange.refuse(error, trace_id)

    async def _pump(self, context: CallContext, request: Any, writer: Writer) -> None:
        """Run the operation and write what it gives."""
        items = self._stream(context, request)
        writer.begin()
        try:
            async for item in items:
                await writer.item(self._encode(item))
            await writer.end()
        finally:
            writer.close()
            if hasattr(items, "aclose"):
                await items.aclose()

    def _encode(self, item: Any) -> bytes:
        try:
            return self._operation.response_codec.encode_json(item)
        except InvalidArgument as error:
            name = f"{self._service}.{self._operation.name}"
            self._log.error("item does not fit its declared type", error=error, operation=name)
            raise InternalError(f"{name} gave an item that is not of its type") from error


class Writer:
    """Writes one stream and keeps it alive. Writing never overlaps: the sign of life comes from a task of its own."""

    def __init__(
        self, exchange: Exchange, status: int, form: Form, options: RestOptions, monotonic: Callable[[], float]
    ) -> None:
        self._send, self._wheel, self._status = exchange.send, exchange.wheel, status
        self._form, self._options, self._monotonic = form, options, monotonic
        self._lock = asyncio.Lock()
        self._timer: Timer | None = None
        self._idle: asyncio.Task[None] | None = None
        self._last = monotonic()
        self.started = False
        """Whether the headers have been sent, so that errors must go into the stream."""

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Headers of the answer; the last one keeps nginx from collecting it first."""
        return [(b"content-type", self._form.content_type), NO_STORE, NOSNIFF, (b"x-accel-buffering", b"no")]

    def begin(self) -> None:
        """Start the clock: headers after a short silence, then a sign of life after every long one."""
        self._timer = self._wheel.arm(self._last + self._options.stream_silence_seconds, self._tick)

    async def item(self, encoded: bytes) -> None:
        """Write one item."""
        before, after = self._form.item
        await self._write(before + encoded + after)

    async def end(self) -> None:
        """Write that the stream is complete."""
        await self._write(self._form.end, last=True)

    async def error(self, problem: dict[str, Any]) -> None:
        """Write why the stream breaks off."""
        before, after = self._form.error
        await self._write(before + msgspec.json.encode(problem, enc_hook=enc_hook) + after, last=True)

    def close(self) -> None:
        """No more signs of life."""
        if self._timer is not None:
            self._timer.disarm()
        if self._idle is not None:
            self._idle.cancel()
        self._timer = self._idle = None  # see Exchange.close

    async def _write(self, data: bytes, *, last: bool = False) -> None:
        async with self._lock:
            try:
                if not self.started:
                    self.started = True
                    await self._send({"type": "http.response.start", "status": self._status, "headers": self.headers()})
                await self._send({"type": "http.response.body", "body": data, "more_body": not last})
            except OSError as error:  # what servers raise when nobody listens any more
                raise ClientGone from error
            self._last = self._monotonic()

    def _tick(self) -> None:
        due = self._last + self._options.keep_alive_seconds
        if not self.started or self._monotonic() >= due:
            self._idle = asyncio.get_running_loop().create_task(self._sign_of_life())
            due = self._monotonic() + self._options.keep_alive_seconds
        self._timer = self._wheel.arm(due, self._tick)

    async def _sign_of_life(self) -> None:
        with contextlib.suppress(ClientGone):  # the call's own task learns it by itself
            await self._write(self._form.idle)
