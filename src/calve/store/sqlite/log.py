"""The log in SQLite: one shard, whose offsets are row ids.

    calve_log
    offset | id | key | type | version | at_ms | headers | data

There is one writer, so a row id that is the highest one plus one is taken in commit order, and what is rolled back
gives it back: no gap can come about. More shards would serve nobody, as only one process can have the file.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from ..base import Reader, Transaction
from ..log import Log, LogTruncated, Record

TABLE = """CREATE TABLE IF NOT EXISTS calve_log (
    offset INTEGER PRIMARY KEY, id TEXT NOT NULL, key TEXT NOT NULL, type TEXT NOT NULL, version INTEGER NOT NULL,
    at_ms INTEGER NOT NULL, headers TEXT NOT NULL, data BLOB NOT NULL
) STRICT"""

APPEND = """INSERT INTO calve_log (id, key, type, version, at_ms, headers, data)
VALUES (:id, :key, :type, :version, :at_ms, :headers, :data)"""
_READ = """SELECT 0 AS shard, offset, id, key, type, version, at_ms, headers, data FROM calve_log
WHERE offset > :after ORDER BY offset LIMIT :limit"""
_LAST = "SELECT coalesce(max(offset), 0) FROM calve_log"
_FLOOR = "SELECT coalesce(min(offset), 1) - 1 FROM calve_log"
_PRUNE = """DELETE FROM calve_log WHERE offset IN (
    SELECT offset FROM calve_log WHERE offset <= :upto AND offset < (SELECT max(offset) FROM calve_log)
    ORDER BY offset LIMIT :most) AND offset < coalesce(
    (SELECT min(offset) FROM calve_log WHERE at_ms >= :before_ms), :upto + 1)"""


class SqliteLog(Log):
    """The log of one database file.

    Args:
        reader: Reads what is committed.
        transaction: Makes a transaction.
    """

    shards = 1

    def __init__(self, reader: Reader, transaction: Callable[[], AbstractAsyncContextManager[Transaction]]) -> None:
        super().__init__()
        self._reader: Reader
        self._reader, self._transaction = reader, transaction

    def _writing(self) -> AbstractAsyncContextManager[Transaction]:
        return self._transaction()

    async def read(self, shard: int, after: int, limit: int) -> list[Record]:
        records = await self._reader.all(_READ, Record, after=after, limit=limit)
        if records and records[0].offset != after + 1:
            raise LogTruncated(shard, after, records[0].offset - 1)
        return records

    async def last(self, shard: int) -> int:
        return await self._reader.one(_LAST, int) or 0

    async def floor(self, shard: int) -> int:
        return await self._reader.one(_FLOOR, int) or 0

    async def prune(self, shard: int, before_ms: int, upto: int, most: int) -> int:
        oldest = await self._reader.one("SELECT at_ms FROM calve_log ORDER BY offset LIMIT 1", int)
        if oldest is None or oldest >= before_ms:
            return 0
        async with self._transaction() as tx:
            return await tx.execute(_PRUNE, before_ms=before_ms, upto=upto, most=most)
