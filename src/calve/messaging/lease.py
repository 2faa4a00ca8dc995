"""Which of a service's replicas handles the events of a shard.

The others would be told by the mark that they came second, but only after they had done all the work; so whoever holds
the lease goes on, and the others look from time to time whether it has ended.
"""

from __future__ import annotations

from ..core.clock import Clock
from ..core.ids import new_key
from ..store import Store

LEASE_SECONDS = 10.0


class ShardLease:
    """The lease of one process on one shard; free of charge on a store of one process.

    Args:
        store: The listener's own.
        name: What is leased.
        seconds: How long others wait for a process that was killed.
    """

    def __init__(self, store: Store, name: str, clock: Clock, seconds: float = LEASE_SECONDS) -> None:
        self._store, self._name, self._clock, self._seconds = store, name, clock, seconds
        self._owner = new_key()
        self._again = 0.0
        """When to prolong it, on the monotonic clock; 0 while it is not held."""

    async def hold(self) -> bool:
        """Take it, or prolong it when a third of it is over; whether it is held. Raises StoreError."""
        now = self._clock.monotonic()
        if self._store.exclusive or now < self._again:
            return True
        self._again = 0.0
        if not await self._store.take_lease(self._name, self._owner, self._seconds):
            return False
        self._again = now + self._seconds / 3
        return True

    async def drop(self) -> None:
        """Give it back. Raises StoreError."""
        if self._again:
            self._again = 0.0
            await self._store.drop_lease(self._name, self._owner)
