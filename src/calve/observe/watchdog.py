"""A watch on the event loop: who blocks it, and for how long.

    the loop      beats every quarter of the limit
    a thread      looks twice per limit; no beat for a whole limit: logs what the loop's thread is doing, once
    the loop      at its next beat: logs how long it lasted

One line of code that blocks (a call of a synchronous library, a long computation) makes every other service of the unit
wait, and shows in none of their spans as what it is. The stack that is logged is that of the culprit, at work.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from types import FrameType

from .logs import Logger
from .metrics import Registry

FRAMES_MAX = 30
"""So many frames of the culprit's stack are logged, the innermost ones."""


class LoopWatch:
    """Watches the running event loop.

    Args:
        limit_seconds: How long it may be blocked before that is an incident.
        registry: Gets `calve.loop.lag` and `calve.loop.blocked`.
        log: Gets the incidents.
        owners: Folder or file -> service whose code it is; names the culprit's.
        monotonic: Seconds.
    """

    def __init__(
        self,
        limit_seconds: float,
        registry: Registry,
        log: Logger,
        owners: Mapping[str, str] | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit, self._log, self._owners, self._monotonic = limit_seconds, log, dict(owners or {}), monotonic
        self._loop, self._thread_id = asyncio.get_running_loop(), threading.get_ident()
        self._ended = threading.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._beat_at = self._looked_at = monotonic()
        self._reported = False
        self.lag_seconds = 0.0
        """How late the last beat was."""
        self.blocked = 0
        """Incidents so far."""
        registry.gauge("calve.loop.lag", "How late the event loop was last", lambda: self.lag_seconds, unit="s")
        registry.counter("calve.loop.blocked", "Times the event loop was blocked for too long", lambda: self.blocked)

    def start(self) -> None:
        """Begin."""
        self._beat_at = self._looked_at = self._monotonic()
        self._schedule()
        threading.Thread(target=self._watch, name="calve-watchdog", daemon=True).start()

    def stop(self) -> None:
        """End."""
        self._ended.set()
        if self._timer is not None:
            self._timer.cancel()

    def _schedule(self) -> None:
        self._timer = self._loop.call_later(self._limit / 4, self.beat)

    def beat(self) -> None:
        """The loop runs. On the loop."""
        now = self._monotonic()
        since, self._beat_at = now - self._beat_at, now
        self.lag_seconds = max(0.0, since - self._limit / 4)
        if self._reported:
            self._reported = False
            self._log.warning("the event loop runs again", blocked_seconds=round(self.lag_seconds, 3))
        self._schedule()

    def look(self) -> None:
        """Is it blocked? On the watchdog's thread."""
        now = self._monotonic()
        asleep, self._looked_at = now - self._looked_at > self._limit, now
        # If this thread did not run either, the whole process stood still, or the machine did: nobody is to blame.
        if asleep or self._reported or now - self._beat_at < self._limit * 5 / 4:
            return
        self._reported = True
        self.blocked += 1
        frame = sys._current_frames().get(self._thread_id)
        place, service = self._culprit(frame)
        stack = "".join(traceback.format_stack(frame)[-FRAMES_MAX:]) if frame is not None else ""
        self._log.warning("the event loop is blocked", place=place, culprit=service, stack=stack)

    def _culprit(self, frame: FrameType | None) -> tuple[str, str]:
        """The innermost line of a service's code, and the service; else the innermost line at all."""
        innermost = "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
        while frame is not None:
            name = frame.f_code.co_filename
            for where, service in self._owners.items():
                if name.startswith(where):
                    return f"{name}:{frame.f_lineno} in {frame.f_code.co_qualname}", service
            frame = frame.f_back
        return innermost, ""

    def _watch(self) -> None:
        while not self._ended.wait(self._limit / 2):
            self.look()
