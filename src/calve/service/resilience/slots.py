"""Slots: how many calls one caller has in flight with one operation, and how many of its calls wait for one to end.

A callee that hangs would otherwise collect everything its caller has. Calls get their slots in the order in which they
came, and wait no longer than until their deadlines.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque

from ...core.errors import Overloaded


class Slots:
    """Of one operation, for one caller.

    Args:
        name: `service.operation`.
        calls_max: Most calls in flight; 0 for any number.
        queue_max: Most calls that wait.
    """

    __slots__ = ("_queue_max", "calls_max", "name", "used", "waiting")

    def __init__(self, name: str, calls_max: int, queue_max: int) -> None:
        self.name, self.calls_max, self._queue_max = name, calls_max or sys.maxsize, queue_max
        self.used = 0
        """Calls in flight; one with a free slot takes it by adding one."""
        self.waiting: deque[asyncio.Future[None]] = deque()

    async def wait(self, seconds: float) -> None:
        """Wait for a slot, which then is the caller's.

        Raises: Overloaded: too many wait already, or none became free in time; nothing was sent.
        """
        if len(self.waiting) >= self._queue_max:
            raise self._refused(f"and {len(self.waiting)} wait for one of them to end")
        turn = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        try:
            async with asyncio.timeout(seconds):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.leave()  # it got one in the very moment in which it gave up
            else:
                self.waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise self._refused(f"and none ended within {seconds:.3g} s") from None
            raise

    def leave(self) -> None:
        """Give a slot back, to whoever waits longest."""
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.used -= 1

    def _refused(self, why: str) -> Overloaded:
        error = Overloaded(f"{self.name} was not called: {self.calls_max} calls of this caller are in flight, {why}")
        error.operation = self.name
        return error
