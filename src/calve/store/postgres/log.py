"""The log in PostgreSQL: shards whose offsets are those of a sequence each, in an order that no reader gets wrong.

    calve_log
    shard | offset | id | key | type | version | at_ms | headers | data         primary key (shard, offset)
    calve_log_floor
    shard | offset                                                              how far each shard was pruned

    publisher    advisory lock of the shard, shared ── nextval ── INSERT ── COMMIT lets go of the lock
    reader       1 2 3 . 5 6 ──> 1 2 3, and asks for the lock alone
                                  └── has it: nobody is between nextval and the end of a commit, so what is missing now
                                      was rolled back: put a VOID there

Offsets come from a sequence, not from the highest one plus one: transactions are SERIALIZABLE, whose snapshot is older
than the lock, so that two publishers would read the same highest one and collide every time (decision 0024). Events of
one key are in the order in which their transactions happened: a transaction that saw, or wrote over, what another one
did began its last statement after that one's commit, hence has a higher offset. The lock is held from the last
statement to the end of the commit, and publishers do not wait for each other.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

from ..base import Store, Transaction
from ..log import VOID, Log, LogTruncated, Record
from .append import LOCK, SHARDS
from .block import Home
from .transaction import PlainTransaction

PATIENCE_SECONDS = 0.003
LOCK_MS = 1_000
"""How long a reader that has met a gap waits for publishers that are committing; then it asks again later."""

TABLES = (
    """CREATE TABLE IF NOT EXISTS calve_log (
    shard SMALLINT NOT NULL, "offset" BIGINT NOT NULL, id UUID NOT NULL, key TEXT NOT NULL, type TEXT NOT NULL,
    version INTEGER NOT NULL, at_ms BIGINT NOT NULL, headers TEXT NOT NULL, data BYTEA NOT NULL,
    PRIMARY KEY (shard, "offset"))""",
    'CREATE TABLE IF NOT EXISTS calve_log_floor (shard SMALLINT PRIMARY KEY, "offset" BIGINT NOT NULL)',
    *(f"CREATE SEQUENCE IF NOT EXISTS calve_log_{shard}" for shard in range(SHARDS)),
)

_READ = """SELECT shard, "offset", id, key, type, version, at_ms, headers, data FROM calve_log
WHERE shard = :shard AND "offset" > :after ORDER BY "offset" LIMIT :limit"""
_LAST = 'SELECT coalesce(max("offset"), 0) FROM calve_log WHERE shard = :shard'
_FLOOR = 'SELECT coalesce(max("offset"), 0) FROM calve_log_floor WHERE shard = :shard'
_ALONE = f"SET LOCAL lock_timeout = '{LOCK_MS}ms';SELECT pg_advisory_xact_lock({LOCK}, {{shard}})"
_FILL = f"""INSERT INTO calve_log (shard, "offset", id, key, type, version, at_ms, headers, data)
SELECT $1::smallint, missing, '00000000-0000-0000-0000-000000000000', '', '{VOID}', 0, 0, '{{}}', ''
FROM generate_series($2::bigint + 1, (SELECT max("offset") FROM calve_log WHERE shard = $1)) AS missing
WHERE NOT EXISTS (SELECT FROM calve_log WHERE shard = $1 AND "offset" = missing)"""  # noqa: S608
_PRUNE = """WITH gone AS (
    DELETE FROM calve_log WHERE shard = :shard AND "offset" IN (
        SELECT "offset" FROM calve_log WHERE shard = :shard AND "offset" <= :upto AND "offset" < coalesce(
            (SELECT min("offset") FROM calve_log WHERE shard = :shard AND at_ms >= :before_ms),
            (SELECT max("offset") FROM calve_log WHERE shard = :shard))
        ORDER BY "offset" LIMIT :most)
    RETURNING "offset")
INSERT INTO calve_log_floor (shard, "offset") SELECT :shard, max("offset") FROM gone HAVING count(*) > 0
ON CONFLICT (shard) DO UPDATE SET "offset" = excluded."offset" """
_OLDEST = 'SELECT at_ms FROM calve_log WHERE shard = :shard ORDER BY "offset" LIMIT 1'


class PostgresLog(Log):
    """The log of one database or schema.

    Args:
        store: Reads what is committed.
        home: Of its blocks.
    """

    shards = SHARDS

    def __init__(self, store: Store, home: Home) -> None:
        super().__init__()
        self._reader: Store
        self._reader, self._home = store, home

    def _writing(self) -> AbstractAsyncContextManager[Transaction]:
        return PlainTransaction(self._home, self)

    async def read(self, shard: int, after: int, limit: int) -> list[Record]:
        records = await self._next(shard, after, limit)
        if not records or (whole := _contiguous(records, after)):
            return whole if records else []
        if after < (floor := await self.floor(shard)):
            raise LogTruncated(shard, after, floor)
        # Nearly always somebody who is committing right now: asking for the lock would make others wait for them too.
        await asyncio.sleep(PATIENCE_SECONDS)
        if whole := _contiguous(await self._next(shard, after, limit), after):
            return whole
        await self._fill(shard, after)
        return _contiguous(await self._next(shard, after, limit), after)

    async def _next(self, shard: int, after: int, limit: int) -> list[Record]:
        return await self._reader.all(_READ, Record, shard=shard, after=after, limit=limit)

    async def _fill(self, shard: int, after: int) -> None:
        """Wait for publishers that are committing, and put a VOID wherever there is nothing then."""
        async with PlainTransaction(self._home, self) as tx:
            await tx.run("lock the log", lambda connection: connection.execute(_ALONE.format(shard=shard)))
            await tx.run("fill the log", lambda connection: connection.execute(_FILL, shard, after))

    async def last(self, shard: int) -> int:
        return await self._reader.one(_LAST, int, shard=shard) or 0

    async def floor(self, shard: int) -> int:
        return await self._reader.one(_FLOOR, int, shard=shard) or 0

    async def prune(self, shard: int, before_ms: int, upto: int, most: int) -> int:
        oldest = await self._reader.one(_OLDEST, int, shard=shard)
        if oldest is None or oldest >= before_ms:
            return 0
        before = await self.floor(shard)
        async with self._writing() as tx:
            await tx.execute(_PRUNE, shard=shard, before_ms=before_ms, upto=upto, most=most)
        return await self.floor(shard) - before


def _contiguous(records: list[Record], after: int) -> list[Record]:
    """The records up to the first gap."""
    for number, record in enumerate(records, after + 1):
        if record.offset != number:
            return records[: number - after - 1]
    return records
