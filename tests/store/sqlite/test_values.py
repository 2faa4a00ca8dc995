"""Parameters as SQLite stores them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calve.store import SqliteStore, StatementError
from calve.store.sqlite.values import explain, to_sqlite


class Text(StrEnum):
    """Text that is an enumeration."""

    A = "a"


class Number(IntEnum):
    """A number that is an enumeration."""

    ONE = 1


class Nested(Enum):
    """Values that need converting themselves."""

    ID = UUID(int=1)


class Name(str):
    """A subclass of a plain type."""

    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (Name("ada"), "ada"),
        (Text.A, "a"),
        (Number.ONE, 1),
        (Nested.ID, "00000000-0000-0000-0000-000000000001"),
        (UUID(int=2), "00000000-0000-0000-0000-000000000002"),
        (Decimal("1.50"), "1.50"),
        (1.5, 1.5),
        (datetime(2026, 1, 31, 1, tzinfo=timezone(timedelta(hours=2))), "2026-01-30T23:00:00.000000Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
        (date(2026, 1, 31), "2026-01-31"),
        (time(1, 2, 3), "01:02:03.000000"),
        (bytearray(b"x"), b"x"),
        (memoryview(b"x"), b"x"),
    ],
)
def test_what_is_stored(value: Any, stored: Any) -> None:
    found = to_sqlite("p", value)
    assert found == stored
    assert type(found) is type(stored)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float("nan"), "NaN"),
        (datetime(2026, 1, 1), "without a time zone"),
        (time(1, tzinfo=UTC), "with a time zone"),
        (timedelta(1), "type timedelta"),
        ({}, "type dict"),
        (object(), "type object"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=2))), "out of range"),
    ],
)
def test_what_is_refused(value: Any, text: str) -> None:
    with pytest.raises(StatementError, match=f"'price' is .*{text}"):
        to_sqlite("price", value)


@given(st.lists(st.datetimes(timezones=st.timezones(), min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1))))
def test_text_of_moments_sorts_as_the_moments_do(moments: list[datetime]) -> None:
    by_text = sorted(moments, key=lambda m: str(to_sqlite("p", m)))
    instants = [m.astimezone(UTC) for m in by_text]
    assert instants == sorted(instants)


def test_a_refusal_without_a_known_reason_names_all_parameters() -> None:
    assert str(explain(("a", "b"), [1, "x"], OverflowError("why"))) == "the parameters a, b were refused: why"


@pytest.mark.parametrize("sql", ["SELECT ?", "SELECT ?1", "SELECT @owner", "SELECT $owner", "SELECT :owner, ?"])
async def test_parameters_are_written_in_one_way(store: SqliteStore, sql: str) -> None:
    params = {"owner": "ada"} if ":owner" in sql else {}
    with pytest.raises(StatementError, match="not all parameters are of the form :name"):
        await store.one(sql, **params)
