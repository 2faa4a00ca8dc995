"""Texts that match a regular expression: enough of them to show what the pattern of a contract allows."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

TEXTS_MAX = 12
_parser: Any = re._parser  # type: ignore[attr-defined]  # the only parser of Python's regular expressions there is

_CATEGORIES = {
    "CATEGORY_DIGIT": ("07", r"\d"),
    "CATEGORY_NOT_DIGIT": ("a-", r"\D"),
    "CATEGORY_NOT_SPACE": ("aZ0", r"\S"),
    "CATEGORY_NOT_WORD": ("-.", r"\W"),
    "CATEGORY_SPACE": (" ", r"\s"),
    "CATEGORY_WORD": ("aZ_0", r"\w"),
}


def matching(pattern: str) -> list[str]:
    """A few texts, all of which are found by `re.search`; none for what is beyond this module, such as look-behind."""
    texts = {"".join(pieces) for pieces in itertools.islice(_sequence(_parser.parse(pattern)), TEXTS_MAX * 4)}
    return sorted((t for t in texts if re.search(pattern, t)), key=lambda t: (len(t), t))[:TEXTS_MAX]


def _sequence(items: Any) -> Iterator[list[str]]:
    choices = [list(itertools.islice(_item(str(op), argument), 4)) for op, argument in items]
    return map(list, itertools.product(*choices))


def _item(op: str, argument: Any) -> Iterator[str]:
    match op:
        case "LITERAL":
            yield chr(argument)
        case "NOT_LITERAL":
            yield chr(argument + 1)
        case "ANY":
            yield "x"
        case "IN":
            yield from _set(argument)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            low, high, inner = argument
            for count in dict.fromkeys((low, min(int(high), low + 2))):
                for pieces in itertools.islice(_sequence(inner), 2):
                    yield "".join(pieces) * count
        case "SUBPATTERN":
            for pieces in _sequence(argument[-1]):
                yield "".join(pieces)
        case "ATOMIC_GROUP":
            for pieces in _sequence(argument):
                yield "".join(pieces)
        case "BRANCH":
            for branch in argument[1]:
                for pieces in itertools.islice(_sequence(branch), 2):
                    yield "".join(pieces)
        case _:  # anchors, assertions: the text is tried against the whole pattern afterwards
            yield ""


def _set(members: Any) -> Iterator[str]:
    if str(members[0][0]) == "NEGATE":
        yield from (c for c in "aZ0 -_." if re.match(_class(members), c))
        return
    for op, argument in members:
        match str(op):
            case "LITERAL":
                yield chr(argument)
            case "RANGE":
                yield from (chr(argument[0]), chr(argument[1]))
            case "CATEGORY":
                yield from _CATEGORIES[str(argument)][0]


def _class(members: Any) -> str:
    inner = []
    for op, argument in members:
        match str(op):
            case "LITERAL":
                inner.append(re.escape(chr(argument)))
            case "RANGE":
                inner.append(f"{re.escape(chr(argument[0]))}-{re.escape(chr(argument[1]))}")
            case "CATEGORY":
                inner.append(_CATEGORIES[str(argument)][1])
    return f"[^{''.join(inner)}]"
