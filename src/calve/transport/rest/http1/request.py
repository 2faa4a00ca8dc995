"""One request and its answer: what the application is given as `receive` and `send`, or as `Direct`.

read     body arrives ──> pieces ──> receive() … ──> http.disconnect, once it is answered or its client gone
written  head held back until the first piece of the body (its length may be known by then) ──> pieces ──> answered
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Protocol
from urllib.parse import unquote

from ..base import Event, RawHeader, Scope
from .base import Direct
from .heads import BODILESS, CHUNKED, CLOSE, CONTINUE, KEEP_ALIVE, Fields, HeaderLines, status_line
from .parsing import Head

_UNKNOWN = -1
"""Length of a body that is told in another way than by a number."""


class Shared(Protocol):
    """What a request needs to know of the server."""

    lines: HeaderLines
    date: bytes
    parting: bool


class Line(Protocol):
    """What a request needs of its connection."""

    clogged: bool
    """Whether the client does not take what is written."""
    ends: dict[str, Any]
    """What a scope says of the connection."""

    @property
    def hub(self) -> Shared:
        """The server."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    async def until_writable(self) -> None:
        """Wait until it is no longer clogged, or over."""

    def read_on(self) -> None:
        """There is room for more of the body."""

    def answered(self, request: Request) -> None:
        """A request has its answer."""

    def abort(self) -> None:
        """Hang up at once."""


class Request(Direct):
    """Belongs to a connection.

    Args:
        connection: Its own.
        head: What it asks for.
    """

    # Defaults on the class: a request that needs none of them does not pay for them.
    task: asyncio.Task[None] | None = None
    on_gone: Callable[[], None] | None = None
    buffered = 0
    """Bytes of the body that nobody has received yet."""
    complete = False
    """Whether the whole body has arrived."""
    gone = False
    """Whether the client is."""
    begun = answered = False
    """Whether the answer has begun, and ended."""
    _given = False
    """Whether the application has been given the last piece of the body."""
    _start: tuple[int, Fields] | None = None
    _left = 0
    """Bytes of the answer's body that are still to come, or `_UNKNOWN`."""
    _waiter: asyncio.Future[None] | None = None
    _bodiless = False
    """Whether the answer has no body, whatever the application sends."""
    _usual = False
    """Whether nothing of the head asks for an answer in another form than most have."""
    _expects = False
    """Whether the client waits for a word before it sends the body."""

    def __init__(self, connection: Line, head: Head) -> None:
        self._connection = connection
        self.method, self.headers, self.head_bytes = head.method, head.headers, head.size
        self.keep_alive, self._old = head.keep_alive, head.old
        self.raw_path, _, self.query = head.target.partition(b"?")
        self.pieces: list[bytes] = []
        """Of the body, that nobody has received yet."""
        if self.method == "HEAD":
            self._bodiless = True
        elif self.keep_alive and not self._old:
            self._usual = True
        self.fields = fields = head.fields
        if b"expect" in fields and not self._old:
            self._expects = fields[b"expect"].lower() == b"100-continue"

    def scope(self) -> Scope:
        """See `Direct`."""
        path = self.raw_path.decode("ascii")
        return {
            **self._connection.ends,
            "http_version": "1.0" if self._old else "1.1",
            "method": self.method,
            "path": unquote(path) if "%" in path else path,
            "raw_path": self.raw_path,
            "query_string": self.query,
            "headers": self.headers,
        }

    # What the client sends -----------------------------------------------------------------------------------------

    def arrived(self, piece: bytes) -> None:
        """Another piece of the body."""
        self.pieces.append(piece)
        self.buffered += len(piece)
        if self._waiter is not None:
            self._wake()

    def completed(self) -> None:
        """The body is complete."""
        self.complete = True
        if self._waiter is not None:
            self._wake()

    def lost(self) -> None:
        """The client is gone."""
        if not self.gone:
            self.gone = True
            self._wake()
            if self.on_gone is not None and not self.answered:
                self.on_gone()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def whole_body(self) -> bytes | None:
        """See `Direct`."""
        if not self.complete or self.gone:
            return None
        pieces, self.pieces, self.buffered = self.pieces, [], 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def receive(self) -> Event:
        """ASGI's receive: the body in pieces, then `http.disconnect` when there is nobody to answer any more."""
        if self._expects and not (self.complete or self.begun or self.gone):
            self._expects = False
            self._connection.write(CONTINUE)
        while True:
            if self.gone or self.answered:
                return {"type": "http.disconnect"}
            if self.pieces or (self.complete and not self._given):
                self._given = self.complete
                body, self.pieces, self.buffered = b"".join(self.pieces), [], 0
                event = {"type": "http.request", "body": body, "more_body": not self.complete}
                self._connection.read_on()  # more may arrive within this call
                return event
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    # What the client gets ------------------------------------------------------------------------------------------

    async def send(self, event: Event) -> None:
        """ASGI's send. Raises OSError when the client is gone, RuntimeError for what is out of turn."""
        if self.gone:
            raise ConnectionResetError("the client is gone")
        kind = event["type"]
        if kind == "http.response.body":
            last = not event.get("more_body", False)
            self._write(event.get("body", b""), last)
            if not last and self._connection.clogged:
                await self._connection.until_writable()
        elif kind == "http.response.start":
            if self._start is not None or self.begun:
                self._out_of_turn("a second start")
            status_line(event["status"])
            self._start = event["status"], self._connection.hub.lines.fields(event.get("headers", ()))
        else:
            self._out_of_turn(repr(kind))

    def _out_of_turn(self, what: str) -> NoReturn:
        raise RuntimeError(f"the application sent {what}, which cannot be sent now")

    def answer(self, status: int, headers: Sequence[RawHeader], body: bytes, *, sized: bool = True) -> None:
        """See `Direct`."""
        if self.gone:
            raise ConnectionResetError("the client is gone")
        if self.begun or self._start is not None:
            self._out_of_turn("a second answer")
        connection = self._connection
        hub = connection.hub
        fields = hub.lines.remembered(headers)
        if self._usual and fields.plain and self.complete and not hub.parting and status not in BODILESS:
            self.begun = True
            framing = b"content-length: %d\r\n%b\r\n" % (len(body), hub.date)
            connection.write(b"".join((status_line(status), fields.lines, framing, body)))
        else:
            if self._bodiless and sized and fields.length is None:
                fields = fields._replace(length=len(body))
            connection.write(self._begin(status, fields, body, True))
        self._end()

    def restart(self) -> None:
        """Forget the start of an answer of which nothing has been sent yet."""
        assert not self.begun, "nothing has been sent"
        self._start = None

    def _write(self, body: bytes, last: bool) -> None:
        if self.answered:
            self._out_of_turn("more than its answer")
        data: bytes
        if self.begun:
            data = self._piece(body, last)
        else:
            if self._start is None:
                self._out_of_turn("a body before the start of an answer")
            data = self._begin(*self._start, body, last)
        if data:
            self._connection.write(data)
        if last:
            self._end()

    def _begin(self, status: int, fields: Fields, body: bytes, last: bool) -> bytes:
        """The head and the first piece of the body."""
        hub, length, framing = self._connection.hub, fields.length, b""
        self.keep_alive = keep_alive = self.keep_alive and self.complete and not fields.close and not hub.parting
        if self._bodiless or status in BODILESS:
            self._bodiless = True
            length = None if status == 204 else length
        elif length is None:
            if last:
                length = len(body)
            elif self._old:
                self.keep_alive = keep_alive = False
            else:
                framing = CHUNKED
        if length is not None:
            framing = b"content-length: %d\r\n" % length
        if not keep_alive:
            framing += CLOSE
        elif self._old:
            framing += KEEP_ALIVE
        self.begun = True
        self._left = _UNKNOWN if length is None else length
        date = b"" if fields.dated else hub.date
        if not last or length is None:
            body = self._piece(body, last)
        elif self._bodiless:
            body = b""
        elif len(body) != length:
            self._mismatch()
        return b"%b%b%b%b\r\n%b" % (status_line(status), fields.lines, framing, date, body)

    def _piece(self, body: bytes, last: bool) -> bytes:
        """A piece of the body, framed."""
        if self._bodiless:
            return b""
        if self._left != _UNKNOWN:
            if len(body) > self._left or (last and len(body) < self._left):
                self._mismatch()
            self._left -= len(body)
            return body
        if self._old:
            return body
        chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        return chunk + b"0\r\n\r\n" if last else chunk

    def _mismatch(self) -> NoReturn:
        self._connection.abort()
        raise RuntimeError("the body of the answer is not as long as its content-length says")

    def _end(self) -> None:
        self.answered = True
        if self._waiter is not None:
            self._wake()
        self._connection.answered(self)

    def cancel(self) -> None:
        """See `Direct`."""
        if self.task is not None:
            self.task.cancel()
