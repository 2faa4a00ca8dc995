"""Schema files and the database: apply what is new, and refuse to start when the two do not fit.

    calve_schema
    number | name          | sha256 | applied_at           | objects
    1      | 0001_init.sql | 9f…    | 2026-01-31T12:00:00Z | {"table wallet": "3c…"}     every object after this file

The files applied must be the first ones of the folder, unchanged; the objects must be those the last of them left
behind, or somebody altered them by hand. Objects that the files never made are nobody's business (a backup tool may
keep a table of its own), except indexes and triggers on our tables, which change what statements do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import apsw
import msgspec

from ..errors import SchemaError
from ..inbox import TABLES as INBOX
from ..log.base import READERS
from ..marks import INDEX, TABLE
from ..schema import SchemaFile, check_order, verify_files, verify_objects
from ..statement import ROLLS_BACK, TOKEN
from .log import TABLE as LOG

_TABLE = """CREATE TABLE IF NOT EXISTS calve_schema (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at TEXT NOT NULL, objects TEXT NOT
    NULL
) STRICT"""
_OURS = (_TABLE, TABLE.format(bytes="BLOB"), INDEX, LOG, READERS, *(sql.format(bytes="BLOB") for sql in INBOX))
_APPLIED = "SELECT number, name, sha256, objects FROM calve_schema ORDER BY number"
_OWN_TRANSACTION = {"BEGIN", "COMMIT", "END", "RELEASE", "SAVEPOINT"}
_NOT_HERE = {"ATTACH", "DETACH", "PRAGMA", "VACUUM"}


def migrate(raw: apsw.Connection, files: Sequence[SchemaFile], database: str) -> None:
    """Verify what is applied and apply the rest, each file in a transaction of its own.

    Args:
        raw: A writable connection that nobody else uses; foreign keys are off, as SQLite advises for changing tables,
            and checked as a whole at the end of each file instead.
        database: The path, for messages.
    Raises:
        SchemaError: names the file, the line if there is one, and what to do. Files before it are applied, it is not.
        apsw.Error: the database cannot be used.
    """
    check_order(files)
    for statement in (
        _TABLE,
        TABLE.format(bytes="BLOB"),
        INDEX,
        LOG,
        READERS,
        *(sql.format(bytes="BLOB") for sql in INBOX),
    ):
        raw.execute(statement)
    applied: list[tuple[Any, ...]] = raw.execute(_APPLIED).fetchall()
    verify_files(applied, files, database)
    if applied:
        verify_objects(msgspec.json.decode(applied[-1][3], type=dict[str, str]), _objects(raw), database)
    for file in files[len(applied) :]:
        raw.execute("BEGIN IMMEDIATE")
        try:
            _apply(raw, file)
            raw.execute("COMMIT")
        except BaseException:
            if raw.in_transaction:
                raw.execute("ROLLBACK")
            raise


def _objects(raw: apsw.Connection) -> dict[str, str]:
    rows = raw.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    return {
        f"{kind} {name}" + (f" on {table}" if kind in ("index", "trigger") else ""): hashlib.sha256(
            str(sql).encode()
        ).hexdigest()[:16]
        for kind, name, table, sql in rows
        if not name.startswith("calve_")
    }


def _apply(raw: apsw.Connection, file: SchemaFile) -> None:
    for position, statement in _statements(file):
        try:
            raw.execute(statement).fetchall()
        except apsw.Error as error:
            offset = getattr(error, "error_offset", -1)
            at = position + len(statement.encode()[: max(offset, 0)].decode(errors="replace"))
            raise SchemaError(
                str(error), where=file.line(at), fix="correct the statement; nothing of the file was applied"
            ) from error
    for table, rowid, parent, _ in raw.execute("PRAGMA foreign_key_check"):
        raise SchemaError(
            f"leaves row {rowid} of {table} without its row in {parent}",
            where=file.where,
            fix="nothing of the file was applied",
        )
    raw.execute(
        "INSERT INTO calve_schema VALUES (?, ?, ?, ?, ?)",
        (
            file.number,
            file.step,
            file.sha256,
            datetime.now(UTC).isoformat(timespec="seconds"),
            msgspec.json.encode(_objects(raw)).decode(),
        ),
    )


def _statements(file: SchemaFile) -> Iterator[tuple[int, str]]:
    """Position and text of each statement; the body of a trigger, with its own semicolons, is part of the statement."""
    start, first = -1, ""
    for token in TOKEN.finditer(file.sql):
        if token["comment"] or (start < 0 and token["end"]):
            continue
        start = token.start() if start < 0 else start
        word = (token["word"] or "").upper()
        first = first or word
        if word == "ROLLBACK":
            raise SchemaError("ROLLBACK", where=file.line(token.start()), fix=ROLLS_BACK)
        if word and word == first and word in _OWN_TRANSACTION | _NOT_HERE:
            fix = "drop it: each file is a transaction already" if word in _OWN_TRANSACTION else "drop it"
            raise SchemaError(f"{word} is not for a schema file", where=file.line(token.start()), fix=fix)
        if token["end"] and apsw.complete(file.sql[start : token.end()]):
            yield start, file.sql[start : token.end()]
            start, first = -1, ""
    if start >= 0:
        yield start, file.sql[start:]
