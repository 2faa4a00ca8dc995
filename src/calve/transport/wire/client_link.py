"""One server, as the client sees it: answers find the calls that wait for them.

What waits for a call is a `Waiter`; it gets exactly one outcome, or items and then an outcome when it is a stream:

    Response, Failure, End    from the server
    EXPIRED                   its deadline passed here; the server was told to stop
    NOT_TAKEN                 sure not to have started: the system did not take it, or the server said so
    Lost                      the connection ended after the request may have been sent
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, cast

from ...core.clock import Clock
from ...core.deadline import NEVER, Timer, TimerWheel
from .base import WireOptions
from .fitness import Fitness
from .frames import AnyFrame, End, Failure, GoAway, Hello, Item, Response
from .link import Link
from .protocol_client import ClientConnection

LAST_CHANCE_SECONDS = 0.01


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
        on_silent: Called, again and again, while calls wait and the server gives no sign of life.
        fitness: Of the address; told when it falls silent while calls wait.
        wheel, clock: For deadlines. Nearly every call ends long before its own, so there is one timer per link, for the
            earliest deadline there was; when it fires, all calls are looked through.
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
        on_silent: Callable[[ClientLink], None],
        fitness: Fitness,
        wheel: TimerWheel,
        clock: Clock,
    ) -> None:
        super().__init__(options, loop)
        self.waiters: dict[int, tuple[Waiter, float, bool]] = {}
        """By call id: who waits, until when at most (seconds on the clock, or NEVER), whether others may be asked."""
        self._wheel, self._monotonic = wheel, clock.monotonic
        self._earliest, self._deadline_timer = NEVER, cast("Timer | None", None)
        self.connection = ClientConnection(options, self, software=software)
        self.ready = False
        """Whether new calls may be made."""
        self.calls_max = 0
        """Calls the server lets be in flight; known once it has said hello."""
        self._on_ready, self._on_unready, self._on_writable = on_ready, on_unready, on_writable
        self._on_silent = on_silent
        self._sent_id = 0
        self.going = False
        """Whether the server said that it takes no more calls."""
        self.fitness = fitness
        self._listening: asyncio.TimerHandle | None = None
        self._asked = self._last_chance = False
        self._heard_then = 0

    def resume_writing(self) -> None:
        """The server has caught up, so calls may be made again."""
        super().resume_writing()
        self._on_writable()

    def on_frame(self, frame: AnyFrame) -> None:
        """Answers, items, the server's hello and its farewell."""
        kind = type(frame)
        if kind is Response or kind is Failure or kind is End:
            waiter, _, _ = self.waiters.pop(frame.id)  # type: ignore[union-attr]
            if not waiter.done():
                waiter.set_result(frame)
            if not self.ready:
                self._hang_up_when_idle()
        elif kind is Item:
            item = cast(Item, frame)
            cast(ItemWaiter, self.waiters[item.id][0]).put(item)
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
        transport = self._transport
        if transport is None or transport.is_closing():
            super().flush()
            return
        before, self._sent_id = self._sent_id, self.connection.last_id
        super().flush()
        # A transport writes at once or waits until it can. One that is closing now tried, and the system took nothing:
        # the server hung up before, and what it last said may still wait to be read here.
        if transport.is_closing():
            self._sent_id = before

    def wait(self, call_id: int, waiter: Waiter, deadline: float, movable: bool = False) -> None:
        """Give the outcome of a call to `waiter`; EXPIRED when the deadline comes first.

        Args: movable: Whether it does no harm to ask another server the same before this one has answered.
        """
        self.waiters[call_id] = waiter, deadline, movable
        if deadline < self._earliest:
            self._watch(deadline)
        if self._listening is None:
            self._asked = self._last_chance = False
            self._heard_then = self._heard
            self._listening = self.loop.call_later(self._options.suspect_seconds, self._listen)

    def abandon(self, call_id: int, outcome: Outcome | None = None) -> None:
        """Give a call up: the server is told, and who waits gets `outcome` if there is one. Nothing if it is over."""
        if call_id in self.waiters:
            waiter, _, _ = self.waiters.pop(call_id)
            self.connection.send_cancel(call_id)
            if outcome is not None and not waiter.done():
                waiter.set_result(outcome)
            if not self.ready:
                self._hang_up_when_idle()

    def let_go(self, reason: str) -> None:
        """Give up the calls that others may be asked instead."""
        for call_id in [call_id for call_id, (_, _, movable) in self.waiters.items() if movable]:
            self.abandon(call_id, Lost(reason))

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
        self._watch(NEVER)
        if self._listening is not None:
            self._listening.cancel()
        waiters, self.waiters = self.waiters, {}
        for call_id, (waiter, _, _) in waiters.items():
            if not waiter.done():
                waiter.set_result(Lost(self.reason) if call_id <= self._sent_id else NOT_TAKEN)

    def _go_away(self, frame: GoAway) -> None:
        if frame.reason and not self.reason:
            self.reason = f"the server hung up: {frame.reason}"
        self.going = True
        self._stop()
        for call_id in [call_id for call_id in self.waiters if call_id > frame.last_id]:
            self.abandon(call_id, NOT_TAKEN)
        self._hang_up_when_idle()

    def _watch(self, deadline: float) -> None:
        """Look through the calls at this deadline and not before."""
        if self._deadline_timer is not None:
            self._deadline_timer.disarm()
        self._earliest = deadline
        self._deadline_timer = None if deadline == NEVER else self._wheel.arm(deadline, self._expire)

    def _expire(self) -> None:
        now = self._monotonic()
        for call_id, (_, deadline, _) in list(self.waiters.items()):
            if deadline <= now:
                self.abandon(call_id, EXPIRED)
        self._watch(min((deadline for _, deadline, _ in self.waiters.values()), default=NEVER))

    def _listen(self) -> None:
        """While calls wait: one silent interval gets a ping; after a second one the server is taken for silent."""
        pause = self._options.suspect_seconds
        if self._heard != self._heard_then:
            self._heard_then, self._asked = self._heard, False
            self._last_chance = False
            self.fitness.heard(self.loop.time())
        elif self._asked and not self._last_chance:
            # It may be this process that stood still: what came meanwhile is read only now.
            self._last_chance, pause = True, LAST_CHANCE_SECONDS
        elif self._asked and self.ready:
            self.fitness.hush()
            self._on_silent(self)
        elif self.waiters and not self._asked:
            self._asked = True
            self.connection.ping()
        self._listening = None
        if self.waiters or self._asked:
            self._listening = self.loop.call_later(pause, self._listen)

    def _stop(self) -> None:
        if self.ready or self.connection.peer is None:
            self.ready = False
            self._on_unready(self)

    def _hang_up_when_idle(self) -> None:
        if not self.waiters and self._transport is not None:
            self.flush()
            self._transport.close()
