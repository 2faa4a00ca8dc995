"""Names and comments for other languages."""

from __future__ import annotations

import pytest

from calve.contract.exports.words import comment, identifier, pascal, snake


@pytest.mark.parametrize(
    ("name", "pascals", "snakes"),
    [
        ("order_status", "OrderStatus", "order_status"),
        ("OrderStatus", "OrderStatus", "order_status"),
        ("HTTPRule2", "HTTPRule2", "http_rule2"),
        ("a-b.c", "ABC", "a_b_c"),
        ("é", "X", "x"),
    ],
)
def test_cases(name: str, pascals: str, snakes: str) -> None:
    assert (pascal(name), snake(name)) == (pascals, snakes)


@pytest.mark.parametrize(
    ("name", "made"), [("ok", "ok"), ("9x", "_9x"), ("a-b", "a_b"), ("class", "class_"), ("", "_")]
)
def test_identifiers(name: str, made: str) -> None:
    assert identifier(name, ("class",)) == made


def test_comments_are_wrapped() -> None:
    lines = list(comment(f"One.\n\n{'word ' * 40}", "//", "  "))
    assert lines[:2] == ["  // One.", "  //"]
    assert len(lines) == 4
    assert all(len(line) <= 115 for line in lines)
    assert list(comment("", "//")) == []
