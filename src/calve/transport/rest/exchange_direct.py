"""An exchange on our own server, which says by itself when the client is gone, and often has the whole body already."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.deadline import Timer, TimerWheel
from .base import ClientGone, Event, RawHeader
from .exchange import Exchange
from .http1 import Direct
from .options import RestOptions

_SMALL = 8 << 10
"""Size in bytes of a head that no limit is below."""


class DirectExchange(Exchange):
    """See the module.

    Args:
        request: The server's.
        wheel: Timer wheel of the running loop.
        options: Times.
    """

    __slots__ = ("_request", "_timer")

    def __init__(self, request: Direct, wheel: TimerWheel, options: RestOptions) -> None:
        # What the base would do: once per request, and a call costs as much as all of it.
        self.method, self.query, self.headers = request.method, request.query, request.fields
        self.wheel, self._options, self._request = wheel, options, request
        self.gone = self.slow = self.started = False
        self._timer: Timer | None = None

    @property
    def header_bytes(self) -> int:
        """See `Exchange.header_bytes`."""
        return self._request.head_bytes if self._request.head_bytes < _SMALL else super().header_bytes

    def whole_body(self) -> bytes | None:
        """See `Exchange.whole_body`."""
        return self._request.whole_body()

    def watch(self, now: float) -> None:
        """See `Exchange.watch`."""
        self._request.on_gone = self._on_gone

    def _on_gone(self) -> None:
        self.gone = True
        self._request.cancel()

    def reading(self, until: float) -> None:
        """See `Exchange.reading`."""
        self._timer = self.wheel.arm(until, self._on_slow)

    def _on_slow(self) -> None:
        self.slow = True
        self._request.cancel()

    def read(self) -> None:
        """See `Exchange.read`."""
        if self._timer is not None:
            self._timer.disarm()
            self._timer = None

    def close(self) -> None:
        """See `Exchange.close`."""
        self._request.on_gone = None
        if self._timer is not None:
            self.read()

    async def receive(self) -> Event:
        """See `Exchange.receive`."""
        return await self._request.receive()

    async def send(self, event: Event) -> None:
        """See `Exchange.send`."""
        await self._request.send(event)

    async def answer(self, status: int, headers: Sequence[RawHeader], body: bytes, *, sized: bool = True) -> None:
        """See `Exchange.answer`."""
        self.started = True
        try:
            self._request.answer(status, headers, body, sized=sized)
        except OSError as error:
            raise ClientGone from error
