"""The values that every adapter takes, and their form as text; the adapters decide where which form is needed.

datetime       2026-01-31T12:00:00.000000Z: always UTC and microseconds, so that text sorts by time
date time      ISO text
UUID Decimal   text
Enum           its value
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID


def check_int(value: int) -> int:
    """Raise ValueError beyond 64 bits."""
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"{value}, beyond 64 bits signed")
    return value


def check_real(value: float) -> float:
    """Raise ValueError for NaN."""
    if value != value:
        raise ValueError("NaN cannot be stored (SQLite would make it NULL)")
    return value


def check_time(value: time) -> time:
    """Raise ValueError for a time of day with a zone."""
    if value.tzinfo is not None:
        raise ValueError("a time of day with a time zone; store a datetime, or drop tzinfo")
    return value


def datetime_text(value: datetime) -> str:
    """ISO text in UTC. Raises ValueError: it has no zone."""
    if value.utcoffset() is None:
        raise ValueError("a datetime without a time zone; make it aware, for example with tzinfo=UTC")
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def time_text(value: time) -> str:
    """ISO text. Raises ValueError: it has a zone."""
    return check_time(value).isoformat(timespec="microseconds")


def unsupported(value: Any) -> TypeError:
    """The error for a value of a type that no column holds."""
    return TypeError(f"a value of type {type(value).__qualname__}; encode it first, for example as JSON text")


def half_surrogate(text: str) -> str | None:
    """What is wrong with text that is not Unicode; None when nothing is."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"text with half a surrogate pair at position {error.start}; not Unicode"
    return None


def to_text(value: Any) -> str:
    """A value as a text column holds it.

    Raises: TypeError, ValueError: it is of no type that can be stored, or has no such form.
    """
    if isinstance(value, Enum):
        return to_text(value.value)
    if isinstance(value, str):
        if (wrong := half_surrogate(value)) is not None:
            raise ValueError(wrong)
        return str(value)
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        return str(check_int(value))
    if isinstance(value, float):
        return repr(check_real(value))
    if isinstance(value, datetime):
        return datetime_text(value)
    if isinstance(value, time):
        return time_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    raise unsupported(value)
