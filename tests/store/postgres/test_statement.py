"""Where the parameters of a statement are for PostgreSQL, and which statements are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calve.store import StatementError
from calve.store.postgres.statement import translate_statement


@pytest.mark.parametrize(
    ("sql", "text", "names"),
    [
        ("SELECT 1", "SELECT 1", ()),
        ("SELECT :a, :b, :a", "SELECT $1, $2, $1", ("a", "b")),
        ("SELECT :a::text, x::int, ':no'::text", "SELECT $1::text, x::int, ':no'::text", ("a",)),
        ("SELECT f(a := :a)", "SELECT f(a := $1)", ("a",)),
        ("SELECT E'it\\':no', e'\\\\' , :yes", "SELECT E'it\\':no', e'\\\\' , $1", ("yes",)),
        ("SELECT 'it\\', :yes", "SELECT 'it\\', $1", ("yes",)),
        ('SELECT ":no", "a"":no", :yes', 'SELECT ":no", "a"":no", $1', ("yes",)),
        ("SELECT $$ :no ' $$, $t$ $$ :no $t$, :yes", "SELECT $$ :no ' $$, $t$ $$ :no $t$, $1", ("yes",)),
        ("SELECT a$b$c, :yes, a$b$", "SELECT a$b$c, $1, a$b$", ("yes",)),
        ("SELECT /* :no /* :no */ :no */ :yes -- :no", "SELECT /* :no /* :no */ :no */ $1 -- :no", ("yes",)),
        ("SELECT a ? 'b', a ?| :keys, a @> :b", "SELECT a ? 'b', a ?| $1, a @> $2", ("keys", "b")),
        ("SELECT a->>:key, a #>> '{x,:no}'", "SELECT a->>$1, a #>> '{x,:no}'", ("key",)),
        ("SELECT days[1: last], days[1:2], 1e5", "SELECT days[1: last], days[1:2], 1e5", ()),
        ("SELECT :a; -- the end", "SELECT $1", ("a",)),
        ("SELECT grüße FROM t WHERE größe = :g", "SELECT grüße FROM t WHERE größe = $1", ("g",)),
        ("SELECT 'not closed :no", "SELECT 'not closed :no", ()),
        ("SELECT $x$ not closed :no", "SELECT $x$ not closed :no", ()),
        ("SELECT 1 /* not closed :no", "SELECT 1 /* not closed :no", ()),
        ("WITH x AS (SELECT :a) DELETE FROM t", "WITH x AS (SELECT $1) DELETE FROM t", ("a",)),
    ],
)
def test_translation(sql: str, text: str, names: tuple[str, ...]) -> None:
    assert translate_statement(sql)[:2] == (text, names)


def test_casts_are_for_single_occurrences() -> None:
    translated = translate_statement("SELECT :a + :b + :a", {3: "bigint"})
    assert translated[:2] == ("SELECT $1 + $2 + $3::bigint", ("a", "b", "a"))


@pytest.mark.parametrize(
    ("sql", "returning"),
    [
        ("INSERT INTO t VALUES (1)", False),
        ("INSERT INTO t VALUES (1) returning id", True),
        ("INSERT INTO t VALUES ('RETURNING')", False),
    ],
)
def test_returning_is_a_word(sql: str, returning: bool) -> None:
    assert translate_statement(sql).returning is returning


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("", "no statement"),
        ("/* nothing /* at */ all */ -- here", "no statement"),
        ("SELECT 1; SELECT 2", "more than one statement"),
        ("SELECT 1;;", "more than one statement"),
        ("SELECT $1", r"\$1 in 'SELECT \$1': write parameters as :name"),
        ("begin", "BEGIN is not for"),
        ("START TRANSACTION", "START is not for"),
        ("prepare transaction 'x'", "PREPARE is not for"),
        ("SET search_path = x", "SET is not for .* nothing may be left behind"),
        ("LISTEN x", "nothing may be left behind"),
        ("NOTIFY x", "wait for each other"),
        ("COPY t FROM STDIN", "COPY is not for"),
        ("create table t (a int)", "schema file"),
        ("GRANT SELECT ON t TO x", "schema file"),
        ("VACUUM", "concerns the whole database"),
    ],
)
def test_refused(sql: str, text: str) -> None:
    with pytest.raises(StatementError, match=text):
        translate_statement(sql)


@given(st.text(alphabet="':\"-/*;$ab \n1()Ee\\", max_size=60))
def test_any_text_is_read_or_refused(sql: str) -> None:
    try:
        translated = translate_statement(sql)
    except StatementError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert all(f":{name}" in sql for name in translated.names)
    assert ";" not in translated.text or ";" in sql


@given(st.text(max_size=30).filter(lambda text: "\x00" not in text))
def test_whatever_is_quoted_stays_as_it_is(text: str) -> None:
    for quoted in (
        f"'{text.replace(chr(39), chr(39) * 2)}'",
        f'"{text.replace(chr(34), chr(34) * 2)}"',
        f"$q${text.replace('$', '')}$q$",
    ):
        assert translate_statement(f"SELECT {quoted}, :a").text == f"SELECT {quoted}, $1"
