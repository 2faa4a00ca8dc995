"""Which tables a statement reads and writes, by its words alone.

Literals and comments are cut out first. That is not relied upon for secrecy (no dialect's quoting is followed to the
letter): whoever calls this keeps only names that it knows to be tables.
"""

from __future__ import annotations

import re

_CUT = re.compile(
    r"""'(?:[^'\\]|\\.|'')*'      # a literal
    |   \$(\w*)\$.*?\$\1\$        # a literal of PostgreSQL
    |   --[^\n]*                  # comments
    |   /\*.*?\*/
    """,
    re.VERBOSE | re.DOTALL,
)
_WORD = re.compile(r"[\w$]+|[.,()]")
_STATEMENTS = frozenset(("select", "insert", "update", "delete", "with", "merge", "replace", "truncate"))
_FILLERS = frozenset(("only", "table", "low_priority", "ignore", "or", "abort", "fail", "rollback", "lateral"))
_NO_ALIAS = frozenset(("set", "where", "on", "using", "values", "select", "join", "inner", "left", "right", "full"))


def tables(text: str) -> tuple[list[str], list[str]]:
    """Names that may be tables.

    Returns: (read, written), each in order of appearance, in lower case and without schemas; no name is in both twice.
    """
    words = _WORD.findall(_CUT.sub(" ", text).lower())
    start = next((word for word in words if word != "("), "")
    reads: dict[str, None] = {}
    writes: dict[str, None] = {}
    if start not in _STATEMENTS:
        return [], []
    for index, word in enumerate(words):
        before = words[index - 1] if index else ""
        if _writes(word, before):
            writes.update(dict.fromkeys(_names(words, index + 1)[:1]))
        elif word in ("from", "join", "using") and before != "distinct":
            reads.update(dict.fromkeys(_names(words, index + 1)))
    return list(reads), list(writes)


def _writes(word: str, before: str) -> bool:
    """Whether the next word is a table that is written: not so in `FOR UPDATE OF`, `DO UPDATE SET`."""
    if word == "update":
        return before not in ("for", "do", "key", "on")
    return word in ("into", "truncate") or (word == "from" and before == "delete")


def _names(words: list[str], index: int) -> list[str]:
    """The name at a place, and those after commas: `a`, `s.a AS x, b`."""
    found = []
    while index < len(words):
        while index < len(words) and words[index] in _FILLERS:
            index += 1
        if index >= len(words) or not words[index][0].isidentifier():
            break
        while words[index + 1 : index + 2] == ["."] and index + 2 < len(words):
            index += 2
        found.append(words[index])
        index += 1
        if words[index : index + 1] == ["as"]:
            index += 1
        if index < len(words) and words[index][0].isidentifier() and words[index] not in _NO_ALIAS:
            index += 1
        if words[index : index + 1] != [","]:
            break
        index += 1
    return found
