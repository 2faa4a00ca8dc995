"""Rows and what they become."""

from __future__ import annotations

import msgspec
import pytest

from calve import Message
from calve.store import Row, StatementError
from calve.store.rows import row_type, rows_into


class Point(Message):
    """Two numbers, one of which may be missing."""

    x: int
    y: int | None = None


def make_row(**values: object) -> Row:
    """A row with these columns."""
    return row_type(tuple(values))(values.values())


def test_access_by_attribute_key_and_position() -> None:
    row = make_row(owner="ada", cents=5)
    assert (row.owner, row["owner"], row[0], row[-1], row[:1]) == ("ada", "ada", "ada", 5, ("ada",))
    owner, cents = row
    assert (owner, cents) == ("ada", 5)
    assert dict(row) == {"owner": "ada", "cents": 5}
    assert repr(row) == "Row(owner='ada', cents=5)"
    assert row == ("ada", 5)


def test_columns_win_over_methods_of_tuple() -> None:
    row = make_row(count=1, index=2)
    assert (row.count, row.index) == (1, 2)


def test_columns_that_are_reached_by_key_only() -> None:
    row = make_row(**{"count(*)": 1, "keys": 2, "_x": 3})
    assert (row["count(*)"], row["keys"], row["_x"]) == (1, 2, 3)
    assert row.keys() == ("count(*)", "keys", "_x")


def test_a_missing_column_comes_with_near_misses() -> None:
    row = make_row(owner="ada")
    with pytest.raises(AttributeError, match="no column 'ownr'; did you mean 'owner'"):
        row.ownr  # noqa: B018
    with pytest.raises(KeyError, match="did you mean 'owner'"):
        row["ownr"]
    with pytest.raises(IndexError):
        row[1]


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(StatementError, match="two columns are called 'id'"):
        rows_into(("id", "x", "id"), Row)


def test_messages_take_the_columns_they_know() -> None:
    assert rows_into(("x", "z"), Point)([(1, 2), (3, 4)]) == [Point(x=1), Point(x=3)]


@pytest.mark.parametrize(
    ("columns", "into", "row", "text"),
    [
        (("x",), Point, ("a",), "row 1 does not fit Point: Expected `int`, got `str` in column x"),
        (("y",), Point, (1,), "row 1 does not fit Point: .*missing required field `x`"),
        (("n",), int, (None,), "row 1 does not fit int: Expected `int`, got `null` in column n"),
        (("n",), bool, (2,), "row 1 does not fit bool"),
    ],
)
def test_rows_that_do_not_fit(columns: tuple[str, ...], into: type, row: tuple[object, ...], text: str) -> None:
    with pytest.raises(StatementError, match=text):
        rows_into(columns, into)([row])


def test_a_scalar_needs_one_column() -> None:
    with pytest.raises(StatementError, match="int holds one column, but there are 2: a, b"):
        rows_into(("a", "b"), int)


def test_a_type_that_no_row_can_become() -> None:
    with pytest.raises(StatementError, match="row 1 does not fit Unreadable: cannot decode"):
        rows_into(("a",), Unreadable)([("x",)])


def test_a_type_that_cannot_be_told_from_data() -> None:
    class Ambiguous(Message):
        x: Point | Account

    with pytest.raises(StatementError, match=r"rows cannot become .*Ambiguous: .*must be tagged"):
        rows_into(("x",), Ambiguous)([(1,)])


class Account(Message):
    """Another message."""

    owner: str


class Unreadable:
    """A class that msgspec knows nothing of."""

    def __init__(self, row: Row) -> None:
        self.row = row


def test_fields_with_another_name_in_the_database() -> None:
    class Renamed(msgspec.Struct, rename={"owner": "customer"}):
        owner: str

    assert rows_into(("customer",), Renamed)([("ada",)]) == [Renamed("ada")]
