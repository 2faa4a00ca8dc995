"""The clock port: time as a dependency, so that tests can own it.

`SystemClock` is the real one; `calve.testing.VirtualClock` is its fake. Services ask for a `Clock` in their
constructor.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where an application reads time and waits."""

    def now(self) -> datetime:
        """Wall-clock time, aware, in UTC. May jump when the machine's clock is set."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes back. The base of every deadline."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; zero or less gives the other tasks one turn."""
        ...


class SystemClock:
    """The machine's own clock."""

    # Bound once: the hot path reads the monotonic clock twice per call and a Python frame each would double the price.
    monotonic = staticmethod(time.monotonic)

    def now(self) -> datetime:
        """Wall-clock time in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait on the running event loop."""
        await asyncio.sleep(seconds)
