"""From what people type to what the full-text index understands."""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+")


def match_expression(text: str) -> str | None:
    """An FTS5 query for rows with every word of `text`, the last letters of which may be missing.

    Words are quoted, so operators of the query language (AND, NEAR, *, ^ …) are words like any other.
    Returns: None when there is no word in the text, which matches nothing.
    """
    words = _WORD.findall(text)
    return " ".join(f'"{word}"*' for word in words) if words else None
