"""Appending to the log in PostgreSQL, as the last statement of a transaction; how and why is in `log.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import msgspec

from ..log import Entry

SHARDS = 8
"""Of every log. A setting would have to be the same for ever, because the shard of a key must not change."""

LOCK = "'calve_log'::regclass::oid::bigint::bit(32)::int"
"""First key of the advisory lock, so that two schemas of one database do not share it; the second is the shard."""

APPEND_ONE = f"""INSERT INTO calve_log (shard, "offset", id, key, type, version, at_ms, headers, data)
SELECT $1::smallint, nextval(('calve_log_' || $1::smallint)::regclass), $2, $3, $4, $5, $6, $7, $8
FROM (SELECT pg_advisory_xact_lock_shared({LOCK}, $1::int) AS got) AS locked WHERE got IS NOT NULL"""  # noqa: S608
"""For one event, as nearly every transaction has: half the time of the statement for several."""

APPEND_MANY = f"""WITH given AS MATERIALIZED (
    SELECT row ->> 0 AS key, (row ->> 1)::smallint AS shard, row, number
    FROM json_array_elements($1::json) WITH ORDINALITY AS each_one (row, number)
), locked AS MATERIALIZED (
    SELECT shard, pg_advisory_xact_lock_shared({LOCK}, shard) AS got
    FROM (SELECT DISTINCT shard FROM given ORDER BY shard) AS each_one
)
INSERT INTO calve_log (shard, "offset", id, key, type, version, at_ms, headers, data)
SELECT shard, nextval(('calve_log_' || shard)::regclass), (row ->> 2)::uuid, key, row ->> 3, (row ->> 4)::int,
    (row ->> 5)::bigint, row ->> 6, convert_to(row ->> 7, 'UTF8')
FROM (SELECT given.* FROM given JOIN locked USING (shard) WHERE got IS NOT NULL ORDER BY number) AS ready"""  # noqa: S608


def shard_of(key: str) -> int:
    """The shard of a key."""
    return crc32(key.encode()) % SHARDS


def append_statement(entries: Sequence[Entry]) -> tuple[str, list[Any]]:
    """What appends entries, in the order in which they were published; text and parameters.

    Several are one JSON array and not an array for each column, because asyncpg asks the server about array types, on
    each connection, and changes a setting of the session meanwhile.
    """
    if len(entries) == 1:
        (entry,) = entries
        return APPEND_ONE, [shard_of(entry.key), *entry]
    rows = [(e.key, shard_of(e.key), e.id, e.type, e.version, e.at_ms, e.headers, e.data.decode()) for e in entries]
    return APPEND_MANY, [msgspec.json.encode(rows).decode()]
