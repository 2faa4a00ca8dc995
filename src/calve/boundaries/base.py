"""What a check finds."""

from __future__ import annotations

from typing import Literal

import msgspec

from .source import Place

Rule = Literal["import", "contract", "unowned", "store", "table", "chain", "circle", "owner", "accept"]


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that is broken in one place."""

    rule: Rule
    what: str
    """Stable name of the violation within its rule, free of line numbers; what `[[check.accept]] what` repeats."""
    place: Place
    message: str
    fix: str = ""
    drawing: tuple[str, ...] = ()
    """Lines that show it, such as a chain of calls."""


class Note(msgspec.Struct, frozen=True):
    """Something the check could not see through, and what it assumed."""

    place: Place
    message: str
