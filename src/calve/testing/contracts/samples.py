"""Plain values (as `json.loads` gives them) that show what a description allows: the limits, and both sides of others.

Deterministic, and not every combination: each field of a message takes each of its values once while the others stay
as they are. Limits that the other version has are tried too, with what lies next to them: that is where versions
differ.
"""

from __future__ import annotations

import base64
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from ...contract.lock.limits import bounds
from ...contract.lock.model import Description, Field, MessageLock, Shape
from .matching import matching

LETTERS_MAX = 20_000
ITEMS_MAX = 200
DEPTH_MAX = 6
DEEP, DEEP_SAMPLES_MAX = 4, 3
"""That deep a few samples do: types within themselves would otherwise have thousands."""

_TEXTS: dict[str, tuple[Any, ...]] = {
    "any": ("anything", 1),
    "bool": (True, False),
    "date": ("2026-02-28", "1999-12-31"),
    "decimal": ("1.50", "-0.1", "12345678901234567890.5"),
    "duration": ("P1DT2H", "-PT0.5S", "PT0S"),
    "null": (None,),
    "time": ("03:04:05", "23:59:59.999999"),
    "uuid": ("6f1c2a6e-0b7e-4d5e-9c55-5f8f0f6f0a01", "00000000-0000-0000-0000-000000000000"),
}
_ZONED, _NAIVE = ("2026-01-02T03:04:05Z", "1969-12-31T23:59:59.5Z"), ("2026-01-02T03:04:05",)


class NoSample(Exception):
    """Nothing can be made of a shape: a model of another library, or limits that no value is within."""


class Samples:
    """Makes values of the shapes of a description.

    Args:
        description: Whose shapes.
        other: The description of another version; its limits are tried, too.
        sparse: Whether to make objects also without each of the fields that may be missing, and without all of them.
    """

    def __init__(self, description: Description, other: Description | None = None, *, sparse: bool = False) -> None:
        self._description, self._sparse = description, sparse
        descriptions = (description,) if other is None else (description, other)
        self._hints = sorted({n for d in descriptions for n in _limits(d)})
        self._length_hints = sorted({n for d in descriptions for n in _length_limits(d)})

    def of(self, shape: Shape, depth: int = 0) -> list[Any]:
        """Values of a shape, the plainest first. Raises NoSample."""
        values = list(self._values(shape, depth))
        if shape.nullable:
            values.append(None)
        if not values:
            raise NoSample(shape)
        return values

    def first(self, shape: Shape) -> Any:
        """One value of a shape."""
        return self.of(shape)[0]

    def objects(self, message: MessageLock, depth: int = 0) -> list[Any]:
        """Values of a message, a request or the fields of an error. Raises NoSample."""
        values: dict[str, list[Any]] = {}
        for field in message.fields:
            try:
                values[field.name] = self.of(field, depth + 1)
            except NoSample:
                if field.required:
                    raise
        whole = {name: options[0] for name, options in values.items()}
        made = [whole, *({**whole, name: value} for name, options in values.items() for value in options[1:])]
        optional = [f.name for f in message.fields if not f.required and f.name in whole]
        if self._sparse or message.omits_defaults:
            made += [{k: v for k, v in whole.items() if k != name} for name in optional]
            made.append({k: v for k, v in whole.items() if k not in optional})
        else:
            unset = {f.name for f in message.fields if f.unset}
            made += [{k: v for k, v in whole.items() if k != name} for name in optional if name in unset]
        return [self._written(message, value) for value in made]

    def _written(self, message: MessageLock, value: dict[str, Any]) -> Any:
        tagged = {} if message.tag_field is None else {message.tag_field: message.tag}
        if not message.positional:
            return {**tagged, **value}
        items = itertools.takewhile(lambda f: f.name in value, message.fields)
        return [*tagged.values(), *(value[f.name] for f in items)]

    def _values(self, shape: Shape, depth: int) -> Iterable[Any]:
        match shape.type:
            case "int":
                return self._integers(shape)
            case "float":
                return self._floats(shape)
            case "str":
                return self._strings(shape)
            case "bytes":
                return (base64.b64encode(bytes(n)).decode() for n in self._lengths(shape, LETTERS_MAX))
            case "datetime":
                return {None: _ZONED + _NAIVE, True: _ZONED, False: _NAIVE}[shape.zone]
            case "literal":
                return shape.allowed
            case "union":
                return [value for option in shape.options for value in self._or_none(option, depth)]
            case "array":
                return self._arrays(shape, depth)
            case "tuple":
                return self._tuples(shape, depth)
            case "map":
                return self._maps(shape, depth)
            case "ref":
                return self._named(shape.ref, depth)
        return _TEXTS.get(shape.type, ())

    def _or_none(self, shape: Shape, depth: int) -> list[Any]:
        try:
            return self.of(shape, depth)
        except NoSample:
            return []

    def _named(self, name: str, depth: int) -> Iterable[Any]:
        enum = self._description.enums.get(name)
        if enum is not None:
            return enum.values.values()
        if depth > DEPTH_MAX:
            return ()
        samples = self.objects(self._description.messages[name], depth)
        return samples if depth < DEEP else samples[:DEEP_SAMPLES_MAX]

    def _integers(self, shape: Shape) -> Iterator[int]:
        low, high = bounds(shape)
        assert isinstance(low, int | float)
        assert isinstance(high, int | float)
        step = int(shape.multiple_of or 1)
        near = {n for hint in self._hints if abs(hint) < 2**64 for n in (math.floor(hint) - 1, math.ceil(hint) + 1)}
        exact = {int(hint) for hint in self._hints if abs(hint) < 2**64}
        wanted = {math.ceil(low), math.floor(high), 0, 1, 7, 2**53 + 1, *near, *exact}
        values = {n // step * step for n in wanted} | {-(-n // step) * step for n in wanted}
        yield from sorted((n for n in values if low <= n <= high), key=lambda n: (abs(n), n))

    def _floats(self, shape: Shape) -> Iterator[float]:
        wanted = {0.5, 0.1, -1.0, 1e300, *(hint + d for hint in self._hints for d in (-0.5, 0, 0.5))}
        step = shape.multiple_of
        values = {round(v / step) * step for v in wanted} if step else wanted
        for value in sorted(map(float, values), key=lambda v: (abs(v), v)):
            above = (shape.ge is None or value >= shape.ge) and (shape.gt is None or value > shape.gt)
            if above and (shape.le is None or value <= shape.le) and (shape.lt is None or value < shape.lt):
                yield value

    def _strings(self, shape: Shape) -> Iterator[str]:
        if shape.pattern is not None:
            low, high = shape.min_length or 0, LETTERS_MAX if shape.max_length is None else shape.max_length
            yield from (text for text in matching(shape.pattern) if low <= len(text) <= high)
            return
        for length in self._lengths(shape, LETTERS_MAX):
            yield "a" * length
        if (shape.min_length or 0) <= 3 and (shape.max_length is None or shape.max_length >= 3):
            yield "é✓𝄞"

    def _lengths(self, shape: Shape, most: int) -> list[int]:
        low, high = shape.min_length or 0, most if shape.max_length is None else min(most, shape.max_length)
        wanted = {low, high, 1, 2, *(n + d for n in self._length_hints if n <= most for d in (-1, 0, 1))}
        if shape.max_length is None:
            wanted.discard(most)
        return sorted((n for n in wanted if low <= n <= high), key=lambda n: (n == 0, n))

    def _arrays(self, shape: Shape, depth: int) -> Iterator[list[Any]]:
        assert shape.items is not None
        items = self._or_none(shape.items, depth + 1)
        low, high = shape.min_length or 0, ITEMS_MAX if shape.max_length is None else shape.max_length
        if items and high:
            for start in range(0, len(items), high):  # every item is in some array
                chunk = items[start : start + high]
                if len(chunk) < low:
                    chunk = [*chunk, *items[:start]] if shape.unique else [*chunk, *itertools.repeat(items[0], low)]
                if low <= len(chunk[: max(low, high)]):
                    yield chunk[: max(low, high)] if len(chunk) > high else chunk
            if depth > 2:
                return
            for length in self._lengths(shape, ITEMS_MAX):
                if not shape.unique or length <= len(items):
                    cycle = items if shape.unique else itertools.cycle(items[:1])
                    yield list(itertools.islice(cycle, length))
        elif low == 0:
            yield []

    def _tuples(self, shape: Shape, depth: int) -> Iterator[list[Any]]:
        parts = [self.of(part, depth + 1) for part in shape.parts]
        whole = [part[0] for part in parts]
        yield whole
        for index, part in enumerate(parts):
            for value in part[1:]:
                yield [*whole[:index], value, *whole[index + 1 :]]

    def _maps(self, shape: Shape, depth: int) -> Iterator[Mapping[str, Any]]:
        assert shape.keys is not None
        assert shape.values is not None
        keys = [k if isinstance(k, str) else msgspec.json.encode(k).decode() for k in self._or_none(shape.keys, depth)]
        values = self._or_none(shape.values, depth + 1)
        low, high = shape.min_length or 0, ITEMS_MAX if shape.max_length is None else shape.max_length
        if keys and values and low <= 1 <= high:
            for key, value in itertools.zip_longest(keys, values):
                yield {keys[0] if key is None else key: values[0] if value is None else value}
        for length in self._lengths(shape, len(keys)):
            yield dict(zip(keys[:length], itertools.cycle(values), strict=False)) if values else {}


def _limits(description: Description) -> Iterator[float | int]:
    for shape in _all_shapes(description):
        yield from (n for n in (shape.ge, shape.gt, shape.le, shape.lt, shape.multiple_of) if n is not None)
        if isinstance(shape, Field) and isinstance(shape.default, int):
            yield shape.default


def _length_limits(description: Description) -> Iterator[int]:
    for shape in _all_shapes(description):
        yield from (n for n in (shape.min_length, shape.max_length, len(shape.parts) or None) if n is not None)


def _all_shapes(description: Description) -> Iterator[Shape]:
    pending = [shape for _, shape in description.shapes()]
    while pending:
        shape = pending.pop()
        pending += [inner for _, inner in shape.children()]
        yield shape
