"""Tables by the words of a statement."""

from __future__ import annotations

import pytest

from calve.audit.trace.recorder.sql import tables


@pytest.mark.parametrize(
    ("text", "reads", "writes"),
    [
        ("SELECT 1", [], []),
        ('SELECT "a"."id" FROM "orders" "a" INNER JOIN "lines" ON ("a"."id" = "lines"."o")', ["orders", "lines"], []),
        ("select * from s.a as x, b y, `c` where 1", ["a", "b", "c"], []),
        ("SELECT * FROM (SELECT id FROM a) q LEFT OUTER JOIN b USING (id)", ["a", "b"], []),
        ("SELECT * FROM orders FOR UPDATE OF orders", ["orders"], []),
        ("SELECT a IS DISTINCT FROM b FROM t", ["t"], []),
        ("INSERT INTO a (x) VALUES ('from b')", [], ["a"]),
        ("INSERT OR IGNORE INTO a SELECT * FROM b", ["b"], ["a"]),
        ("INSERT INTO a VALUES (1) ON CONFLICT DO UPDATE SET x = 1", [], ["a"]),
        ("INSERT INTO a VALUES (1) ON DUPLICATE KEY UPDATE x = 1", [], ["a"]),
        ("REPLACE INTO a VALUES (1)", [], ["a"]),
        ("UPDATE ONLY a SET x = 1 FROM b WHERE a.id = b.id", ["b"], ["a"]),
        ("DELETE FROM a USING b WHERE a.id = b.id", ["b"], ["a"]),
        ("TRUNCATE TABLE a", [], ["a"]),
        ("WITH q AS (DELETE FROM a RETURNING *) SELECT * FROM q", ["q"], ["a"]),
        ("(SELECT * FROM a) UNION (SELECT * FROM b)", ["a", "b"], []),
        ("MERGE INTO a USING b ON 1 WHEN MATCHED THEN DELETE", ["b"], ["a"]),
        ("SELECT 'it''s from b', $q$ from c $q$ FROM a -- from d\n/* join e */", ["a"], []),
        ("CREATE TABLE a AS SELECT * FROM b", [], []),
        ("SAVEPOINT x", [], []),
        ("", [], []),
        ("SELECT * FROM", [], []),
        ("UPDATE", [], []),
    ],
)
def test_tables_of_a_statement(text: str, reads: list[str], writes: list[str]) -> None:
    assert tables(text) == (reads, writes)
