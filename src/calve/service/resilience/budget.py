"""Retry budget: how many attempts may be repeated, as a share of the calls to one service.

Each call puts its share in, each repeated attempt takes one out. Without it, three attempts per call would triple the
load of a service at the very moment at which it cannot bear it. What nobody takes is kept up to `KEPT_MAX`, so that a
long quiet time does not pay for a storm afterwards.
"""

from __future__ import annotations

KEPT_MAX = 10.0
"""Most attempts that may be repeated at once."""


class Budget:
    """Of one service, for all callers in this process. The guards put in by themselves: `kept` is theirs, too."""

    __slots__ = ("kept",)

    def __init__(self) -> None:
        self.kept = KEPT_MAX

    def take(self) -> bool:
        """Whether an attempt may be repeated; takes it out if so."""
        if self.kept < 1.0:
            return False
        self.kept -= 1.0
        return True
