"""How far an address is to be trusted with calls, where there are others to turn to.

    FIT ──failures in a row──> OUT, for a time that doubles ──time over──> PROBING, one call at a time
     ^                          ^──────────────── it fails ────────────────────┤
     │                                                                         │ it succeeds
     └── the time of the slow start is over ── RAMPING, a growing share <──────┴── connected anew, heard again

    SILENT, beside any of these: calls wait on the connection, and its server does not answer a ping. A process that
    is stopped or whose event loop hangs keeps its connections, so nothing else shows it before the calls' deadlines.

Nothing here keeps anybody from calling: `Route.pick` goes by it only as long as somebody fitter is there.
"""

from __future__ import annotations

import random
from typing import Final, Literal

from .base import WireOptions

Verdict = Literal[0, 1, 2]
YES: Final = 0
RATHER_NOT: Final = 1
"""Others first, for now; it is fit for a call."""
NO: Final = 2
"""Only when there is nobody else."""

FIRST_SHARE = 0.1
"""Share of its calls that one gets at the beginning of its slow start."""


class Fitness:
    """Of one address, for one client.

    Args:
        options: Limits and times.
    """

    __slots__ = ("_ejections", "_forgiven", "_options", "_ramp_from", "_state", "_until", "marked", "silent", "strikes")

    def __init__(self, options: WireOptions) -> None:
        self._options = options
        self._state: Literal["fit", "out", "probing", "ramping"] = "fit"
        self.silent = False
        self.strikes = 0
        """Failures since the last success."""
        self.marked = False
        """Whether there is anything to look at: for the many calls for which there is not."""
        self._ejections = 0
        self._until = self._forgiven = self._ramp_from = 0.0

    def verdict(self, in_flight: int, now: float) -> Verdict:
        """Whether it should get one more call.

        Args:
            in_flight: Calls it has.
            now: Seconds on the loop's clock.
        """
        if self.silent:
            return NO
        if self._state == "out" and now >= self._until:
            self._state = "probing"
        if self._state == "out":
            return NO
        if self._state == "probing":
            return NO if in_flight else YES
        if self._state == "ramping":
            seconds, passed = self._options.slow_start_seconds, now - self._ramp_from
            if passed < seconds:
                progress = passed / seconds
                share = FIRST_SHARE + (1 - FIRST_SHARE) * progress
                return YES if random.random() < share else RATHER_NOT
            self._state = "fit"
            self._look()
        return YES

    def succeeded(self, now: float) -> None:
        """A call was answered."""
        self.strikes = 0
        if self._state == "probing":
            self.ramp(now)
        self._look()

    def failed(self, now: float) -> None:
        """A call failed by its fault, or its connection was lost."""
        self.strikes += 1
        if self._state == "probing" or (self._state != "out" and self.strikes >= self._options.strikes_max):
            self._eject(now)
        self._look()

    def ramp(self, now: float) -> None:
        """It is new, or was away: let its share grow."""
        self._state, self._ramp_from = "ramping", now
        self._look()

    def hush(self) -> None:
        """It gives no sign of life."""
        self.silent = True
        self._look()

    def heard(self, now: float) -> None:
        """It gives signs of life again."""
        if self.silent:
            self.silent = False
            if self._state != "out":
                self.ramp(now)
            self._look()

    def _eject(self, now: float) -> None:
        if now > self._forgiven:
            self._ejections = 0
        seconds = min(self._options.eject_first_seconds * 2**self._ejections, self._options.eject_max_seconds)
        self._ejections = min(self._ejections + 1, 30)
        self._until = now + seconds * random.uniform(0.8, 1.2)
        self._forgiven = self._until + self._options.eject_max_seconds
        self._state, self.strikes = "out", 0

    def _look(self) -> None:
        self.marked = self.silent or self.strikes > 0 or self._state != "fit"
