"""WebSockets (RFC 6455) for applications that want them; the framing is that of the library `websockets`.

    handshake ──> connecting ──accept──> open ──close, by either side──> closing ──> closed
                      └──close──> 403; an answer of the application's own

One task runs the application for the whole time. Messages that it has not received yet are bounded: then the client has
to wait. There is no compression: it costs memory per connection, and mixing secrets with what others send gives them
away.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections import deque
from typing import NoReturn

from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.utils import accept_key

from ....core.errors import CallError, InternalError, Unavailable
from ..base import Event, Scope
from ..problem import HttpError
from .heads import CLOSE, status_line, whole_problem
from .hub import Hub
from .request import Request

MESSAGE_BYTES_MAX = 16 << 20
"""Largest message, whole or in fragments; beyond it the connection ends with 1009."""
MESSAGES_WAITING, BYTES_WAITING = 32, 64 << 10
PING_SECONDS = 30
"""Silence after which the client is asked whether it is there; after as much again it is not."""
CLOSE_SECONDS = 5
_NORMAL, _NO_STATUS, _ABNORMAL, _INVALID, _FAILED, _RESTART = 1000, 1005, 1006, 1007, 1011, 1012


class WebSocketConnection(asyncio.Protocol):
    """Takes over a connection whose last request asks for it. Same duties towards the hub as `Http1Connection`."""

    def __init__(self, hub: Hub, transport: asyncio.Transport, request: Request) -> None:
        self._hub, self._transport = hub, transport
        self.due = hub.tick + hub.options.head_seconds
        self._framing = ServerProtocol(state=OPEN, max_size=MESSAGE_BYTES_MAX)
        self._key = request.fields[b"sec-websocket-key"]
        self._scope: Scope | None = {
            **request.scope(),
            "type": "websocket",
            "scheme": "ws",
            "subprotocols": _subprotocols(request),
            "extensions": {"websocket.http.response": {}},
        }
        del self._scope["method"]
        self._messages: deque[tuple[Event, int]] = deque([({"type": "websocket.connect"}, 0)])
        """What the application has not received yet, with its size in bytes."""
        self._waiting_bytes = 0
        self._fragments: list[bytes] = []
        self._text = False
        self._denial: Event | None = None
        self._accepted = self._closed = self._gone = self._paused = self._clogged = self._pinged = False
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, rest: bytes) -> None:
        """Run the application; `rest` came after the handshake's request."""
        self._hub.enter(self)
        self._task = self._hub.begin(self._run())
        if rest:
            self.data_received(rest)

    # From the transport --------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Frames, or parts of them."""
        if self._gone or self._transport.is_closing():
            return
        self._pinged = False
        self._framing.receive_data(data)
        for frame in self._framing.events_received():
            assert isinstance(frame, Frame), "handshakes are not read here"
            if not self._take(frame):
                break
        self._flush()
        if self._crowded() and not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def _crowded(self) -> bool:
        return len(self._messages) > MESSAGES_WAITING or self._waiting_bytes > BYTES_WAITING

    def _take(self, frame: Frame) -> bool:
        """Returns whether it is good; otherwise what follows does not count."""
        if frame.opcode is Opcode.CLOSE:
            self._wake()
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return True  # pings have been answered by the library
        if frame.opcode is not Opcode.CONT:
            self._text = frame.opcode is Opcode.TEXT
        self._fragments.append(bytes(frame.data))
        if not frame.fin:
            return True
        data = b"".join(self._fragments)
        self._fragments.clear()
        self._waiting_bytes += len(data)
        if not self._text:
            self._messages.append(({"type": "websocket.receive", "bytes": data}, len(data)))
        else:
            try:
                self._messages.append(({"type": "websocket.receive", "text": data.decode()}, len(data)))
            except UnicodeDecodeError:
                self._framing.fail(_INVALID, "not UTF-8")
                self._wake()
                return False
        self._wake()
        return True

    def pause_writing(self) -> None:
        """The client does not take what it is sent."""
        self._clogged = True
        self.due = self._hub.tick + self._hub.options.write_seconds

    def resume_writing(self) -> None:
        """It has caught up."""
        self._clogged = False
        self.due = self._hub.tick + PING_SECONDS
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._gone = True
        self._wake()
        self.resume_writing()
        self._hub.leave(self)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # To the application --------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        scope, self._scope = self._scope, None
        assert scope is not None, "it is run once"
        code = _NORMAL
        try:
            await self._hub.app(scope, self._receive, self._send)
        except Exception as error:
            code = _FAILED
            if not self._over():
                self._hub.log.exception("websocket failed", error=error, path=scope["path"])
        except asyncio.CancelledError:
            code = _RESTART
            raise
        finally:
            self._hub.ended(self._task)
            self._task = None
            self._finish(code)

    def _finish(self, code: int) -> None:
        """What the application left undone."""
        if self._gone:
            return
        if self._accepted:
            self._close(code, "")
        elif not self._closed:
            stopping = Unavailable("this server is stopping", may_have_run=True)
            self._answer(stopping if code == _RESTART else InternalError("the application did not answer"))

    def _over(self) -> bool:
        return self._gone or self._closed or self._framing.state is not OPEN

    async def _receive(self) -> Event:
        while not self._messages:
            if self._over():
                received = self._framing.close_rcvd
                code = _ABNORMAL if received is None else int(received.code)
                return {"type": "websocket.disconnect", "code": code, "reason": received.reason if received else ""}
            self._waiter = self._hub.loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        event, size = self._messages.popleft()
        self._waiting_bytes -= size
        if self._paused and not self._crowded() and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()
        return event

    async def _send(self, event: Event) -> None:
        if self._over():
            raise ConnectionResetError("the websocket is closed")
        kind = event["type"]
        if not self._accepted:
            self._answer_handshake(kind, event)
        elif kind == "websocket.send":
            data = event.get("bytes")
            if data is not None:
                self._framing.send_binary(data)
            else:
                self._framing.send_text(event["text"].encode())
            self._flush()
            if self._clogged:
                self._writable = self._hub.loop.create_future()
                await self._writable
        elif kind == "websocket.close":
            self._close(event.get("code") or _NORMAL, event.get("reason") or "")
        else:
            _out_of_turn(kind)

    def _answer_handshake(self, kind: str, event: Event) -> None:
        if kind == "websocket.accept":
            headers = list(event.get("headers") or ())
            if (subprotocol := event.get("subprotocol")) is not None:
                headers.append((b"sec-websocket-protocol", subprotocol.encode("ascii")))
            lines = self._hub.lines.fields(headers).lines
            accept = accept_key(self._key.decode("ascii")).encode()
            self._transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
                b"sec-websocket-accept: %b\r\n%b%b\r\n" % (accept, lines, self._hub.date)
            )
            self._accepted = True
            self.due = self._hub.tick + PING_SECONDS
            self._wake()
        elif kind == "websocket.close":
            self._answer(HttpError(403, "permission_denied", "the websocket was refused"))
        elif kind == "websocket.http.response.start" and self._denial is None:
            status_line(event["status"])
            self._denial = dict(event, body=b"")
        elif kind == "websocket.http.response.body" and self._denial is not None:
            self._denial["body"] += event.get("body", b"")
            if not event.get("more_body", False):
                self._answer(self._denial)
        else:
            _out_of_turn(kind)

    def _answer(self, answer: Event | CallError | HttpError) -> None:
        """Answer the handshake without becoming a websocket."""
        self._closed = True
        if isinstance(answer, CallError | HttpError):
            data = whole_problem(answer, self._hub.date)
        else:
            lines, body = self._hub.lines.fields(answer.get("headers") or ()).lines, answer["body"]
            length = b"content-length: %d\r\n" % len(body)
            data = b"".join((status_line(answer["status"]), lines, length, CLOSE, self._hub.date, b"\r\n", body))
        self._transport.write(data)
        self._transport.close()
        self.due = self._hub.tick + CLOSE_SECONDS

    # The end -------------------------------------------------------------------------------------------------------

    def _close(self, code: int, reason: str) -> None:
        if self._over():
            return
        self._closed = True
        if code == _NO_STATUS:
            self._framing.send_close()
        else:
            self._framing.send_close(code, reason.encode()[:123].decode(errors="ignore"))
        self._flush()
        self.due = self._hub.tick + CLOSE_SECONDS

    def _flush(self) -> None:
        """Write what the library has to say; an empty piece means that it has said all."""
        for data in self._framing.data_to_send():
            if self._transport.is_closing():
                return
            if data:
                self._transport.write(data)
            else:
                self._transport.close()
                self.due = self._hub.tick + CLOSE_SECONDS

    def expire(self) -> None:
        """Nothing has come for a while, or something was to end and did not."""
        if self._closed or self._clogged or self._pinged or not self._accepted or self._transport.is_closing():
            self.abort()
            return
        try:
            self._framing.send_ping(b"")
        except InvalidState:
            self.abort()
            return
        self._pinged = True
        self._flush()
        self.due = self._hub.tick + PING_SECONDS

    def drain(self) -> None:
        """The server stops: whoever runs it tells the application, which decides how to part."""

    def abort(self) -> None:
        """Hang up at once."""
        self._transport.abort()


def begin_websocket(hub: Hub, transport: asyncio.Transport, request: Request, rest: bytes) -> bool:
    """See `BeginWebSocket`."""
    if not _wanted(request):
        return False
    connection = WebSocketConnection(hub, transport, request)
    transport.set_protocol(connection)
    connection.start(rest)
    return True


def _wanted(request: Request) -> bool:
    """Whether a request that asks for an upgrade asks for this one, in the version there is."""
    fields = request.fields
    try:
        key = base64.b64decode(fields.get(b"sec-websocket-key", b""), validate=True)
    except binascii.Error:
        return False
    return (
        request.method == "GET"
        and fields.get(b"upgrade", b"").lower() == b"websocket"
        and fields.get(b"sec-websocket-version") == b"13"
        and len(key) == 16
    )


def _subprotocols(request: Request) -> list[str]:
    offered = request.fields.get(b"sec-websocket-protocol", b"").decode("latin-1")
    return [name.strip() for name in offered.split(",") if name.strip()]


def _out_of_turn(kind: str) -> NoReturn:
    raise RuntimeError(f"the application sent {kind!r}, which cannot be sent now")
