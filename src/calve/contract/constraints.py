"""Constraints that would be ignored, found before start.

Messages check `Annotated[int, Meta(ge=0)]`. The same written with annotated-types (`Ge(0)`, `Len(1)`) is what pydantic
reads and messages do not: it would look like a check and be none. Inside pydantic models it is one.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import msgspec


def ignored_constraints(kind: Any, path: str = "$") -> Iterator[str]:
    """Every constraint below a type that messages do not read, as `Ge(ge=0) at $.items[].quantity`."""
    yield from _walk(kind, path, set())


def _walk(kind: Any, path: str, seen: set[Any]) -> Iterator[str]:
    if isinstance(kind, typing.NewType):
        kind = kind.__supertype__
    elif type(kind).__name__ == "TypeAliasType":  # `type N = X`, Python 3.12 and newer
        kind = kind.__value__
    if get_origin(kind) is Annotated:
        kind, *metadata = get_args(kind)
        for item in metadata:
            if type(item).__module__.partition(".")[0] == "annotated_types":
                yield f"{item!r} at {path}"
    for argument in get_args(kind):
        yield from _walk(argument, f"{path}[]", seen)
    cls = get_origin(kind) or kind
    if _has_fields(cls) and cls not in seen:
        seen.add(cls)
        for name, hint in typing.get_type_hints(cls, include_extras=True).items():
            yield from _walk(hint, f"{path}.{name}", seen)


def _has_fields(cls: Any) -> bool:
    return isinstance(cls, type) and (
        issubclass(cls, msgspec.Struct) or dataclasses.is_dataclass(cls) or typing.is_typeddict(cls)
    )
