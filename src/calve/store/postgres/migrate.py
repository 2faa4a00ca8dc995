"""Schema files and the database: apply what is new, and refuse to start when the two do not fit.

As on SQLite (see `calve.store.sqlite.migrate`), with two differences. Several replicas may start at once: each file is
applied under an advisory lock that ends with the transaction, so exactly one of them applies it and the others find it
applied. And what is verified is the catalogue's description of our tables, because the text of a CREATE is not kept.

    calve_schema
    number | name          | sha256 | applied_at           | objects
    1      | 0001_init.sql | 9f…    | 2026-01-31T12:00:00Z | {"table wallet": "3c…"}     every object after this file
    calve_turn                                              empty; its lock decides who runs alone
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec

from ..errors import SchemaError
from ..inbox import TABLES as INBOX
from ..log.base import READERS
from ..marks import INDEX, TABLE
from ..schema import SchemaFile, check_order, verify_files, verify_objects
from .connecting import Server, unusable
from .errors import FOREIGN, reason
from .lease import TABLE as LEASES
from .log import TABLES as LOG
from .statement import tokens
from .transaction import TURN_TABLE

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;SET LOCAL statement_timeout = 0;"
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('calve_schema'), hashtext(current_schema()::text))"
_TABLES = (
    """CREATE TABLE IF NOT EXISTS calve_schema (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at TEXT NOT NULL, objects TEXT NOT
    NULL)""",
    f"CREATE TABLE IF NOT EXISTS {TURN_TABLE} ()",
    TABLE.format(bytes="BYTEA"),
    INDEX,
    *LOG,
    READERS,
    LEASES,
    *(sql.format(bytes="BYTEA") for sql in INBOX),
)
_APPLIED = "SELECT number, name, sha256, objects FROM calve_schema ORDER BY number"
_OBJECTS = """
WITH ours AS (
    SELECT c.oid, c.relname, c.relkind FROM pg_catalog.pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relname NOT LIKE 'calve\\_%'
)
SELECT CASE relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'view ' ELSE 'table ' END || relname AS name,
    coalesce(string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || a.attnotnull, ','
                        ORDER BY a.attnum), '') AS text
FROM ours LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = ours.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE relkind IN ('r', 'p', 'v', 'm') GROUP BY 1
UNION ALL
SELECT 'index ' || i.relname || ' on ' || ours.relname, pg_get_indexdef(x.indexrelid)
FROM ours JOIN pg_catalog.pg_index x ON x.indrelid = ours.oid JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
UNION ALL
SELECT 'constraint ' || k.conname || ' on ' || ours.relname, pg_get_constraintdef(k.oid)
FROM ours JOIN pg_catalog.pg_constraint k ON k.conrelid = ours.oid WHERE k.contype <> 'n'
UNION ALL
SELECT 'trigger ' || t.tgname || ' on ' || ours.relname, pg_get_triggerdef(t.oid)
FROM ours JOIN pg_catalog.pg_trigger t ON t.tgrelid = ours.oid WHERE NOT t.tgisinternal
"""
_SERVER = "server"
_OWN_TRANSACTION = {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"}
_NOT_HERE = {"VACUUM", "SET", "RESET", "LISTEN", "CHECKPOINT"}


async def migrate(server: Server, files: Sequence[SchemaFile]) -> None:
    """Verify what is applied and apply the rest, each file in a transaction of its own.

    Raises:
        SchemaError: names the file, the line if there is one, and what to do. Files before it are applied, it is not.
        ConfigError: the database cannot be used.
    """
    check_order(files)
    for file in files:
        _check_words(file)
    try:
        connection = await server.connect()
        try:
            await _migrate(connection, files, str(server.target))
        finally:
            await connection.close(timeout=5)
    except FOREIGN as error:
        raise unusable(server.target, error) from error


async def _migrate(connection: Any, files: Sequence[SchemaFile], where: str) -> None:
    more = True
    while more:
        async with _Locked(connection):
            for statement in _TABLES:
                await connection.execute(statement)
            applied = [tuple(row) for row in await connection.fetch(_APPLIED)]
            verify_files(applied, files, where)
            if applied:
                expected = msgspec.json.decode(applied[-1][3], type=dict[str, str])
                actual = await _objects(connection)
                if expected.get(_SERVER) == actual[_SERVER]:  # another version may describe the same thing otherwise
                    verify_objects(expected, actual, where)
            if len(applied) < len(files):
                await _apply(connection, files[len(applied)])
            more = len(applied) + 1 < len(files)


class _Locked:
    """A transaction that has the lock."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def __aenter__(self) -> None:
        await self._connection.execute(_BEGIN + _LOCK)

    async def __aexit__(self, kind: Any, error: BaseException | None, tb: Any) -> None:
        if error is None:
            await self._connection.execute("COMMIT")
        elif not self._connection.is_closed():
            await self._connection.execute("ROLLBACK")


async def _apply(connection: Any, file: SchemaFile) -> None:
    try:
        # As one request: asyncpg stumbles over one that has nothing but comments.
        await connection.execute(f"{file.sql}\n;SET CONSTRAINTS ALL IMMEDIATE")
    except asyncpg.PostgresError as error:
        position = int(getattr(error, "position", None) or 1) - 1
        raise SchemaError(
            reason(error), where=file.line(position), fix="correct the statement; nothing of the file was applied"
        ) from error
    objects = msgspec.json.encode(await _objects(connection)).decode()
    await connection.execute(
        "INSERT INTO calve_schema VALUES ($1, $2, $3, $4, $5)",
        file.number,
        file.step,
        file.sha256,
        datetime.now(UTC).isoformat(timespec="seconds"),
        objects,
    )


async def _objects(connection: Any) -> dict[str, str]:
    rows = await connection.fetch(_OBJECTS)
    found = {row["name"]: hashlib.sha256(row["text"].encode()).hexdigest()[:16] for row in rows}
    return {_SERVER: str(connection.get_server_version().major), **dict(sorted(found.items()))}


def _check_words(file: SchemaFile) -> None:
    """Refuse statements that would end the transaction, or outlive it on the connection."""
    first = True
    for token in tokens(file.sql):
        word = token.text.upper()
        if first and token.kind == "word" and word in _OWN_TRANSACTION | _NOT_HERE:
            fix = "drop it: each file is a transaction already" if word in _OWN_TRANSACTION else "drop it"
            raise SchemaError(f"{word} is not for a schema file", where=file.line(token.start), fix=fix)
        if token.kind != "comment":
            first = token.kind == "end"
