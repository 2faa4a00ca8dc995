"""Keys whose next event has failed and will be tried again, with everything behind it."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable

from ..store.log import Record

BACKOFF_SECONDS, BACKOFF_SECONDS_MAX = 0.05, 30.0


class Held:
    """One key."""

    __slots__ = ("attempts", "due", "error", "pause", "records")

    def __init__(self) -> None:
        self.records: deque[Record] = deque()
        """In order; the first has failed."""
        self.attempts = 0
        """How often."""
        self.error = ""
        self.pause = 0.0
        """Seconds between the last two attempts."""
        self.due = 0.0
        """When it is tried again, on the monotonic clock."""

    def failed(self, error: str, now: float) -> None:
        """Its first event has failed once more."""
        self.attempts += 1
        self.error = error
        # Decorrelated jitter (Brooker, "Exponential Backoff and Jitter").
        self.pause = min(BACKOFF_SECONDS_MAX, random.uniform(BACKOFF_SECONDS, max(self.pause, BACKOFF_SECONDS) * 3))
        self.due = now + self.pause


class HeldKeys:
    """The keys of one shard that are held back."""

    def __init__(self) -> None:
        self._keys: dict[str, Held] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def __getitem__(self, key: str) -> Held:
        return self._keys[key]

    @property
    def events(self) -> int:
        """How many events wait."""
        return sum(len(held.records) for held in self._keys.values())

    @property
    def due_first(self) -> tuple[str, Held] | None:
        """The key that is tried next."""
        return min(self._keys.items(), key=lambda item: item[1].due, default=None)

    def oldest(self) -> str:
        """The key that holds the mark back."""
        return min(self._keys, key=lambda key: self._keys[key].records[0].offset)

    def append(self, record: Record) -> None:
        """An event behind those of its key."""
        self._keys[record.key].records.append(record)

    def failed(self, record: Record, behind: Iterable[Record], error: str, now: float) -> Held:
        """An event has failed.

        Args:
            behind: Events of the same key that were not tried because of it.
        """
        held = self._keys.setdefault(record.key, Held())
        if not held.records or held.records[0].offset != record.offset:
            held.attempts, held.pause = 0, 0.0
            held.records = deque([record, *behind])
        held.failed(error, now)
        return held

    def handled(self, record: Record) -> None:
        """The first event of a key is done."""
        held = self._keys.get(record.key)
        if held is not None and held.records and held.records[0].offset == record.offset:
            held.records.popleft()
            held.attempts, held.pause = 0, 0.0
            if not held.records:
                del self._keys[record.key]

    def let_go(self, key: str) -> Held:
        """A key is parked."""
        return self._keys.pop(key)

    def clear(self) -> None:
        """Forget everything: the log will be read again from the mark."""
        self._keys.clear()
