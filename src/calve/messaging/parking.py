"""Parked keys: events that could not be handled, and those of the same key behind them, kept until somebody looks.

list ──> error and first event of each key
retry ──> handled in order, by the dispatcher of the shard      drop / edit the first event, then retry
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from ..core.errors import InvalidArgument
from ..store import Store, Transaction, inbox
from ..store.inbox import ParkedKey
from ..store.log import Record

ERROR_CHARACTERS_MAX = 2000


def record_params(source: str, record: Record) -> dict[str, Any]:
    """The parameters of `inbox.PARK`."""
    return {"source": source, **msgspec.structs.asdict(record)}


async def park(
    tx: Transaction, source: str, key: str, records: Iterable[Record], error: str, attempts: int, now_ms: int
) -> None:
    """Park a key with its events, the one that failed first."""
    listed = list(records)
    await tx.execute(
        inbox.PARK_KEY,
        source=source,
        key=key,
        shard=listed[0].shard,
        error=error[:ERROR_CHARACTERS_MAX],
        attempts=attempts,
        now_ms=now_ms,
    )
    await add(tx, source, listed)


async def add(tx: Transaction, source: str, records: Iterable[Record]) -> None:
    """Put events behind those of their parked keys."""
    await tx.execute_many(inbox.PARK, [record_params(source, record) for record in records])


class Parking:
    """The parked keys of one service, for whoever operates it.

    Args:
        store: The service's own.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keys(self, limit: int = 100) -> list[ParkedKey]:
        """Keys, those parked first."""
        return await self._store.all(inbox.LIST_KEYS, ParkedKey, limit=limit)

    async def events(self, source: str, key: str, limit: int = 100) -> list[Record]:
        """The events of a key, in order."""
        return await self._store.all(inbox.PARKED, Record, source=source, key=key, limit=limit)

    async def retry(self, source: str, key: str) -> None:
        """Ask for the events of a key to be handled now. Raises NotFound: the key is not parked."""
        async with self._store.transaction() as tx:
            if not await tx.execute(inbox.MAKE_DUE, source=source, key=key):
                raise _not_parked(source, key)

    async def drop(self, source: str, key: str) -> Record:
        """Give up the first event of a key; returns it. The others stay until `retry`.

        Raises: InvalidArgument: the key is not parked, or has no event left.
        """
        async with self._store.transaction() as tx:
            first = await self._first(tx, source, key)
            await tx.execute(inbox.UNPARK, source=source, shard=first.shard, offset=first.offset)
        return first

    async def edit(self, source: str, key: str, data: bytes) -> Record:
        """Replace the data of the first event of a key; returns it as it was. Raises as `drop`."""
        async with self._store.transaction() as tx:
            first = await self._first(tx, source, key)
            await tx.execute(inbox.EDIT, source=source, shard=first.shard, offset=first.offset, data=data)
        return first

    async def _first(self, tx: Transaction, source: str, key: str) -> Record:
        events = await tx.all(inbox.PARKED, Record, source=source, key=key, limit=1)
        if not events:
            raise _not_parked(source, key)
        return events[0]


def _not_parked(source: str, key: str) -> InvalidArgument:
    return InvalidArgument(f"no event of {source} with key {key!r} is parked", field="key")
