"""Parameters: from Python's types to those of the columns, so that the same code does the same as on SQLite.

Which conversion a parameter needs depends on the type that the server has found out for it:

    text varchar char json …     text as SQLite would store it: ISO dates (UTC), UUID, Decimal, numbers
    smallint integer bigint      int, bool, Enum of int
    real double precision        float, int; NaN refused
    numeric                      Decimal, int, float
    boolean                      bool, 0, 1
    uuid                         UUID, text
    timestamptz                  aware datetime
    timestamp                    aware datetime, stored in UTC
    date time bytea              date, time without zone, bytes
    others                       as they are, so that arrays, ranges and the like can be used

The way back needs less: rows come as Python's own types.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from ..errors import StatementError
from ..values import check_int, check_real, check_time, to_text

Convert = Callable[[Any], Any]


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _text(value: Any) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        raise TypeError("bytes, and the column holds text; decode them first")
    text = to_text(value)
    if "\x00" in text:
        raise ValueError("text with a zero character, which PostgreSQL cannot store")
    return text


def _int(value: Any) -> int:
    value = _plain(value)
    if isinstance(value, float | Decimal) and value == int(value):
        value = int(value)
    if not isinstance(value, int):
        raise TypeError(f"a value of type {type(value).__qualname__}, and the column holds integers")
    return int(check_int(value))


def _float(value: Any) -> float:
    value = _plain(value)
    if not isinstance(value, float | int | Decimal):
        raise TypeError(f"a value of type {type(value).__qualname__}, and the column holds numbers")
    return check_real(float(value))


def _numeric(value: Any) -> Decimal:
    value = _plain(value)
    if isinstance(value, float):
        value = Decimal(repr(check_real(value)))
    if not isinstance(value, Decimal | int):
        raise TypeError(f"a value of type {type(value).__qualname__}, and the column holds numbers")
    number = Decimal(value)
    if number.is_nan():
        raise ValueError("NaN cannot be stored")
    return number


def _bool(value: Any) -> bool:
    value = _plain(value)
    if value not in (0, 1):
        raise TypeError(f"{value!r:.40}, and the column holds true or false")
    return bool(value)


def _uuid(value: Any) -> Any:
    value = _plain(value)
    return value if isinstance(value, UUID) else UUID(value)


def _moment(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError(f"a value of type {type(value).__qualname__}, and the column holds moments")
    if value.utcoffset() is None:
        raise ValueError("a datetime without a time zone; make it aware, for example with tzinfo=UTC")
    return value.astimezone(UTC)


def _naive_moment(value: Any) -> datetime:
    return _moment(value).replace(tzinfo=None)


def _date(value: Any) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise TypeError(f"a value of type {type(value).__qualname__}, and the column holds days")
    return value


def _time(value: Any) -> time:
    if not isinstance(value, time):
        raise TypeError(f"a value of type {type(value).__qualname__}, and the column holds times of day")
    return check_time(value)


def _bytes(value: Any) -> bytes:
    value = _plain(value)
    if not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError(f"a value of type {type(value).__qualname__}, and the column holds bytes")
    return bytes(value)


_CONVERT: dict[str, tuple[Convert, frozenset[type]]] = {
    **dict.fromkeys(("text", "varchar", "bpchar", "name", "json", "jsonb", "xml"), (_text, frozenset())),
    **dict.fromkeys(("int2", "int4", "int8", "smallint", "integer", "bigint"), (_int, frozenset())),
    **dict.fromkeys(("float4", "float8", "real", "double precision"), (_float, frozenset())),
    "numeric": (_numeric, frozenset()),
    **dict.fromkeys(("bool", "boolean"), (_bool, frozenset({bool}))),
    "uuid": (_uuid, frozenset({UUID})),
    "timestamptz": (_moment, frozenset()),
    "timestamp": (_naive_moment, frozenset()),
    "date": (_date, frozenset({date})),
    "time": (_time, frozenset()),
    "bytea": (_bytes, frozenset({bytes})),
}
"""Name of a type -> its conversion, and the types of Python that need none."""

CASTS: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "bigint"),
    (float, "double precision"),
    (Decimal, "numeric"),
    (bytes, "bytea"),
    (UUID, "text"),
    (datetime, "text"),
    (date, "text"),
    (time, "text"),
)


def converter(kind: str) -> tuple[Convert, frozenset[type]]:
    """The conversion for parameters of a type of PostgreSQL, and the Python types that need none."""
    return _CONVERT.get(kind, (_plain, frozenset()))


def cast_for(value: Any) -> str:
    """The type to give a parameter when the statement does not tell; what SQLite would take the value for."""
    value = _plain(value)
    return next((kind for base, kind in CASTS if isinstance(value, base)), "text")


def convert(name: str, value: Any, using: Convert) -> Any:
    """Convert one parameter that is not None.

    Raises: StatementError: names the parameter and what is wrong with its value.
    """
    try:
        return using(value)
    except (TypeError, ValueError, OverflowError, ArithmeticError) as error:
        raise StatementError(f"parameter {name!r} is {error}") from error
