"""Whether every value within one set of limits is within another."""

from __future__ import annotations

from collections.abc import Iterator

from .model import Shape

INT_MIN, INT_MAX = -(2**63), 2**64 - 1
FLOAT_EXACT = 2**53
"""Integers up to here are themselves as a float; beyond, neighbours become one."""


def bounds(shape: Shape) -> tuple[float | int | None, float | int | None]:
    """Least and greatest value; None where a float has none. Exclusive bounds of floats count as given."""
    step = 1 if shape.type == "int" else 0
    low = shape.ge if shape.ge is not None else None if shape.gt is None else shape.gt + step
    high = shape.le if shape.le is not None else None if shape.lt is None else shape.lt - step
    if shape.type == "int":
        return INT_MIN if low is None else low, INT_MAX if high is None else high
    return low, high


def outside(writer: Shape, reader: Shape) -> Iterator[str]:
    """Names of the reader's limits that values within the writer's may break."""
    low, high = bounds(writer)
    least, most = bounds(reader)
    if least is not None and (low is None or low < least or (low == least and _open_low(reader) > _open_low(writer))):
        yield "ge" if reader.ge is not None or reader.gt is None else "gt"
    if most is not None and (high is None or high > most or (high == most and _open_high(reader) > _open_high(writer))):
        yield "le" if reader.le is not None or reader.lt is None else "lt"
    step, every = reader.multiple_of, writer.multiple_of
    if step is not None and (every is None or every % step):
        yield "multiple_of"
    if reader.min_length and (writer.min_length or 0) < reader.min_length:
        yield "min_length"
    if reader.max_length is not None and (writer.max_length is None or writer.max_length > reader.max_length):
        yield "max_length"
    if reader.pattern is not None and reader.pattern != writer.pattern:
        yield "pattern"
    if reader.zone is not None and reader.zone != writer.zone:
        yield "zone"


def limited(shape: Shape) -> bool:
    """Whether anything limits the values of this type."""
    limits = (shape.ge, shape.gt, shape.le, shape.lt, shape.multiple_of, shape.min_length, shape.max_length)
    return any(limit is not None for limit in (*limits, shape.pattern, shape.zone))


def admits(shape: Shape, value: str | int) -> bool:
    """Whether one value of an enum or a literal is within the limits of a text or an integer."""
    if isinstance(value, str):
        fits = (shape.min_length or 0) <= len(value) and (shape.max_length is None or len(value) <= shape.max_length)
        return shape.type == "str" and fits and shape.pattern is None
    low, high = bounds(shape)
    fits = (low is None or low <= value) and (high is None or value <= high)
    return shape.type == "int" and fits and (shape.multiple_of is None or value % shape.multiple_of == 0)


def _open_low(shape: Shape) -> bool:
    return shape.type == "float" and shape.ge is None and shape.gt is not None


def _open_high(shape: Shape) -> bool:
    return shape.type == "float" and shape.le is None and shape.lt is not None
