"""Circuit breaker: lets no call through to where too many fail, but for one from time to time that tries.

    CLOSED ──share of failures reached, among enough calls──> OPEN ──pause over: one call goes through──> HALF OPEN
       ^                                                        ^──────────────── it fails ─────────────────┤
       └──────────────────────────────────────────── it is answered ────────────────────────────────────────┘

What is looked at are the calls of the last one to two halves of the window, and at least the last `breaker_calls_min`,
however long those took: a service that is called once a second has a breaker, too. It is a share and not a row of
failures because one replica of several that dies takes all its calls with it at once.

A call that tries may hang until its deadline. It does not keep the next one from trying after another pause, so that
the breaker closes one pause after the service is well again, whatever became of the calls before.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Literal

from ...core.errors import CircuitOpen
from ...core.policy import EffectivePolicy

State = Literal["closed", "half_open", "open"]

STALE_WINDOWS = 30
"""After so many windows, calls count no more even if no others came."""
SPREAD = 0.2
"""How far pauses differ, so that callers do not try all at once."""


class Breaker:
    """Of one operation, for one caller.

    Args:
        name: `service.operation`.
        policy: The `breaker_` fields.
        on_change: Told when it has opened (True) and closed (False).
    """

    __slots__ = (
        "_failed", "_failed_before", "_next", "_ok_before", "_on_change", "_policy", "_since", "_trying", "name",
        "ok", "open", "turn", "why",
    )  # fmt: skip

    def __init__(self, name: str, policy: EffectivePolicy, on_change: Callable[[bool], None]) -> None:
        self.name, self._policy, self._on_change = name, policy, on_change
        self.open = False
        self.ok = 0
        """Calls of the present half of the window that did not fail; whoever has one adds one."""
        self.turn = float("-inf")
        """When the half is over, seconds on the clock; then whoever has a call calls `roll`."""
        self._failed = self._ok_before = self._failed_before = self._trying = 0
        self._since = self._next = 0.0
        self.why = ""

    @property
    def state(self) -> State:
        """Where it is; see the module."""
        return "closed" if not self.open else "half_open" if self._trying else "open"

    def roll(self, now: float) -> None:
        """Begin another half of the window if that is due and this one has enough calls."""
        policy, calls = self._policy, self.ok + self._failed
        stale = now - self._since > STALE_WINDOWS * policy.breaker_window_seconds
        if stale or calls >= policy.breaker_calls_min:
            self._ok_before, self._failed_before = (0, 0) if stale else (self.ok, self._failed)
            self.ok = self._failed = 0
            self._since = now
        self.turn = now + policy.breaker_window_seconds / 2

    def failed(self, now: float, why: str) -> None:
        """Count a failed call; opens the breaker if that makes enough."""
        if now >= self.turn:
            self.roll(now)
        self._failed += 1
        if self.open or not self._policy.breaker_calls_min:
            return
        failed = self._failed + self._failed_before
        calls = failed + self.ok + self._ok_before
        if calls >= self._policy.breaker_calls_min and failed >= calls * self._policy.breaker_failures:
            self.why = f"{failed} of its last {calls} calls failed, the last one with {why}"
            self.open = True
            self._pause(now)
            self._on_change(True)

    def admit(self, now: float) -> None:
        """Let one call through an open breaker if it is time for that; tell the outcome with `tried`.

        Raises: CircuitOpen: it is not.
        """
        if now < self._next:
            raise self.refusal(now)
        self._pause(now)
        self._trying += 1

    def tried(self, well: bool) -> Literal[False]:
        """The outcome of a call that was let through: whether the service is well again.

        Returns: False: nothing is left to be told of that call.
        """
        self._trying -= 1
        if well and self.open:
            self.open = False
            self.ok = self._failed = self._ok_before = self._failed_before = 0
            self._on_change(False)
        return False

    def refusal(self, now: float) -> CircuitOpen:
        """The error for a call that is not let through."""
        left = max(self._next - now, 0.0)
        error = CircuitOpen(f"{self.name} was not called: {self.why}; one call tries again in {left:.1f} s")
        error.operation, error.retry_after_seconds = self.name, left
        return error

    def _pause(self, now: float) -> None:
        self._next = now + self._policy.breaker_open_seconds * random.uniform(1 - SPREAD, 1 + SPREAD)
