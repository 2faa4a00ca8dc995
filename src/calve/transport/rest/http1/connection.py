"""One client's connection: bytes to requests, requests one by one to the application, answers back in their order.

    bytes ──> parser ──> arriving ──> waiting (a few) ──> current ──answered──> the next one, idle, or the end
                │           │
                └── broken ─┴──> what came before is answered, then 400 or the like, then the end

The end: nothing is read any more and the connection closes; if its client is still sending, what it sends is thrown
away for a moment, so that it gets to read its answer.

`due` is when something has taken too long, in ticks of the server (about a second each); what it was depends on the
state: a head that does not arrive, silence in a body, an idle connection, an answer that is not taken.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, cast

import httptools

from ....core.errors import CallError, InternalError, Unavailable
from ..problem import HttpError, encode_problem, problem_of
from .heads import whole_problem
from .hub import Hub
from .parsing import Head, HeadReader, Refused
from .request import Request

NEVER = 1 << 62
_SLICE = 16 << 10
"""Bytes that are parsed at once, so that many small requests in one read are not all taken up before the first."""
_ASGI = {"version": "3.0", "spec_version": "2.4"}


class Http1Connection(HeadReader, asyncio.Protocol):
    """See the module. Its methods `on_*` are called by the parser."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub.options)
        self.hub = hub
        self.due = NEVER
        self.clogged = False
        """Whether the client does not take what is written."""
        self._transport: asyncio.Transport
        self.ends: dict[str, Any] = {}
        """What the scopes of all its requests say."""
        self._arriving: Request | None = None
        self._current: Request | None = None
        self._waiting: deque[Request] = deque()
        self._held = bytearray()
        """What came and is not parsed yet."""
        self._paused = False
        self._deaf = False
        """Whether what comes is thrown away."""
        self._unsent = NEVER
        """Bytes that were still to be sent when the client was last found to take too long."""
        self._ending = False
        """Whether we have said all, and wait for the client to hang up."""
        self._refusal: HttpError | None = None
        """What the client is told when everything before has been answered."""
        self._writable: list[asyncio.Future[None]] = []

    # From the transport --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = cast(asyncio.Transport, transport)
        server, client = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        self.ends = {
            "type": "http",
            "asgi": _ASGI,
            "scheme": "http",
            "server": server[:2] if server else None,
            "client": client[:2] if client else None,
            "root_path": "",
        }
        # One that was accepted just before the server stopped: what it asks at once is answered.
        self.due = self.hub.tick + (2 if self.hub.draining else self.hub.options.head_seconds)
        self.hub.enter(self)
        if len(self.hub.connections) > self.hub.options.connections_max:
            self._refuse(
                HttpError(503, "too_many_connections", "this server has too many connections; come back later")
            )

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, or we have hung up."""
        self._deaf, self.due = True, NEVER
        self._waiting.clear()
        self._held.clear()
        for request in (self._current, self._arriving):
            if request is not None:
                request.lost()
        self._current = self._arriving = None
        self.resume_writing()
        self._parser = None  # refers to this object, which nobody else does any more
        self.hub.leave(self)

    def pause_writing(self) -> None:
        """The client does not take what it asked for."""
        self.clogged, self._unsent = True, NEVER
        self.due = self.hub.tick + self.hub.options.write_seconds

    def resume_writing(self) -> None:
        """It has caught up."""
        self.clogged = False
        self._watch_body()
        waiting, self._writable = self._writable, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    def data_received(self, data: bytes) -> None:
        """The client has sent something."""
        if self._deaf:
            return
        if self._held or len(data) > _SLICE:
            self._held += data
            self._go_on()
        else:
            self._feed(data)
            if self._held:
                self._go_on()

    def _feed(self, data: bytes) -> None:
        was_in_head = self._in_head
        try:
            self._parse(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except (httptools.HttpParserError, Refused) as error:
            self._broken(error)
        if self._in_head and not was_in_head and self._current is None and not self._deaf:
            self.due = self.hub.tick + self.hub.options.head_seconds
        if self._current is None:
            self._next()
        if (self._waiting or self._arriving is not None) and self._crowded():
            self._pause()

    def _crowded(self) -> bool:
        """Whether enough has been read ahead."""
        arriving = self._arriving
        return len(self._waiting) >= self.hub.options.pipelined_max or (
            arriving is not None and arriving.buffered > self.hub.options.body_bytes_buffered
        )

    def _go_on(self) -> None:
        """Parse what was held back, as long as there is room for it."""
        held = self._held
        while held and not self._deaf and not self._crowded():
            piece = bytes(held[:_SLICE])
            del held[:_SLICE]
            self._feed(piece)
        if held:
            self._pause()
        elif self._paused and not self._crowded():
            self._paused = False
            self._transport.resume_reading()
            self._watch_body()

    def _pause(self) -> None:
        if not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()
            self._watch_body()

    def _watch_body(self) -> None:
        if self._current is not None and not self.clogged:
            self.due = self._body_due(self._current)

    def read_on(self) -> None:
        """The application has taken a piece of the body, or an answer has made room."""
        if self._paused and not self._deaf:
            self._go_on()

    # From the parser -----------------------------------------------------------------------------------------------

    def on_head(self, head: Head) -> None:
        """A request is there, up to its body."""
        self._arriving = Request(self, head)
        self._waiting.append(self._arriving)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if self._arriving is not None:
            self._arriving.arrived(body)
            if self._current is not None:
                self._watch_body()

    def _body_due(self, request: Request) -> int:
        """When the next piece of a body has to be there; never if that is not up to the client."""
        return NEVER if request.complete or self._paused else self.hub.tick + self.hub.options.body_seconds

    def on_message_complete(self) -> None:
        """A request is complete."""
        request, self._arriving = self._arriving, None
        if request is not None:
            request.completed()
            if self._current is not None:
                self._watch_body()

    def _upgrade(self, rest: bytes) -> None:
        """The client would like to speak something else: a WebSocket if those are served.

        Anything else is answered in HTTP, as if it had not been asked for. The parser takes what follows the head for
        the other protocol, so it reads the request once more, without the wish.
        """
        request = self._waiting[-1]
        begin, alone = self.hub.websocket, self._current is None and len(self._waiting) == 1
        if request.method == "CONNECT":
            self._deaf, request.keep_alive = True, False
        elif begin and alone and begin(self.hub, self._transport, request, rest + bytes(self._held)):
            self._deaf, self._parser = True, None
            self._waiting.clear()
            self.hub.leave(self)
        else:
            self._waiting.pop()
            self._held[:0] = self._without_upgrade() + rest

    def _broken(self, error: Exception) -> None:
        """What came is no HTTP, or more of it than is taken."""
        last = self._waiting[-1] if self._waiting else self._current
        if last is not None and last.complete and not last.keep_alive:
            return  # it was the last one anyway, and is followed by something
        reason = error if isinstance(error, Refused) else error.__context__
        if isinstance(reason, Refused):
            self._refuse(reason.answer)
            return
        if isinstance(error, httptools.HttpParserCallbackError):
            self.hub.log.exception("parsing failed", error=reason)
        self._refuse(HttpError(400, "bad_request", f"this is not HTTP/1.1: {error}"))

    # To the application --------------------------------------------------------------------------------------------

    def _next(self) -> None:
        """Begin with the next request, if there is one and none is being answered."""
        if self._current is not None or self._transport.is_closing():
            return
        if self._waiting:
            request = self._current = self._waiting.popleft()
            self.due = NEVER if request.complete else self._body_due(request)
            request.task = self.hub.begin(self._run(request))
        elif self._refusal is not None:
            refusal, self._refusal = self._refusal, None
            self.write(whole_problem(refusal, self.hub.date))
            self._end(lingering=True)

    async def _run(self, request: Request) -> None:
        direct = self.hub.direct
        try:
            if direct is not None:
                await direct(request)
            else:
                await self.hub.app(request.scope(), request.receive, request.send)
            if not request.answered and not request.gone:
                raise RuntimeError("the application returned before its answer was complete")
        except Exception as error:
            if not request.gone:
                self.hub.log.exception("request failed", error=error, path=request.raw_path.decode("ascii"))
                self._fail(request, InternalError("unexpected"))
        except asyncio.CancelledError:
            self._fail(request, Unavailable("this server is stopping", may_have_run=True))
            raise
        finally:
            self.hub.ended(request.task)
            request.task = request.on_gone = None

    def _fail(self, request: Request, error: CallError) -> None:
        """Answer for an application that did not; a client must see that an answer which has begun is not complete."""
        if request.gone or request.answered:
            return
        if request.begun:
            self.abort()
            return
        request.restart()
        status, content_type, body = encode_problem(problem_of(error))
        request.answer(status, ((b"content-type", content_type.encode()),), body)

    def write(self, data: bytes) -> None:
        """Send bytes; a no-op when the connection is ending."""
        if not self._transport.is_closing():
            self._transport.write(data)

    async def until_writable(self) -> None:
        """Wait until the client has taken what was written, or is gone."""
        if self.clogged:
            waiter = self.hub.loop.create_future()
            self._writable.append(waiter)
            await waiter

    def answered(self, request: Request) -> None:
        """The current request has its answer."""
        if request is not self._current:
            return
        self._current = None
        hub = self.hub
        if not request.keep_alive:
            self._end(lingering=not request.complete)
        elif self._waiting or self._refusal is not None:
            hub.loop.call_soon(self._next)
        elif hub.draining and not self._in_head:
            self._end()
        else:
            self.due = hub.tick + (hub.options.head_seconds if self._in_head else hub.options.keep_alive_seconds)
        if self._paused:
            hub.loop.call_soon(self.read_on)

    # The end -------------------------------------------------------------------------------------------------------

    def _refuse(self, error: HttpError) -> None:
        """Read no further, answer what came before, then say why."""
        self._deaf = True
        self._refusal = error
        broken, self._arriving = self._arriving, None
        if broken is not None and broken is self._current:
            self._current = None
            if broken.begun:
                self.abort()
            broken.lost()
        elif broken is not None:
            self._waiting.pop()
        self._next()

    def _end(self, *, lingering: bool = False) -> None:
        self._deaf = True
        self._waiting.clear()
        self._held.clear()
        transport, options, self._unsent = self._transport, self.hub.options, NEVER
        if transport.is_closing():
            return
        if lingering and transport.can_write_eof():
            transport.write_eof()
            self._ending = True
            self.due = self.hub.tick + options.linger_seconds
            transport.resume_reading()
        else:
            transport.close()
            self.due = self.hub.tick + options.write_seconds

    def abort(self) -> None:
        """Hang up at once; what was written may not arrive."""
        self._transport.abort()

    def expire(self) -> None:
        """It has taken too long."""
        hub, unsent = self.hub, self._transport.get_write_buffer_size()
        ending = self._ending or self._transport.is_closing()
        if (self.clogged or ending) and 0 < unsent < self._unsent:
            self._unsent, self.due = unsent, hub.tick + hub.options.write_seconds  # slow, but it takes its answer
        elif self.clogged or ending:
            self.abort()
        elif self._current is not None or self._in_head:
            self._refuse(HttpError(408, "request_timeout", "the request did not arrive in time"))
        else:
            self._end()

    def drain(self) -> None:
        """The server stops: hang up now if nothing is being asked or answered, else after the answer."""
        if self._current is None and not self._waiting and not self._deaf and not self._in_head:
            self._end()
