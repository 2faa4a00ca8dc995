"""After a crash: which event it was that killed the process, if it was one.

Nobody can tell from outside. So the events that may have been under way are handled one by one, each counted durably
before it is tried; one that was there at three deaths is parked. In normal operation this costs nothing.
"""

from __future__ import annotations

from ..store import Store, inbox
from ..store.log import Record

DEATHS_MAX = 3


class Suspects:
    """The suspects of one shard.

    Args:
        store: The listener's own.
        source: The service whose log it is.
    """

    def __init__(self, store: Store, source: str, shard: int) -> None:
        self._store, self._where = store, {"source": source, "shard": shard}
        self._left = 0

    def accuse(self, count: int) -> None:
        """So many of the next events may have been under way when the process was killed."""
        self._left = count

    def __bool__(self) -> bool:
        return self._left > 0

    async def convicted(self, record: Record) -> bool:
        """Count that an event is tried; whether it was tried too often, and the process died each time."""
        async with self._store.transaction() as tx:
            tries = await tx.one(inbox.TRY, int, **self._where, offset=record.offset)
        return (tries or 0) > DEATHS_MAX

    async def acquit(self, record: Record) -> None:
        """An event was tried, and the process lives."""
        self._left -= 1
        async with self._store.transaction() as tx:
            await tx.execute(inbox.TRIED, **self._where, offset=record.offset)
