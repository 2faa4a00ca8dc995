"""What one process remembers of commands with keys: which run now, and what was answered lately.

Bounded by count and by bytes; the answers that are oldest go first.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

Slot = tuple[str, str | None, str]
"""`service.operation`, subject of the principal, key."""

SLOT_BYTES = 500
"""Counted for each answer besides its own bytes; about what an entry takes."""


class Answered(NamedTuple):
    """An answer as it is kept."""

    request: int
    """Hash of the canonical request; only this process can compare it."""
    answer: bytes
    error: str | None = None
    """Class of the domain error, whose fields `answer` has."""


class Window:
    """The keys of one process.

    Args:
        answers_max: Most answers kept.
        bytes_max: Most bytes they take; an answer that is larger alone is not kept.
    """

    __slots__ = ("_answered", "_bytes", "_bytes_max", "_max", "running")

    def __init__(self, answers_max: int, bytes_max: int) -> None:
        self._max, self._bytes_max, self._bytes = answers_max, bytes_max, 0
        self.running: dict[Slot, int] = {}
        """Hash of the request of each command that runs."""
        self._answered: OrderedDict[Slot, Answered] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answered)

    @property
    def bytes(self) -> int:
        """What the answers take, estimated."""
        return self._bytes

    def find(self, slot: Slot) -> Answered | None:
        """The answer given under a key, if it is still there."""
        return self._answered.get(slot)

    def keep(self, slot: Slot, answered: Answered) -> None:
        """Remember an answer, and forget the oldest for it."""
        kept, size = self._answered, SLOT_BYTES + len(answered.answer)
        if size > self._bytes_max:
            return
        if (old := kept.pop(slot, None)) is not None:
            self._bytes -= SLOT_BYTES + len(old.answer)
        kept[slot] = answered
        self._bytes += size
        while len(kept) > self._max or self._bytes > self._bytes_max:
            self._bytes -= SLOT_BYTES + len(kept.popitem(last=False)[1].answer)
