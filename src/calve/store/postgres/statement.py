"""Statements for PostgreSQL: `:name` becomes `$1`, and what a service may not run is refused.

    'text' E'it\\'s' "name" $tag$ text $tag$ -- comment /* comment /* in comment */ */       copied
    ::  :=                                                                                   copied
    :owner :owner                                                                            $1 $1
    $1                                                                                       refused

Operators with a question mark need no care: parameters are never written `?`. In an array's slice write a space before
a name (`days[1: last]`), because `:last` is a parameter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..errors import StatementError
from ..statement import REFUSED, check_first, shorten

TOKEN = re.compile(
    r"""(?P<comment> --[^\n]* ) | (?P<open> /\* )
      | [eE]'(?:[^'\\]|\\.|'')*'? | '(?:[^']|'')*'? | "(?:[^"]|"")*"?
      | \$(?P<tag>(?:[^\W\d]\w*)?)\$ .*? (?:\$(?P=tag)\$|\Z)
      | (?P<position>\$\d+)
      | ::|:=
      | :(?P<name>[A-Za-z_]\w*)
      | (?P<end>;)
      | (?P<word>[^\W\d][\w$]*)
      | \d[\w.]*""",
    re.DOTALL | re.VERBOSE,
)
_COMMENT = re.compile(r"/\*|\*/")

_SESSION = "a connection is shared by many transactions, so nothing may be left behind on it"
_REFUSED = {
    **REFUSED,
    **dict.fromkeys(("START", "ABORT", "PREPARE"), REFUSED["BEGIN"]),
    **dict.fromkeys(("GRANT", "REVOKE", "COMMENT", "REFRESH"), REFUSED["CREATE"]),
    **dict.fromkeys(
        ("SET", "RESET", "DISCARD", "LISTEN", "UNLISTEN", "LOAD", "DEALLOCATE", "EXECUTE", "DECLARE", "COPY"), _SESSION
    ),
    "NOTIFY": "it makes all commits of the whole server wait for each other",
    "CHECKPOINT": REFUSED["VACUUM"],
    "CLUSTER": REFUSED["VACUUM"],
}


class Token(NamedTuple):
    """A piece of SQL that matters here: kind is `name`, `end`, `word`, `position` or `comment`."""

    kind: str
    text: str
    start: int
    end: int


def tokens(sql: str) -> Iterator[Token]:
    """The tokens of a text; quoted text is left out. Comments may be nested."""
    position = 0
    while (match := TOKEN.search(sql, position)) is not None:
        position = match.end()
        kind = match.lastgroup
        if kind == "open":
            position = _end_of_comment(sql, match.start())
            yield Token("comment", "", match.start(), position)
        elif kind is not None and kind != "tag":
            yield Token(kind, match[kind], match.start(), position)


def _end_of_comment(sql: str, start: int) -> int:
    depth = 0
    for match in _COMMENT.finditer(sql, start):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return match.end()
    return len(sql)


class Statement(NamedTuple):
    """One statement, as the server gets it."""

    text: str
    """With `$1`, `$2`, …"""
    names: tuple[str, ...]
    """Names of the parameters in the order of their numbers; one may have several."""
    first: str
    """Its first word, in capitals."""
    returning: bool
    """Whether it has the word RETURNING."""


def translate_statement(sql: str, casts: Mapping[int, str] | None = None) -> Statement:
    """Number the parameters of a statement.

    Args:
        casts: None: a parameter has one number wherever it occurs. Otherwise each occurrence has a number of its own,
            from 1, and these get a cast to the type given.
    Raises: StatementError: no statement, more than one, or one that a service may not run.
    """
    names: list[str] = []
    parts: list[str] = []
    first, copied, ended, returning = "", 0, False, False
    for token in tokens(sql):
        if token.kind == "comment":
            continue
        if ended:
            raise StatementError(f"more than one statement in {shorten(sql)!r}; run them one by one")
        if token.kind == "end":
            ended = True
            parts.append(sql[copied : token.start])
            copied = len(sql)
        elif token.kind == "position":
            raise StatementError(f"{token.text} in {shorten(sql)!r}: write parameters as :name")
        elif token.kind == "name":
            if casts is not None or token.text not in names:
                names.append(token.text)
            number = len(names) if casts is not None else names.index(token.text) + 1
            cast = f"::{casts[number]}" if casts and number in casts else ""
            parts += (sql[copied : token.start], f"${number}{cast}")
            copied = token.end
        else:
            word = token.text.upper()
            first = first or check_first(word, sql, _REFUSED)
            returning = returning or word == "RETURNING"
    if not first:
        raise StatementError(f"no statement in {shorten(sql)!r}")
    return Statement("".join((*parts, sql[copied:])), tuple(names), first, returning)
