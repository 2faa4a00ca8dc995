"""What people type, as an expression of the full-text index; no shop needed."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.catalog.search import sqlite_expression


@pytest.fixture(scope="module")
def index() -> apsw.Connection:
    """An empty full-text index."""
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE VIRTUAL TABLE text USING fts5 (body)")
    return connection


def test_words_are_quoted_and_may_be_cut_short() -> None:
    assert sqlite_expression("Oak  kett") == '"Oak"* "kett"*'


def test_no_word_is_no_expression() -> None:
    assert sqlite_expression(' "*- ') is None


@given(text=st.text(max_size=50))
def test_the_index_understands_whatever_is_typed(index: apsw.Connection, text: str) -> None:
    expression = sqlite_expression(text)
    if expression is not None:
        assert list(index.execute("SELECT * FROM text WHERE text MATCH ?", (expression,))) == []
