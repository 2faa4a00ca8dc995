"""A connection at work: a `WireConnection` on an asyncio transport.

    data_received -> connection.receive -> `on_frame` of the side        every frame, in order
    connection.out -> flush on the loop's next turn -> transport.write   one write for all that came together

What both sides share lives here: coalesced writes, back-pressure, keep-alive, and how a connection ends. Exactly one
`on_lost` ends every link, with the reason.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

from ...core.errors import ProtocolError
from .base import WireOptions
from .frames import AnyFrame
from .protocol import WireConnection

log = logging.getLogger("calve.wire")


class Link(asyncio.Protocol):
    """Base of `ServerLink` and `ClientLink`.

    Args:
        options: Bounds and patience.
        loop: The loop the transport runs on.
    """

    connection: WireConnection

    def __init__(self, options: WireOptions, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.reason = ""
        """Why the link ended or is ending; empty while all is well."""
        self.closed: asyncio.Future[None] = loop.create_future()
        """Done when the transport is gone."""
        self._options = options
        self._transport: asyncio.Transport | None = None
        self.writable = True
        """Whether the peer keeps up with what we write."""
        self._caught_up: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ending = False
        self._heard = self._heard_before = 0
        self._silent = self._pending_bytes = 0

    # What a side has to do -----------------------------------------------------------------------------------------

    def on_frame(self, frame: AnyFrame) -> None:
        """Act on one frame that the connection handed on."""
        raise NotImplementedError

    def on_lost(self) -> None:
        """The transport is gone; `reason` says why."""
        raise NotImplementedError

    # What the loop calls -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start: the hello is already waiting in the connection's buffer."""
        self._transport = cast(asyncio.Transport, transport)
        if self._transport.get_extra_info("sslcontext") is None:
            # The system's socket buffer is the high-water mark: once it is full, whatever would write more waits. It
            # also makes uvloop write at once rather than at the end of its turn. (Under TLS it does neither.)
            self._transport.set_write_buffer_limits(high=1)
        self._set_timer(self._options.hello_seconds, self._no_hello)
        self.flush()

    def data_received(self, data: bytes) -> None:
        """Bytes from the peer."""
        self._heard += 1
        connection, on_frame = self.connection, self.on_frame
        for frame in connection.receive(data):
            on_frame(frame)
        if connection.failure is not None:
            self.fail(connection.failure)

    def eof_received(self) -> bool:
        """The peer hangs up; half-open connections have no use here."""
        return False

    def pause_writing(self) -> None:
        """The peer reads more slowly than we write."""
        self.writable = False

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self.writable = True
        if self._caught_up is not None:
            self._caught_up.set_result(None)
            self._caught_up = None

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        self.resume_writing()
        if not self.reason:
            self.reason = f"the connection was lost ({exc})" if exc else "the peer hung up"
        self.on_lost()
        self.closed.set_result(None)

    # What a side may use -------------------------------------------------------------------------------------------

    def greeted(self) -> None:
        """The peer has said hello; from now on it has to give signs of life."""
        self._set_timer(self._options.keepalive_seconds, self._look)

    async def until_writable(self) -> None:
        """Wait while the peer does not keep up; returns when the link has ended, too."""
        while not self.writable:
            if self._caught_up is None:
                self._caught_up = self.loop.create_future()
            await asyncio.shield(self._caught_up)

    def wake(self) -> None:
        """The connection has something to send: do so on the next turn, together with what comes until then."""
        self.loop.call_soon(self.flush)

    def flush(self) -> None:
        """Hand everything to the transport; what comes after its end is dropped."""
        if self._transport is not None and self.connection.out:
            data = self.connection.take()
            if not self._transport.is_closing():
                self._transport.write(data)

    def fail(self, error: ProtocolError) -> None:
        """End the link because the peer broke the protocol; it is told so."""
        if not self._ending:
            log.warning("wire peer %s dropped: %s", self.peer_name(), error)
            self.hang_up(str(error))

    def hang_up(self, reason: str) -> None:
        """Send what is waiting and the reason, then end the link; a peer that does not read is not waited for."""
        if self._transport is None or self._ending:
            return
        self._ending, self.reason = True, reason
        self.connection.go_away(reason)
        self.flush()
        transport = self._transport
        transport.close()
        self._set_timer(self._options.hello_seconds, transport.abort)

    def abort(self, reason: str) -> None:
        """End the link at once; what is waiting to be sent is lost."""
        if self._transport is not None:
            self.reason = self.reason or reason
            self._transport.abort()

    def peer_name(self) -> str:
        """Who is on the other side, for logs."""
        name: Any = self._transport.get_extra_info("peername") if self._transport is not None else None
        return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else str(name or "on a Unix socket")

    # Signs of life -------------------------------------------------------------------------------------------------

    def _set_timer(self, seconds: float, callback: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, callback)

    def _no_hello(self) -> None:
        self.fail(ProtocolError(f"no hello within {self._options.hello_seconds} s"))

    def _look(self) -> None:
        """Every `keepalive_seconds`: one silent interval gets a ping, a second one ends the link."""
        if self._has_news():
            self._silent = 0
        elif self._silent:
            self.abort(f"the peer gave no sign of life for {2 * self._options.keepalive_seconds} s")
            return
        else:
            self._silent = 1
            self.connection.ping()
        self._set_timer(self._options.keepalive_seconds, self._look)

    def _has_news(self) -> bool:
        assert self._transport is not None
        pending, before = self._transport.get_write_buffer_size(), self._pending_bytes
        heard = self._heard != self._heard_before
        self._heard_before, self._pending_bytes = self._heard, pending
        # While the peer does not keep up we may not be reading, so what it says cannot be heard; that it reads can be
        # seen.
        return heard or (not self.writable and pending < before)
