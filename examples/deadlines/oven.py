"""Deadlines and cancellation: every call has an end, and the service notices.

    $ calve run &
    $ calve call oven.bake minutes=0
    $ calve call oven.bake minutes=30 --timeout 0.2
    $ calve call oven.diary

The caller's time limit crosses the wire and binds everything that is called on its behalf. When it is over, or when the
caller goes away, the service sees an ordinary `asyncio.CancelledError` and can clean up. The error says honestly that
the operation may have run.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from calve import Clock, Contract, command, current_call, query


class Oven(Contract, Protocol, version="1.0"):
    """Bakes bread."""

    @command(timeout_seconds=3600)
    async def bake(self, minutes: float) -> str:
        """Bake for so long; an hour at most, less if the caller has less time."""
        ...

    @query()
    async def diary(self) -> list[str]:
        """What became of it."""
        ...


class OvenService(Oven):
    """Reads the deadline, and cleans up when it passes."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._diary = clock, list[str]()

    async def bake(self, minutes: float) -> str:
        call = current_call()
        assert call is not None
        hurry = call.deadline - self._clock.monotonic() < 1.0
        try:
            await self._clock.sleep(minutes * 60)
        except asyncio.CancelledError:
            self._diary.append(
                f"taken out too early ({'in a hurry from the start' if hurry else 'changed their mind'})"
            )
            raise
        self._diary.append("done")
        return "crisp"

    async def diary(self) -> list[str]:
        return self._diary
