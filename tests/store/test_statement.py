"""Where the parameters of a statement are, and which statements are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calve.store import StatementError
from calve.store.statement import parameter_names, shorten


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT 1", ()),
        ("SELECT :a, :b, :a", ("a", "b")),
        ("select :a_1,:b;", ("a_1", "b")),
        ("SELECT ':no', \":no\", `:no`, :yes", ("yes",)),
        ("SELECT 'it''s :no', \"a\"\":no\" , :yes -- :no\n", ("yes",)),
        ("/* :no ; */ SELECT :yes; -- the end; :no", ("yes",)),
        ("SELECT :a::text, x::int", ("a",)),
        ("SELECT '{\"a\": 1}' ->> :key", ("key",)),
        ("WITH x AS (SELECT :a) INSERT INTO t SELECT * FROM x RETURNING id", ("a",)),
        ("SELECT 'not closed :no", ()),
    ],
)
def test_names(sql: str, names: tuple[str, ...]) -> None:
    assert parameter_names(sql) == names


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("", "no statement"),
        ("/* nothing */ -- at all", "no statement"),
        ("SELECT 1; SELECT 2", "more than one statement"),
        ("SELECT 1;;", "more than one statement"),
        ("begin", "BEGIN is not for"),
        ("-- x\n SAVEPOINT a", "SAVEPOINT is not for"),
        ("PRAGMA synchronous = OFF", "PRAGMA is not for"),
        ("ATTACH 'x' AS y", "ATTACH is not for"),
        ("create table t (a)", "schema file"),
        ("UPDATE OR rollback t SET a = 1", "would undo the other transactions"),
    ],
)
def test_refused(sql: str, text: str) -> None:
    with pytest.raises(StatementError, match=text):
        parameter_names(sql)


def test_words_that_only_look_refused() -> None:
    assert parameter_names("SELECT \"rollback\", 'COMMIT' FROM begin_log WHERE create_time < :now") == ("now",)


@given(st.text(alphabet="':\"`-/*;ab \n1()", max_size=60))
def test_any_text_is_read_or_refused(sql: str) -> None:
    try:
        names = parameter_names(sql)
    except StatementError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert all(f":{name}" in sql for name in names)


def test_messages_show_a_statement_in_one_short_line() -> None:
    assert shorten("SELECT\n    1") == "SELECT 1"
    assert len(shorten("x " * 1000)) == 120
