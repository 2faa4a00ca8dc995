"""Keys: what is one, and what becomes of a mark."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calve.core.errors import InvalidArgument
from calve.core.idempotency import Mark, MarkState, Repeated, StoredMark, check_key


def a_mark() -> Mark:
    return Mark("debit", "k", "f", owner="me", now_ms=1, due_ms=2, expires_ms=3)


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255))
def test_visible_ascii_is_a_key(key: str) -> None:
    assert check_key(key) == key


@pytest.mark.parametrize("key", ["", " ", "a b", "a\n", "é", "\x7f", "k" * 256])
def test_anything_else_is_refused_with_its_field(key: str) -> None:
    with pytest.raises(InvalidArgument, match="1 to 255 visible ASCII") as caught:
        check_key(key)
    assert (caught.value.field, caught.value.may_have_run) == ("idempotency_key", False)


def test_a_mark_that_was_rolled_back_is_as_new() -> None:
    mark = a_mark()
    mark.placed(transaction := object())
    assert (mark.state, mark.transaction) == (MarkState.PLACED, transaction)
    mark.answered = 5
    mark.rolled_back()
    assert (mark.state, mark.transaction) == (MarkState.NEW, None)
    assert mark.answered != 5


def test_a_commit_ends_the_transaction_but_keeps_its_answer() -> None:
    mark = a_mark()
    mark.placed(object())
    mark.answered = 5
    mark.committing()
    assert (mark.state, mark.transaction, mark.answered) == (MarkState.COMMITTING, None, 5)


def test_the_signal_of_a_repeat_is_not_swallowed_by_authors() -> None:
    mark, stored = a_mark(), StoredMark("f", "other", 2)
    signal = mark.repeated(stored)
    assert isinstance(signal, Repeated)
    assert not isinstance(signal, Exception)
    assert (mark.state, mark.stored, mark.transaction) == (MarkState.REPEATED, stored, None)
