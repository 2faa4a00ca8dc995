"""Reading SQL just far enough: where its parameters are, and that it is one statement a service may run.

    'text' "name" `name` -- comment /* comment */        skipped
    ::                                                   a cast, not a parameter
    :owner                                               a parameter
    ;                                                    the end; nothing but comments may follow

Everything else is the database's business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .errors import StatementError

TOKEN = re.compile(
    r"""'(?:[^']|'')*'? | "(?:[^"]|"")*"? | `(?:[^`]|``)*`?
      | (?P<comment> --[^\n]* | /\*.*?(?:\*/|\Z) )
      | ::
      | :(?P<name>[A-Za-z_]\w*)
      | (?P<end>;)
      | (?P<word>[A-Za-z_]\w*)""",
    re.DOTALL | re.VERBOSE,
)

_ENDS = "the store begins and ends transactions itself: leave the block, or raise to roll back"
_SCHEMA = "put it into a new schema file, so that every copy of the database gets it"
_OUTSIDE = "it concerns the whole database, not one transaction"
REFUSED = {
    **dict.fromkeys(("BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE"), _ENDS),
    **dict.fromkeys(("CREATE", "ALTER", "DROP", "REINDEX"), _SCHEMA),
    **dict.fromkeys(("ANALYZE", "ATTACH", "DETACH", "PRAGMA", "VACUUM"), _OUTSIDE),
}
"""First words a statement may not have, and why."""

ROLLS_BACK = "ROLLBACK here would undo the other transactions of the same commit too; use ABORT"


def parameter_names(sql: str) -> tuple[str, ...]:
    """Names of the parameters, each once, in the order in which they first appear.

    Raises: StatementError: no statement, more than one, or one that a service may not run.
    """
    names: dict[str, None] = {}
    first, ended = "", False
    for token in TOKEN.finditer(sql):
        if token["comment"]:
            continue
        if ended:
            raise StatementError(f"more than one statement in {shorten(sql)!r}; run them one by one")
        ended = bool(token["end"])
        if token["name"]:
            names[token["name"]] = None
        elif word := token["word"]:
            first = first or check_first(word.upper(), sql)
            if word.upper() == "ROLLBACK":
                raise StatementError(f"{ROLLS_BACK}: {shorten(sql)!r}")
    if not first:
        raise StatementError(f"no statement in {shorten(sql)!r}")
    return tuple(names)


def check_first(word: str, sql: str, refused: Mapping[str, str] = REFUSED) -> str:
    """Return a statement's first word. Raises StatementError if a service may not run such a statement."""
    if word in refused:
        raise StatementError(f"{word} is not for {shorten(sql)!r}: {refused[word]}")
    return word


def shorten(sql: str) -> str:
    """A statement in one line of at most 120 characters, for messages."""
    line = " ".join(sql.split())
    return line if len(line) <= 120 else f"{line[:117]}..."
