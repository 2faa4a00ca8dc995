"""Which tables SQL makes and names; and what is no SQL at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calve.boundaries.sql import is_sql, tables_of


def names(sql: str) -> list[str]:
    """`+` before those that are made."""
    return [f"{'+' if t.makes else ''}{t.schema + '.' if t.schema else ''}{t.name}" for t in tables_of(sql)]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM Wallet", ["wallet"]),
        ("SELECT * FROM a, b AS x, c y WHERE a.b = ','", ["a", "b", "c"]),
        ("SELECT * FROM a x JOIN b ON a.i = b.i LEFT OUTER JOIN `c` USING (i)", ["a", "b", "c"]),
        ('SELECT * FROM "Wallet" JOIN [entry]', ["wallet", "entry"]),
        ("SELECT * FROM wallet.entry", ["wallet.entry"]),
        ("SELECT * FROM main.wallet.entry e", ["wallet.entry"]),
        ("SELECT (SELECT max(x) FROM b) FROM a", ["b", "a"]),
        ("SELECT * FROM (SELECT 1 FROM a) t", ["a"]),
        ("SELECT 1 WHERE x IN (SELECT value FROM json_each(:a))", []),
        ("SELECT x FROM a WHERE y IS DISTINCT FROM z", ["a"]),
        (
            "WITH latest AS (SELECT * FROM a), b (x, y) AS NOT MATERIALIZED (VALUES (1, 2)) SELECT * FROM latest, b",
            ["a"],
        ),
        ("WITH RECURSIVE n(x) AS (SELECT 1 UNION SELECT x + 1 FROM n) SELECT * FROM n", []),
        ("INSERT INTO a (x) SELECT x FROM b ON CONFLICT DO UPDATE SET x = 1", ["a", "b"]),
        ("INSERT OR REPLACE INTO a VALUES (1) RETURNING x", ["a"]),
        ("REPLACE INTO a VALUES (1)", ["a"]),
        ("UPDATE OR IGNORE a SET x = 1 FROM b", ["a", "b"]),
        ("UPDATE ONLY a SET x = 1", ["a"]),
        ("DELETE FROM a WHERE x = 'DELETE FROM b' -- FROM c\n/* FROM d */", ["a"]),
        ("SELECT * FROM a FOR UPDATE", ["a"]),
        ("CREATE TABLE IF NOT EXISTS a (x TEXT REFERENCES b (y) ON UPDATE CASCADE ON DELETE SET NULL)", ["+a", "b"]),
        ("CREATE TEMP TABLE a (x)", ["+a"]),
        ("CREATE VIRTUAL TABLE a USING fts5 (x, content = 'b')", ["+a"]),
        ("CREATE TABLE a AS SELECT * FROM b", ["+a", "b"]),
        ("CREATE OR REPLACE VIEW a AS SELECT * FROM b", ["+a", "b"]),
        ("CREATE UNIQUE INDEX i ON a (x); CREATE TABLE b (y)", ["a", "+b"]),
        ("CREATE TRIGGER t AFTER UPDATE OF x ON a BEGIN INSERT INTO b VALUES (1); END;", ["a", "b"]),
        ("CREATE TRIGGER t AFTER UPDATE ON a BEGIN SELECT 1; END;", ["a"]),
        ("ALTER TABLE a RENAME TO b", ["+b", "a"]),
        ("ALTER TABLE a ADD COLUMN x", ["a"]),
        ("DROP TABLE IF EXISTS a", ["a"]),
        ("SELECT * FROM", []),
        ("", []),
        ("SELECT 'never closed FROM a", []),
    ],
)
def test_tables(sql: str, expected: list[str]) -> None:
    assert names(sql) == expected


@given(text=st.text(alphabet="SELECT FROMJOINab,.()'\"`[];-/*\n\x00é", max_size=60))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert all(0 <= table.at < len(text) for table in tables_of(text))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1 FROM a",
        "  select x from a",
        "insert into a values (1)",
        "update a set x = 1",
        "-- why\nDELETE FROM a",
        " FROM stock WHERE sku = :sku",
        "x IN (SELECT sku FROM stock)",
        "CREATE TABLE a (x)",
    ],
)
def test_sql_and_parts_of_it_are_known(text: str) -> None:
    assert is_sql(text)


@pytest.mark.parametrize(
    "text",
    ["", "Update the stock", "Select one", "the wallet from stock", "delete", "FROM", "Create a wallet", "with a view"],
)
def test_english_is_not_sql(text: str) -> None:
    assert not is_sql(text)
