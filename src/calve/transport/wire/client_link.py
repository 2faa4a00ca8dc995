"""One server, as the client sees it: answers find the calls that wait for them.

What waits for a call is a `Waiter`; it gets exactly one outcome, or items and then an outcome when it is a stream:

    Response, Failure, End    from the server
    EXPIRED                   its deadline passed here; the server was told to stop
    NOT_TAKEN                 sure not to have started: it never left this process, or the server said so
    Lost                      the connection ended after the request may have been sent
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, cast

from .base import WireOptions
from .frames import AnyFrame, End, Failure, GoAway, Hello, Item, Response
from .link import Link
from .protocol_client import ClientConnection


class Lost(NamedTuple):
    """The connection ended during the call."""

    reason: str


class _Mark:
    """A value that is only itself."""


EXPIRED: Final = _Mark()
NOT_TAKEN: Final = _Mark()

Outcome: TypeAlias = Response | Failure | End | Lost | _Mark


class Waiter(Protocol):
    """What waits for a call; an `asyncio.Future` is one for calls with one answer."""

    def done(self) -> bool:
        """Whether nobody waits any more."""
        ...

    def set_result(self, outcome: Any, /) -> None:
        """The outcome; at most once."""
        ...


class ItemWaiter(Waiter, Protocol):
    """What waits for a stream."""

    def put(self, item: Item) -> None:
        """One more item; never more than there was credit for."""
        ...


class ClientLink(Link):
    """One connection to a server.

    Args:
        options: Bounds and patience.
        loop: The running loop.
        software: Name and version told to the server.
        on_ready: Called when calls may be made.
        on_unready: Called when no further call may be made: the server goes away, or the link has ended.
        on_writable: Called when the server keeps up again.
    """

    connection: ClientConnection

    def __init__(
        self,
        options: WireOptions,
        loop: asyncio.AbstractEventLoop,
        *,
        software: str,
        on_ready: Callable[[ClientLink], None],
        on_unready: Callable[[ClientLink], None],
        on_writable: Callable[[], None],
    ) -> None:
        super().__init__(options, loop)
        self.waiters: dict[int, Waiter] = {}
        """By call id."""
        self.connection = ClientConnection(options, self, software=software)
        self.ready = False
        """Whether new calls may be made."""
        self.calls_max = 0
        """Calls the server lets be in flight; known once it has said hello."""
        self._on_ready, self._on_unready, self._on_writable = on_ready, on_unready, on_writable
        self._sent_id = 0

    def resume_writing(self) -> None:
        """The server has caught up, so calls may be made again."""
        super().resume_writing()
        self._on_writable()

    def on_frame(self, frame: AnyFrame) -> None:
        """Answers, items, the server's hello and its farewell."""
        kind = type(frame)
        if kind is Response or kind is Failure or kind is End:
            # Not there: a goaway that came in the same piece has given it up, and it is being called elsewhere.
            waiter = self.waiters.pop(frame.id, None)  # type: ignore[union-attr]
            if waiter is not None and not waiter.done():
                waiter.set_result(frame)
            if not self.ready:
                self._hang_up_when_idle()
        elif kind is Item:
            item = cast(Item, frame)
            if item.id in self.waiters:
                cast(ItemWaiter, self.waiters[item.id]).put(item)
        elif kind is Hello:
            self.greeted()
            self.ready, self.calls_max = True, cast(Hello, frame).calls_max
            self._on_ready(self)
        elif kind is GoAway:
            self._go_away(cast(GoAway, frame))

    def wake(self) -> None:
        """Send soon, together with what others are about to send; at once when there are no others."""
        if self.waiters:
            super().wake()
        else:
            self.flush()

    def flush(self) -> None:
        """Hand everything to the transport, and remember what may have left this process."""
        if self._transport is not None and not self._transport.is_closing():
            self._sent_id = self.connection.last_id
        super().flush()

    def expire(self, call_id: int) -> None:
        """The deadline of a call has passed."""
        waiter = self.abandon(call_id)
        if waiter is not None and not waiter.done():
            waiter.set_result(EXPIRED)

    def abandon(self, call_id: int) -> Waiter | None:
        """Nobody waits for a call any more; the server is told. Returns what waited; None when the call is over."""
        waiter = self.waiters.pop(call_id, None)
        if waiter is not None:
            self.connection.send_cancel(call_id)
            if not self.ready:
                self._hang_up_when_idle()
        return waiter

    def retire(self) -> None:
        """Make no new calls; end with the last one."""
        self._stop()
        self._hang_up_when_idle()

    def hang_up(self, reason: str) -> None:
        """End the link; no call may begin on it meanwhile."""
        self._stop()
        super().hang_up(reason)

    def on_lost(self) -> None:
        """Give every call that waits its outcome."""
        self._stop()
        waiters, self.waiters = self.waiters, {}
        for call_id, waiter in waiters.items():
            if not waiter.done():
                waiter.set_result(Lost(self.reason) if call_id <= self._sent_id else NOT_TAKEN)

    def _go_away(self, frame: GoAway) -> None:
        self._stop()
        if frame.reason and not self.reason:
            self.reason = f"the server hung up: {frame.reason}"
        for call_id in [call_id for call_id in self.waiters if call_id > frame.last_id]:
            waiter = self.abandon(call_id)
            if waiter is not None and not waiter.done():
                waiter.set_result(NOT_TAKEN)
        self._hang_up_when_idle()

    def _stop(self) -> None:
        if self.ready or self.connection.peer is None:
            self.ready = False
            self._on_unready(self)

    def _hang_up_when_idle(self) -> None:
        if not self.waiters and self._transport is not None:
            self.flush()
            self._transport.close()
