"""What every part of one process shares."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from ..core.clock import Clock, SystemClock
from ..core.deadline import TimerWheel
from ..observe import Logger, Registry, Tracing


class Base(NamedTuple):
    """What belongs to the event loop. Made inside the running one."""

    wheel: TimerWheel
    clock: Clock
    registry: Registry
    tracing: Tracing
    log: Logger

    @classmethod
    def make(
        cls, *, clock: Clock | None = None, registry: Registry | None = None, tracing: Tracing | None = None
    ) -> Base:
        """Make the parts; the real clock and no tracing unless given."""
        clock = clock or SystemClock()
        wheel = TimerWheel(asyncio.get_running_loop(), clock.monotonic)
        return cls(wheel, clock, registry or Registry(), tracing or Tracing.off(), Logger("calve"))
