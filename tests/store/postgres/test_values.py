"""Parameters and rows of the types that a PostgreSQL database has beyond those every store has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any
from uuid import UUID

import msgspec
import pytest

from calve.store import PostgresTarget, SchemaFile, StatementError
from calve.store.postgres import PostgresStore

SCHEMA = SchemaFile(
    "0001_types.sql",
    """CREATE TABLE thing (
        id uuid, text text, small smallint, whole integer, big bigint, real double precision, exact numeric,
        yes boolean, moment timestamptz, naive timestamp, day date, hour time, data bytea, doc jsonb, many text[]
    )""",
)
ID = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
NOON = datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=UTC)


class Colour(Enum):
    """Text."""

    RED = "red"


class Level(IntEnum):
    """A number."""

    HIGH = 3


@pytest.fixture
async def store(target: PostgresTarget) -> AsyncIterator[PostgresStore]:
    """A store with a table that has a column of each type."""
    async with await PostgresStore.open(target, (SCHEMA,)) as store:
        yield store


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("id", ID, ID),
        ("id", str(ID), ID),
        ("text", "x", "x"),
        ("text", 5, "5"),
        ("text", True, "1"),
        ("text", 1.5, "1.5"),
        ("text", ID, str(ID)),
        ("text", Colour.RED, "red"),
        ("text", NOON, "2026-01-31T12:00:00.000005Z"),
        ("text", date(2026, 1, 31), "2026-01-31"),
        ("small", True, 1),
        ("whole", Level.HIGH, 3),
        ("whole", 4.0, 4),
        ("big", 2**63 - 1, 2**63 - 1),
        ("real", 2, 2.0),
        ("real", Decimal("1.5"), 1.5),
        ("exact", Decimal("1.10"), Decimal("1.10")),
        ("exact", 0.1, Decimal("0.1")),
        ("exact", 7, 7),
        ("yes", True, True),
        ("yes", 0, False),
        ("moment", NOON.astimezone(timezone(timedelta(hours=5))), NOON),
        ("naive", NOON, NOON.replace(tzinfo=None)),
        ("day", date(2026, 1, 31), date(2026, 1, 31)),
        ("hour", time(23, 59, 59, 1), time(23, 59, 59, 1)),
        ("data", bytearray(b"\x00"), b"\x00"),
        ("doc", '{"a": 1}', '{"a": 1}'),
        ("many", ["a", "b"], ["a", "b"]),
        ("text", None, None),
        ("id", None, None),
    ],
)
async def test_values_of_each_column(store: PostgresStore, column: str, value: Any, expected: Any) -> None:
    async with store.transaction() as tx:
        await tx.execute(f"INSERT INTO thing ({column}) VALUES (:value)", value=value)
    row = await store.one(f"SELECT {column} AS value FROM thing")
    assert row is not None
    assert (row.value, type(row.value) is bool) == (expected, type(expected) is bool)


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("id", "not a uuid", "'value' is badly formed"),
        ("text", "a\x00b", "zero character"),
        ("text", b"x", "bytes, and the column holds text"),
        ("text", {}, "value of type dict"),
        ("small", 40_000, "out of int16 range|value out of"),
        ("whole", "5", "type str, and the column holds integers"),
        ("whole", 1.5, "type float, and the column holds integers"),
        ("big", 2**63, "beyond 64 bits"),
        ("real", float("nan"), "NaN"),
        ("real", "1", "holds numbers"),
        ("exact", Decimal("nan"), "NaN"),
        ("yes", 2, "holds true or false"),
        ("moment", datetime(2026, 1, 1), "without a time zone"),
        ("moment", "2026-01-01", "holds moments"),
        ("naive", datetime(2026, 1, 1), "without a time zone"),
        ("day", NOON, "holds days"),
        ("hour", time(1, tzinfo=UTC), "time zone"),
        ("hour", 5, "holds times of day"),
        ("data", "x", "holds bytes"),
        ("doc", "{", "json"),
        ("many", "x", "array|sized iterable"),
    ],
)
async def test_values_that_do_not_fit_are_refused(store: PostgresStore, column: str, value: Any, text: str) -> None:
    with pytest.raises(StatementError, match=text):
        async with store.transaction() as tx:
            await tx.execute(f"INSERT INTO thing ({column}) VALUES (:value)", value=value)
    assert await store.one("SELECT count(*) AS n FROM thing", int) == 0


class Thing(msgspec.Struct):
    """A row of native types."""

    id: UUID
    moment: datetime
    exact: Decimal
    yes: bool
    day: date


async def test_native_types_become_fields(store: PostgresStore) -> None:
    thing = Thing(ID, NOON, Decimal("1.10"), True, date(2026, 1, 31))
    async with store.transaction() as tx:
        await tx.execute(
            "INSERT INTO thing (id, moment, exact, yes, day) VALUES (:id, :moment, :exact, :yes, :day)",
            **msgspec.structs.asdict(thing),
        )
    assert await store.one("SELECT id, moment, exact, yes, day FROM thing", Thing) == thing


@pytest.mark.parametrize(
    ("sql", "params", "expected"),
    [
        ("SELECT :a + :b", {"a": 1, "b": 2}, 3),
        ("SELECT :a + :b", {"a": 1.5, "b": 2.0}, 3.5),
        ("SELECT :a + :a", {"a": Decimal("1.5")}, Decimal("3.0")),
        ("SELECT coalesce(:a, :b)", {"a": None, "b": "x"}, "x"),
        ("SELECT :a IS NULL AND :b IS NULL", {"a": None, "b": 5}, False),
        ("SELECT count(*) FROM thing WHERE :a IS NULL OR big < :a OR big > :a", {"a": None}, 0),
        ("SELECT count(*) FROM thing WHERE :a IS NULL OR id = :a", {"a": ID}, 0),
        ("SELECT count(*) FROM thing WHERE id = ANY(:ids)", {"ids": [ID]}, 0),
        ("SELECT :a::int", {"a": 5}, 5),
        ("SELECT sum(n) FROM (VALUES (1), (2)) AS t (n)", {}, 3),
        ("SELECT sum(n) FROM (VALUES (1::bigint), (2)) AS t (n)", {}, 3),
        ("SELECT avg(n) FROM (VALUES (1), (2)) AS t (n)", {}, Decimal("1.5")),
    ],
)
@pytest.mark.parametrize("in_transaction", [False, True])
async def test_types_that_the_statement_does_not_tell(
    store: PostgresStore, sql: str, params: dict[str, Any], expected: Any, in_transaction: bool
) -> None:
    for _ in range(2):
        if in_transaction:
            async with store.transaction() as tx:
                row = await tx.one(sql, **params)
        else:
            row = await store.one(sql, **params)
        assert row is not None
        assert row[0] == expected


async def test_a_type_that_cannot_be_told_keeps_the_message(store: PostgresStore) -> None:
    with pytest.raises(StatementError, match="no_such_function"):
        await store.one("SELECT no_such_function(:a)", a=1)
    with pytest.raises(StatementError, match="not unique"):
        await store.one("SELECT :a + :b", a=None, b=ID)


async def test_many_rows_are_counted_whatever_the_statement(store: PostgresStore) -> None:
    rows = [{"n": n} for n in range(5)]
    async with store.transaction() as tx:
        assert await tx.execute_many("INSERT INTO thing (big) VALUES (:n)", rows) == 5
        assert await tx.execute_many("UPDATE thing SET whole = 1 WHERE big >= :n", rows) == 5 + 4 + 3 + 2 + 1
        assert (
            await tx.execute_many("WITH x AS (SELECT :n::int AS n) DELETE FROM thing USING x WHERE big = n", rows) == 5
        )
        assert await tx.execute_many("INSERT INTO thing (big) VALUES (:n) RETURNING big", rows) == 5
    with pytest.raises(StatementError, match="row 2: parameter 'n' is"):
        async with store.transaction() as tx:
            await tx.execute_many("INSERT INTO thing (big) VALUES (:n)", [{"n": 1}, {"n": "x"}])
