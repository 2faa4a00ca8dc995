"""An exchange on any ASGI server.

Listening for a client's going away costs a task and a round through the HTTP server, more than many calls cost
altogether, and most are over in milliseconds; so one timer on the wheel stands for both kinds of watching, and what it
does when it fires depends on how far the exchange is:

    armed ──fires while the body is arriving──> armed for the body's deadline ──fires──> `slow`, task cancelled
                                                └──body arrives──> armed
    armed ──fires while the call is running───> listening ──client disconnects──> `gone`, task cancelled
    armed ──close──> over                                                          (nearly always)
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ...core.deadline import Timer, TimerWheel
from .base import ClientGone, Event, RawHeader, Receive, Scope, Send
from .exchange import Exchange
from .options import RestOptions


class AsgiExchange(Exchange):
    """See the module.

    Args:
        scope, receive, send: Of ASGI; nobody else may receive.
        wheel: Timer wheel of `loop`.
        loop: The running loop.
        options: Times.
    """

    __slots__ = ("_listener", "_loop", "_reading_until", "_receive", "_send", "_task", "_timer", "_waits_for_body")

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        wheel: TimerWheel,
        loop: asyncio.AbstractEventLoop,
        options: RestOptions,
    ) -> None:
        super().__init__(scope["method"], scope["query_string"], wheel, options)
        self._receive, self._send, self._loop = receive, send, loop
        self._waits_for_body = False
        self._task: asyncio.Task[object] | None = None
        self._timer: Timer | None = None
        self._listener: asyncio.Task[None] | None = None
        self._reading_until = 0.0

    def watch(self, now: float) -> None:
        """See `Exchange.watch`."""
        self._task = asyncio.current_task(self._loop)
        self._timer = self.wheel.arm(now + self._options.watch_after_seconds, self._fire)

    def reading(self, until: float) -> None:
        """See `Exchange.reading`."""
        self._reading_until = until

    def read(self) -> None:
        """See `Exchange.read`."""
        self._reading_until = 0.0
        if self._waits_for_body:
            self._waits_for_body = False
            assert self._timer is not None, "it has fired once"
            self._timer.disarm()
            self._timer = self.wheel.arm(0.0, self._fire)

    def close(self) -> None:
        """See `Exchange.close`."""
        if self._timer is not None:
            self._timer.disarm()
            self._timer = self._task = None
        if self._listener is not None:
            self._listener.cancel()
            self._listener = None

    def _fire(self) -> None:
        if not self._reading_until:
            self._listener = self._loop.create_task(self._listen())
        elif self._waits_for_body:
            self.slow = True
            self._cancel()
        else:
            self._waits_for_body = True
            self._timer = self.wheel.arm(self._reading_until, self._fire)

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":  # what is left of the body is of no interest
            pass
        self.gone = True
        self._cancel()

    def _cancel(self) -> None:
        assert self._task is not None, "watching began in a task"
        self._task.cancel()

    async def receive(self) -> Event:
        """See `Exchange.receive`."""
        return await self._receive()

    async def send(self, event: Event) -> None:
        """See `Exchange.send`."""
        await self._send(event)

    async def answer(self, status: int, headers: Sequence[RawHeader], body: bytes, *, sized: bool = True) -> None:
        """See `Exchange.answer`."""
        self.started = True
        if sized and status not in (204, 304):
            headers = [*headers, (b"content-length", b"%d" % len(body))]
        try:
            await self._send({"type": "http.response.start", "status": status, "headers": headers})
            await self._send({"type": "http.response.body", "body": b"" if self.head else body})
        except OSError as error:
            raise ClientGone from error
