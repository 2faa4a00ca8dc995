"""Noticing that a client went away while its call is running.

Listening costs a task and a round through the HTTP server, more than many calls cost altogether, and most calls are over
in milliseconds. So a timer on the wheel comes first, and only a call that outlives it is watched.
"""

from __future__ import annotations

import asyncio

from ...core.deadline import TimerWheel
from .base import Receive


class Watch:
    """Cancels the current task when the client disconnects. Close it when the call is over.

    Args:
        receive: Of the request; nobody else may receive any more.
        wheel: Of the running loop.
        start: Point on the wheel's clock, seconds, from which to listen.
    """

    __slots__ = ("_call", "_listener", "_receive", "_timer", "gone")

    def __init__(self, receive: Receive, wheel: TimerWheel, start: float) -> None:
        call = asyncio.current_task()
        assert call is not None, "requests are handled in tasks"
        self._call, self._receive = call, receive
        self._listener: asyncio.Task[None] | None = None
        self._timer = wheel.arm(start, self._start)
        self.gone = False
        """Whether the client is known to have gone."""

    def close(self) -> None:
        """Stop watching."""
        self._timer.disarm()
        if self._listener is not None:
            self._listener.cancel()

    def _start(self) -> None:
        self._listener = self._call.get_loop().create_task(self._listen())

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":  # what is left of the body is of no interest
            pass
        self.gone = True
        self._call.cancel()
