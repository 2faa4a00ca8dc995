"""Which tables a piece of SQL makes, and which it names. Not a parser: it knows the words that tables follow.

    SELECT * FROM wallet w, entry JOIN "rate" …      names wallet, entry, rate
    INSERT INTO main.wallet …                        names wallet
    CREATE VIRTUAL TABLE search USING fts5 (…)       makes search
    WITH latest AS (…) SELECT * FROM latest          names nothing: latest is made up in the statement

Names count only when some service makes a table of that name, so a word that is taken for a table by mistake does no
harm unless it is one. A full parser (sqlglot) was tried and left out: see decision 0016.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<text>'(?:[^']|'')*'?)
      | "(?P<double>(?:[^"]|"")*)"? | `(?P<back>[^`]*)`? | \[(?P<bracket>\w[^\]]*)\]
      | (?P<skip>--[^\n]*|/\*.*?(?:\*/|\Z)|\s+)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<mark>.)""",
    re.DOTALL | re.VERBOSE,
)

_STARTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "REPLACE", "MERGE", "CREATE", "ALTER", "DROP", "TRUNCATE")
_SHAPES = {
    "SELECT": {"FROM"},
    "INSERT": {"INTO"},
    "UPDATE": {"SET"},
    "DELETE": {"FROM"},
    "WITH": {"AS"},
    "REPLACE": {"INTO"},
    "MERGE": {"INTO"},
    "CREATE": {"TABLE", "VIEW", "INDEX", "TRIGGER"},
    "ALTER": {"TABLE"},
    "DROP": {"TABLE", "VIEW"},
    "TRUNCATE": {"TABLE"},
}
"""First word of a statement -> words of which one has to follow, or it is English."""
_FRAGMENT = re.compile(r"(?:^|[\s(])(?:FROM|JOIN|INTO)\s+[\"`\[]?[A-Za-z_]")
_BEFORE_NAME = {"IF", "NOT", "EXISTS", "ONLY", "OR", "IGNORE", "ABORT", "FAIL", "ROLLBACK", "LATERAL", "TABLE"}
_NO_NAME = {"SELECT", "SET", "ON", "OF", "VALUES", "CASCADE", "RESTRICT", "NO"}
_AFTER = {"FROM", "JOIN", "INTO", "UPDATE", "TABLE", "VIEW", "REFERENCES"}


class Token(NamedTuple):
    """A word, a quoted name or a mark."""

    text: str
    """As written, without quotes."""
    upper: str
    """In capitals; '' for a quoted name, which is no keyword."""
    at: int
    """Position in the text."""


class TableName(NamedTuple):
    """A table that SQL names."""

    name: str
    """In lower case: databases compare names so."""
    schema: str
    """What stands before the dot, in lower case; '' when nothing does."""
    makes: bool
    """Whether the statement makes it."""
    at: int
    """Position in the text."""


def is_sql(text: str) -> bool:
    """Whether a text of a program is SQL or a part of it: has the words of a statement, or `FROM x` in capitals."""
    if _FRAGMENT.search(text):
        return True
    words = re.findall(r"[A-Za-z_]\w*", text[:2000])
    if not words or words[0].upper() not in _STARTS:
        return False
    return not _SHAPES[words[0].upper()].isdisjoint(word.upper() for word in words[1:])


def tables_of(sql: str) -> list[TableName]:
    """Every table that one or several statements name, in order; views are tables here."""
    tokens = list(_tokens(sql))
    made_up = {t.text.lower() for i, t in enumerate(tokens) if _is_common_table(tokens, i)}
    found = [name for i in range(len(tokens)) for name in _names_after(tokens, i)]
    return [name for name in found if name.schema or name.name not in made_up]


def _tokens(sql: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(sql):
        quoted = next((match[kind] for kind in ("double", "back", "bracket") if match[kind] is not None), None)
        if quoted is not None:
            yield Token(quoted, "", match.start())
        elif match["word"]:
            yield Token(match["word"], match["word"].upper(), match.start())
        elif match["text"] or match["mark"]:
            yield Token(match["mark"] or "'", match["mark"] or "'", match.start())


def _is_common_table(tokens: Sequence[Token], i: int) -> bool:
    """Whether a token is the name of a common table expression: `name AS (` or `name (columns) AS (`."""
    after = i + 1
    if _upper(tokens, after) == "(":
        while after < len(tokens) and tokens[after].upper != ")":
            after += 1
        after += 1
    if _upper(tokens, after) != "AS" or _upper(tokens, i - 1) not in ("WITH", "RECURSIVE", ","):
        return False
    after += 1
    while _upper(tokens, after) in ("NOT", "MATERIALIZED"):
        after += 1
    return _upper(tokens, after) == "("


def _names_after(tokens: Sequence[Token], i: int) -> Iterator[TableName]:
    """The tables that follow a keyword, if it is one that tables follow."""
    word = tokens[i].upper
    if word == "ON" and _is_definition(tokens, i):
        name, _ = _name_at(tokens, i + 1, makes=False)
        if name is not None:
            yield name
    if word not in _AFTER or (word == "FROM" and _upper(tokens, i - 1) == "DISTINCT"):
        return
    makes = word in ("TABLE", "VIEW") and "CREATE" in (_upper(tokens, i - n) for n in (1, 2, 3))
    renamed = _renamed(tokens, i) if word == "TABLE" and _upper(tokens, i - 1) == "ALTER" else None
    if renamed is not None:
        yield renamed
    at = i + 1
    while True:
        name, after = _name_at(tokens, at, makes=makes)
        if name is not None:
            yield name
        if word != "FROM":
            return
        comma = _next_in_list(tokens, after)
        if comma is None:
            return
        at = comma + 1


def _name_at(tokens: Sequence[Token], at: int, *, makes: bool) -> tuple[TableName | None, int]:
    """The name at a position, and where it ends."""
    while _upper(tokens, at) in _BEFORE_NAME:
        at += 1
    if at >= len(tokens) or not _is_name(tokens[at]):
        return None, at
    start, parts = at, [tokens[at].text]
    while _upper(tokens, at + 1) == "." and at + 2 < len(tokens) and _is_name(tokens[at + 2]):
        at += 2
        parts.append(tokens[at].text)
    if _upper(tokens, at + 1) == "(" and not makes and _upper(tokens, start - 1) in ("FROM", "JOIN", ",", "LATERAL"):
        return None, at  # a function
    schema = parts[-2].lower() if len(parts) > 1 else ""
    return TableName(parts[-1].lower(), schema, makes, tokens[start].at), at


def _is_name(token: Token) -> bool:
    return not token.upper or ((token.text[0].isalpha() or token.text[0] == "_") and token.upper not in _NO_NAME)


def _next_in_list(tokens: Sequence[Token], at: int) -> int | None:
    """The comma that follows a table and its alias in `FROM a x, b AS y`; None when something else does."""
    at += 1
    if _upper(tokens, at) == "AS":
        at += 1
    if at < len(tokens) and _is_name(tokens[at]):
        at += 1
    return at if _upper(tokens, at) == "," else None


def _is_definition(tokens: Sequence[Token], i: int) -> bool:
    """Whether an ON belongs to CREATE INDEX or CREATE TRIGGER, and not to a join."""
    for token in reversed(tokens[:i]):
        if token.upper == ";":
            return False
        if token.upper == "CREATE":
            return True
        if token.upper in ("JOIN", "SELECT", "BEGIN", "TABLE"):
            return False
    return False


def _renamed(tokens: Sequence[Token], i: int) -> TableName | None:
    """`ALTER TABLE a RENAME TO b` makes b."""
    for at in range(i + 1, min(i + 8, len(tokens) - 1)):
        if tokens[at].upper == "RENAME" and _upper(tokens, at + 1) == "TO":
            return _name_at(tokens, at + 2, makes=True)[0]
    return None


def _upper(tokens: Sequence[Token], at: int) -> str:
    return tokens[at].upper if 0 <= at < len(tokens) else ""
