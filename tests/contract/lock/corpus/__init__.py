"""Edits of a contract, each with what it does to those who were built before: the measure of the rules.

Tests hold the verdicts against the rules, and the rules against samples that one version writes and the other reads.
`docs/reference/compatibility.md` is made from the titles.
"""

from __future__ import annotations

from .base import BASE, Edit
from .enums import ENUMS
from .events import ERRORS_AND_EVENTS
from .messages import MESSAGES
from .numbers import NUMBERS
from .operations import OPERATIONS
from .parameters import PARAMETERS

__all__ = ["BASE", "CORPUS", "Edit", "GROUPS"]

GROUPS = {
    "Operations": OPERATIONS,
    "Parameters": PARAMETERS,
    "Fields of messages": MESSAGES,
    "Enums and unions": ENUMS,
    "Errors and events": ERRORS_AND_EVENTS,
    "Protobuf": NUMBERS,
}
CORPUS = [edit for group in GROUPS.values() for edit in group]
