"""Parameters: from Python's types to the five that SQLite stores.

    str int bytes None bool      as they are (bool as 0 and 1)
    float                        as it is; NaN refused, because SQLite would store NULL
    datetime                     2026-01-31T12:00:00.000000Z: always UTC and microseconds, so that text sorts by time
    date time                    ISO text
    UUID Decimal                 text
    Enum                         its value

The way back is `rows_into`, by the type the caller asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from ..errors import StatementError
from ..values import check_real, datetime_text, half_surrogate, time_text, unsupported

PLAIN = frozenset({str, int, bytes, type(None), bool})
"""Types SQLite takes as they are. That an int fits into 64 bits is left to the engine: it checks anyway."""


def _from_enum(value: Enum) -> Any:
    return value.value if type(value.value) in PLAIN else _convert(value.value)


# Subclasses after their bases' subclasses: datetime is a date, IntEnum an int, and the first that fits is taken.
_BY_BASE: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (Enum, _from_enum),
    (bool, int),
    (int, int),
    (str, str),
    (float, check_real),
    (datetime, datetime_text),
    (date, date.isoformat),
    (time, time_text),
    (UUID, str),
    (Decimal, str),
    (bytes, bytes),
    (bytearray, bytes),
    (memoryview, bytes),
)
_BY_TYPE: dict[type, Callable[[Any], Any]] = dict(_BY_BASE)


def _convert(value: Any) -> Any:
    convert = _BY_TYPE.get(type(value))
    if convert is None:
        convert = next((convert for base, convert in _BY_BASE if isinstance(value, base)), None)
        if convert is None:
            raise unsupported(value)
    return convert(value)


def to_sqlite(name: str, value: Any) -> Any:
    """Convert one parameter.

    Raises: StatementError: names the parameter and what is wrong with its value.
    """
    try:
        return _convert(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise StatementError(f"parameter {name!r} is {error}") from error


def explain(names: tuple[str, ...], values: list[Any], error: Exception) -> StatementError:
    """Say which parameter the engine refused, and why."""
    for name, value in zip(names, values, strict=True):
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            return StatementError(f"parameter {name!r} is {value}, beyond 64 bits signed")
        if isinstance(value, str) and (wrong := half_surrogate(value)) is not None:
            return StatementError(f"parameter {name!r} is {wrong}")
    return StatementError(f"the parameters {', '.join(names)} were refused: {error}")
