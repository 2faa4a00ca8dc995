"""Which tables a piece of SQL names. A scan, not a parser: dialects and half sentences have to be read, too."""

from __future__ import annotations

import re

_NAME = r'["`\[]?([A-Za-z_][\w$]*)["`\]]?(?:\s*\.\s*["`\[]?([A-Za-z_][\w$]*)["`\]]?)?'
_WRITE = re.compile(
    rf"\b(?:insert\s+(?:or\s+\w+\s+)?into|replace\s+into|merge\s+into|delete\s+from|truncate\s+(?:table\s+)?|update(?:\s+only)?)\s+{_NAME}",
    re.IGNORECASE,
)
_READ = re.compile(rf"\b(?:from|join)\s+(?:only\s+|lateral\s+)?{_NAME}", re.IGNORECASE)
_WORDS = frozenset(
    [
        "select",
        "set",
        "values",
        "where",
        "lateral",
        "unnest",
        "only",
        "skip",
        "nowait",
        "of",
        "generate_series",
        "json_each",
        "as",
    ]
)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def tables_of(sql: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The tables a statement reads and writes, sorted, in lower case, without their schema; None when it names none."""
    sql = _COMMENT.sub(" ", sql)
    writes = _tables(_WRITE, sql)
    reads = _tables(_READ, sql) - writes - {match.lower() for match in _ctes(sql)}
    return (tuple(sorted(reads)), tuple(sorted(writes))) if reads or writes else None


def _tables(pattern: re.Pattern[str], sql: str) -> set[str]:
    found = {(second or first).lower() for first, second in pattern.findall(sql)}
    return found - _WORDS


def _ctes(sql: str) -> list[str]:
    """Names that the statement itself gives to subqueries."""
    return re.findall(r"(?:\bwith(?:\s+recursive)?|,)\s+([A-Za-z_]\w*)\s*(?:\([^)]*\)\s*)?as\s*\(", sql, re.IGNORECASE)
