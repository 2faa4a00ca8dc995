"""The inbox: how far a service has come in the logs of others, kept in its own database with what the events did there.

    calve_inbox           source | shard | mark | running          every offset up to the mark is done
    calve_inbox_tries     source | shard | offset | tries          after a crash: how often these were tried
    calve_inbox_done      source | shard | offset                  and these above it, while a key is held back
    calve_parked_key      source | key | error | attempts | …      keys whose next event cannot be handled
    calve_parked          source | shard | offset | key | …        their events, in order, waiting for somebody

    one transaction:   effects of the events ── mark, done ── parked          all or nothing, hence exactly once

The window in which a repeated event is recognised is unlimited and costs one row for each shard, because offsets have
no gap. Statements here are portable; adapters make the tables when they open.
"""

from __future__ import annotations

import msgspec

TABLES = (
    """CREATE TABLE IF NOT EXISTS calve_inbox (
    source TEXT NOT NULL, shard INTEGER NOT NULL, mark BIGINT NOT NULL, running INTEGER NOT NULL,
    PRIMARY KEY (source, shard))""",
    """CREATE TABLE IF NOT EXISTS calve_inbox_tries (
    source TEXT NOT NULL, shard INTEGER NOT NULL, number BIGINT NOT NULL, tries INTEGER NOT NULL,
    PRIMARY KEY (source, shard, number))""",
    """CREATE TABLE IF NOT EXISTS calve_inbox_done (
    source TEXT NOT NULL, shard INTEGER NOT NULL, number BIGINT NOT NULL, PRIMARY KEY (source, shard, number))""",
    """CREATE TABLE IF NOT EXISTS calve_parked_key (
    source TEXT NOT NULL, key TEXT NOT NULL, shard INTEGER NOT NULL, error TEXT NOT NULL, attempts INTEGER NOT NULL,
    since_ms BIGINT NOT NULL, due INTEGER NOT NULL, PRIMARY KEY (source, key))""",
    """CREATE TABLE IF NOT EXISTS calve_parked (
    source TEXT NOT NULL, shard INTEGER NOT NULL, number BIGINT NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL,
    type TEXT NOT NULL, version INTEGER NOT NULL, at_ms BIGINT NOT NULL, headers TEXT NOT NULL, data {bytes} NOT NULL,
    PRIMARY KEY (source, shard, number))""",
    "CREATE INDEX IF NOT EXISTS calve_parked_by_key ON calve_parked (source, key, number)",
)
"""`{bytes}` is the adapter's type for bytes."""

BEGIN = """INSERT INTO calve_inbox (source, shard, mark, running) VALUES (:source, :shard, 0, 1)
ON CONFLICT (source, shard) DO UPDATE SET running = 1"""
MARK = "SELECT mark FROM calve_inbox WHERE source = :source AND shard = :shard"
RUNNING = "SELECT running FROM calve_inbox WHERE source = :source AND shard = :shard"
END = "UPDATE calve_inbox SET running = 0 WHERE source = :source AND shard = :shard"
TRY = """INSERT INTO calve_inbox_tries (source, shard, number, tries) VALUES (:source, :shard, :offset, 1)
ON CONFLICT (source, shard, number) DO UPDATE SET tries = calve_inbox_tries.tries + 1 RETURNING tries"""
TRIED = "DELETE FROM calve_inbox_tries WHERE source = :source AND shard = :shard AND number <= :offset"
ADVANCE = """UPDATE calve_inbox SET mark = :mark WHERE source = :source AND shard = :shard AND mark = :before"""
"""Changes no row when somebody else has advanced it: whoever finds that gives up its transaction."""

DONE = "SELECT number FROM calve_inbox_done WHERE source = :source AND shard = :shard"
ADD_DONE = "INSERT INTO calve_inbox_done (source, shard, number) VALUES (:source, :shard, :number)"
DROP_DONE = "DELETE FROM calve_inbox_done WHERE source = :source AND shard = :shard AND number <= :mark"

PARKED_KEYS = "SELECT key, due FROM calve_parked_key WHERE source = :source AND shard = :shard"
PARK_KEY = """INSERT INTO calve_parked_key (source, key, shard, error, attempts, since_ms, due)
VALUES (:source, :key, :shard, :error, :attempts, :now_ms, 0)
ON CONFLICT (source, key) DO UPDATE SET error = excluded.error, attempts = calve_parked_key.attempts +
    excluded.attempts, due = 0"""
FREE_KEY = "DELETE FROM calve_parked_key WHERE source = :source AND key = :key"
PARK = """INSERT INTO calve_parked (source, shard, number, key, id, type, version, at_ms, headers, data)
VALUES (:source, :shard, :offset, :key, :id, :type, :version, :at_ms, :headers, :data)"""
PARKED = """SELECT shard, number AS offset, id, key, type, version, at_ms, headers, data FROM calve_parked
WHERE source = :source AND key = :key ORDER BY number LIMIT :limit"""
UNPARK = "DELETE FROM calve_parked WHERE source = :source AND shard = :shard AND number = :offset"
EDIT = "UPDATE calve_parked SET data = :data WHERE source = :source AND shard = :shard AND number = :offset"
MAKE_DUE = "UPDATE calve_parked_key SET due = 1 WHERE source = :source AND key = :key"
LIST_KEYS = """SELECT k.source, k.key, k.shard, k.error, k.attempts, k.since_ms, k.due, count(p.number) AS waiting,
    min(p.number) AS first FROM calve_parked_key k
LEFT JOIN calve_parked p ON p.source = k.source AND p.key = k.key
GROUP BY k.source, k.key, k.shard, k.error, k.attempts, k.since_ms, k.due ORDER BY k.since_ms, k.source, k.key
LIMIT :limit"""


class ParkedKey(msgspec.Struct, frozen=True):
    """A key that waits for somebody."""

    source: str
    """The service that publishes the events."""
    key: str
    shard: int
    error: str
    """Why its first event could not be handled."""
    attempts: int
    since_ms: int
    """Milliseconds since 1970."""
    due: int
    """1 when it was asked to be tried again and has not been yet."""
    waiting: int
    """How many events wait."""
    first: int | None
    """Offset of the first."""
