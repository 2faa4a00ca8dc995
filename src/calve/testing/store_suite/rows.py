"""The part about statements: what goes in, what comes out, and what is said about mistakes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, TypedDict
from uuid import UUID, uuid4

import msgspec
import pytest

from ...store import ConstraintViolated, StatementError, Store
from .base import COUNT, GET, PUT, StoreTests, put


class Account(msgspec.Struct):
    """A row as a Struct."""

    owner: str
    cents: int


@dataclass
class AccountData:
    """A row as a dataclass."""

    owner: str
    cents: int


class AccountDict(TypedDict):
    """A row as a TypedDict."""

    owner: str
    cents: int


class Kept(TypedDict):
    """A row that may not be NULL."""

    value: str


class Colour(Enum):
    """An enumeration of text."""

    RED = "red"


class Level(Enum):
    """An enumeration of numbers."""

    HIGH = 3


class RowTests(StoreTests):
    """See the module."""

    async def test_a_transaction_reads_its_own_writes(self, store: Store) -> None:
        async with store.transaction() as tx:
            assert await tx.execute(PUT, owner="ada", cents=5) == 1
            assert await tx.one(GET, int, owner="ada") == 5

    async def test_what_is_committed_is_read_by_everybody_at_once(self, store: Store) -> None:
        await put(store, "ada", 5)
        assert await store.one(GET, int, owner="ada") == 5
        async with store.read() as reader:
            assert await reader.one(GET, int, owner="ada") == 5
        async with store.transaction() as tx:
            assert await tx.one(GET, int, owner="ada") == 5

    async def test_execute_counts_the_rows_it_changed(self, store: Store) -> None:
        async with store.transaction() as tx:
            rows = [{"owner": f"o{i}", "cents": i} for i in range(100)]
            assert await tx.execute_many(PUT, rows) == 100
            assert await tx.execute("UPDATE account SET cents = 0 WHERE cents >= :least", least=90) == 10
            assert await tx.execute("DELETE FROM account WHERE cents < :most", most=-1) == 0
            assert await tx.execute("SELECT 1") == 0
            assert await tx.execute_many(PUT, []) == 0

    async def test_one_is_none_or_the_only_row(self, store: Store) -> None:
        await put(store, "ada", 1)
        assert await store.one(GET, owner="bob") is None
        assert await store.one(GET, int, owner="bob") is None
        await put(store, "bob", 2)
        with pytest.raises(StatementError, match="more than one row"):
            await store.one("SELECT * FROM account")
        async with store.read() as reader:
            with pytest.raises(StatementError, match="more than one row"):
                await reader.one("SELECT * FROM account")
            assert await reader.one(COUNT, int) == 2

    async def test_returning_gives_rows(self, store: Store) -> None:
        async with store.transaction() as tx:
            row = await tx.one(f"{PUT} RETURNING owner", str, owner="ada", cents=1)
            assert row == "ada"
        assert await store.one(COUNT, int) == 1

    async def test_rows_in_every_shape(self, store: Store) -> None:
        await put(store, "ada", 1)
        await put(store, "bob", 2)
        select = "SELECT owner, cents FROM account ORDER BY owner"
        row, _ = await store.all(select)
        assert (row.owner, row["cents"], row[1], tuple(row)) == ("ada", 1, 1, ("ada", 1))
        assert dict(row) == {"owner": "ada", "cents": 1}
        assert await store.all(select, Account) == [Account("ada", 1), Account("bob", 2)]
        assert await store.all(select, AccountData) == [AccountData("ada", 1), AccountData("bob", 2)]
        assert await store.all(select, AccountDict) == [{"owner": "ada", "cents": 1}, {"owner": "bob", "cents": 2}]
        assert await store.all("SELECT owner FROM account ORDER BY owner", str) == ["ada", "bob"]

    async def test_rows_that_do_not_fit_name_row_and_column(self, store: Store) -> None:
        async with store.transaction() as tx:
            await tx.execute("INSERT INTO kept (id, value) VALUES (1, 'x'), (2, NULL)")
        with pytest.raises(StatementError, match=r"row 2 does not fit .*column value"):
            await store.all("SELECT id, value FROM kept ORDER BY id", Kept)
        with pytest.raises(StatementError, match="cents"):
            await store.all("SELECT value AS owner FROM kept WHERE id = 1", Account)

    @pytest.mark.parametrize(
        ("value", "into"),
        [
            ("tëxt", str),
            ("", str),
            (None, type(None)),
            (uuid4(), UUID),
            (Decimal("1.10"), Decimal),
            (Decimal("123456789012345678901234567890.123"), Decimal),
            (datetime(2026, 1, 31, 12, 30, 0, 5, tzinfo=UTC), datetime),
            (date(2026, 1, 31), date),
            (time(23, 59, 59, 1), time),
            (Colour.RED, Colour),
        ],
        ids=lambda value: getattr(value, "__name__", type(value).__name__),
    )
    async def test_text_values_come_back(self, store: Store, value: Any, into: Any) -> None:
        async with store.transaction() as tx:
            await tx.execute("INSERT INTO kept (id, value) VALUES (1, :value)", value=value)
        assert await store.one("SELECT value FROM kept", into) == value

    async def test_a_zero_in_text_comes_back_or_is_refused(self, store: Store) -> None:
        insert, text = "INSERT INTO kept (id, value) VALUES (1, :value)", "tëxt \x00 with zero"
        if self.features.zero_in_text:
            async with store.transaction() as tx:
                await tx.execute(insert, value=text)
            assert await store.one("SELECT value FROM kept", str) == text
            return
        with pytest.raises(StatementError, match="'value' is text with a zero character"):
            async with store.transaction() as tx:
                await tx.execute(insert, value=text)

    @pytest.mark.parametrize(
        ("column", "value", "into"),
        [
            ("whole", -(2**63), int),
            ("whole", 2**63 - 1, int),
            ("whole", Level.HIGH, Level),
            ("real", -1.5e300, float),
            ("real", float("inf"), float),
            ("flag", True, bool),
            ("flag", False, bool),
            ("data", b"\x00\xff", bytes),
            ("data", b"", bytes),
        ],
    )
    async def test_other_values_come_back(self, store: Store, column: str, value: Any, into: Any) -> None:
        async with store.transaction() as tx:
            await tx.execute(
                "INSERT INTO number (id, COLUMN) VALUES (1, :value)".replace("COLUMN", column), value=value
            )
        assert await store.one("SELECT COLUMN AS value FROM number".replace("COLUMN", column), into) == value

    async def test_moments_sort_by_time_whatever_their_zone(self, store: Store) -> None:
        first = datetime(2026, 1, 31, 23, 0, tzinfo=timezone(timedelta(hours=5)))
        second = datetime(2026, 1, 31, 18, 0, 0, 1, tzinfo=UTC)
        async with store.transaction() as tx:
            insert = "INSERT INTO kept (id, value) VALUES (:id, :value)"
            await tx.execute_many(insert, [{"id": 1, "value": second}, {"id": 2, "value": first}])
        assert await store.all("SELECT value FROM kept ORDER BY value", datetime) == [first, second]

    @pytest.mark.parametrize(
        ("sql", "params", "text"),
        [
            (GET, {}, "missing: owner"),
            (GET, {"ownr": "ada"}, "missing: owner; unknown: ownr"),
            (GET, {"owner": "ada", "more": 1}, "unknown: more"),
            (GET, {"owner": 2**63}, "'owner' is .* beyond 64 bits"),
            (GET, {"owner": float("nan")}, "'owner' is NaN"),
            (GET, {"owner": datetime(2026, 1, 1)}, "'owner' is a datetime without a time zone"),
            (GET, {"owner": ["ada"]}, "'owner' is a value of type list"),
            (GET, {"owner": "\ud800"}, "'owner' is text with half a surrogate"),
            ("SELEC 1", {}, "SELEC"),
            ("SELECT * FROM nowhere", {}, "nowhere"),
            ("SELECT 1; SELECT 2", {}, "more than one statement"),
            ("  -- nothing", {}, "no statement"),
            ("COMMIT", {}, "COMMIT is not for"),
            ("DROP TABLE account", {}, "schema file"),
        ],
    )
    async def test_a_wrong_statement_is_explained(
        self, store: Store, sql: str, params: dict[str, Any], text: str
    ) -> None:
        with pytest.raises(StatementError, match=text):
            await store.one(sql, **params)
        with pytest.raises(StatementError, match=text):
            async with store.transaction() as tx:
                await tx.execute(sql, **params)
        assert await store.one(COUNT, int) == 0

    async def test_parameters_may_have_any_name(self, store: Store) -> None:
        assert await store.one("SELECT :self + :sql + :into AS sum", int, self=1, sql=2, into=3) == 6

    async def test_the_same_parameter_may_be_asked_for_null(self, store: Store) -> None:
        await put(store, "ada", 5)
        sql = "SELECT owner FROM account WHERE :least IS NULL OR cents >= :least"
        for least, found in ((None, ["ada"]), (6, []), (5, ["ada"])):
            assert await store.all(sql, str, least=least) == found
            async with store.transaction() as tx:
                assert await tx.all(f"{sql} ORDER BY owner", str, least=least) == found

    async def test_a_colon_in_text_or_comment_is_no_parameter(self, store: Store) -> None:
        row = await store.one("SELECT ':a' AS a, /* :b */ 'it''s :c' AS c -- :d")
        assert row is not None
        assert tuple(row) == (":a", "it's :c")

    @pytest.mark.parametrize(
        ("sql", "kind"),
        [
            ("INSERT INTO account (owner, cents) VALUES ('ada', 1)", "unique"),
            ("INSERT INTO account (owner, cents) VALUES ('bob', -1)", "check"),
            ("INSERT INTO account (owner, cents) VALUES ('bob', NULL)", "not_null"),
            ("INSERT INTO entry (number, owner) VALUES (1, 'nobody')", "foreign_key"),
        ],
    )
    async def test_a_broken_constraint_says_which(self, store: Store, sql: str, kind: str) -> None:
        await put(store, "ada", 1)
        with pytest.raises(ConstraintViolated) as caught:
            async with store.transaction() as tx:
                await tx.execute(sql)
        assert caught.value.kind == kind
        assert await store.all("SELECT * FROM account", Account) == [Account("ada", 1)]

    async def test_a_read_may_not_write(self, store: Store) -> None:
        with pytest.raises(StatementError, match="may not write"):
            await store.one(PUT, owner="ada", cents=1)
        async with store.read() as reader:
            with pytest.raises(StatementError, match="may not write"):
                await reader.one(f"{PUT} RETURNING owner", owner="ada", cents=1)
            assert await reader.one(COUNT, int) == 0
