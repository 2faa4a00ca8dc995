"""What kind of thing an annotation is, as far as HTTP asks: an object, a text, several texts.

Annotations are looked through first: `Annotated[X, ...]`, `NewType("N", X)` and `type N = X` all count as X.
"""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

SEQUENCES = (list, tuple, set, frozenset)
_NO_TEXT = (dict, bytes, bytearray, memoryview, *SEQUENCES)


def plain(kind: Any) -> Any:
    """The type behind constraints, new names and aliases; type arguments stay."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif isinstance(kind, typing.NewType):
            kind = kind.__supertype__
        elif type(kind).__name__ == "TypeAliasType":  # `type N = X`, Python 3.12 and newer
            kind = kind.__value__
        else:
            return kind


def is_message(kind: Any) -> bool:
    """Whether a type is an object with named fields: Struct, dataclass, attrs class, TypedDict or pydantic model."""
    kind = plain(kind)
    kind = get_origin(kind) or kind  # Page[Product] -> Page
    return isinstance(kind, type) and (
        issubclass(kind, msgspec.Struct)
        or typing.is_typeddict(kind)
        or any(hasattr(kind, mark) for mark in ("__dataclass_fields__", "__attrs_attrs__", "model_validate"))
    )


def is_textual(kind: Any, *, sequences: bool) -> bool:
    """Whether a value can be written as text in a URL: a scalar, or an optional one.

    Args:
        sequences: Whether a sequence of scalars is text, too: yes in a query string, where a name may come several
        times.
    """
    kind = plain(kind)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return all(a in (type(None), msgspec.UnsetType) or is_textual(a, sequences=sequences) for a in get_args(kind))
    if origin in SEQUENCES:
        return sequences and all(a is Ellipsis or is_textual(a, sequences=False) for a in get_args(kind))
    if origin is Literal:
        return True
    return isinstance(kind, type) and not is_message(kind) and not issubclass(kind, _NO_TEXT)
