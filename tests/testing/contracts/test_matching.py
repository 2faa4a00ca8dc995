"""Texts for patterns: all of them match, and there are some for what contracts use."""

from __future__ import annotations

import re

import pytest

from calve.testing.contracts.matching import matching


@pytest.mark.parametrize(
    "pattern",
    [
        "^[a-z]+$",
        r"^\d{3}-\d{2,5}$",
        r"^(red|green|)$",
        r"^[^\s/]{2,}$",
        r"^(?P<a>[A-F0-9]{8}|x)\.txt$",
        r"[a-z0-9]+(?:[-_][a-z0-9]+)*",
        r"^.+@.+\.[a-z]{2,}$",
        "^[^a]$",
        "^(?>ab|c)+$",
        r"^\w+\s\S*$",
    ],
)
def test_texts_match_their_pattern(pattern: str) -> None:
    texts = matching(pattern)
    assert texts
    assert all(re.search(pattern, text) for text in texts)
    assert texts == matching(pattern)


def test_what_cannot_be_made_is_not_made_up() -> None:
    assert matching(r"^(?<=x)y$") == []
    assert matching(r"^a(?!a)$") == ["a"]
