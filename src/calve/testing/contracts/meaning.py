"""Whether what was read means what was written."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping, Set
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

_SCALARS = {bool, bytes, int, float, str, UUID}


def differences(written: Any, read: Any, *, lossy: bool, path: str = "$") -> Iterator[str]:
    """Where a value that was read differs from the one that was written.

    Args:
        written, read: Values of the types of two versions.
        lossy: Whether fields that the reader does not have may be lost.
    """
    if type(written) in _SCALARS and type(written) is type(read):
        if written != read:
            yield f"{path}: {written!r} was read as {read!r}"
        return
    given, got = _members(written), _members(read)
    if given is not None and got is not None:
        for name, value in given.items():
            if name in got:
                yield from differences(value, got[name], lossy=lossy, path=f"{path}.{name}")
            elif not lossy:
                yield f"{path}.{name} was lost"
    elif isinstance(read, enum.Enum):
        yield from _enums(written, read, path)
    elif isinstance(written, list | tuple) and isinstance(read, list | tuple):
        if len(written) != len(read):
            yield f"{path} has {len(written)} items and was read as {len(read)}"
        for index, (one, other) in enumerate(zip(written, read, strict=False)):
            yield from differences(one, other, lossy=lossy, path=f"{path}[{index}]")
    elif isinstance(written, Mapping) and isinstance(read, Mapping) and not _typed(read):
        yield from _maps(written, read, lossy, path)
    elif isinstance(written, Set) and isinstance(read, Set):
        if len(written) != len(read):
            yield f"{path} has {len(written)} items and was read as {len(read)}"
    elif isinstance(written, list | tuple | Set) and isinstance(read, list | tuple | Set):
        if len(written) != len(read):
            yield f"{path} repeats an item, and was read without"
    elif not _same(written, read):
        yield f"{path}: {written!r} was read as {read!r}"


def _enums(written: Any, read: enum.Enum, path: str) -> Iterator[str]:
    """A value that the reader does not know may become any that it chose for that."""
    members = type(read).__members__
    value, name = (written.value, written.name) if isinstance(written, enum.Enum) else (written, read.name)
    known = any(member.value == value for member in members.values())
    if known and (read.value != value or (name != read.name and name in members)):
        yield f"{path}: {written!r} was read as {read!r}"


def _maps(written: Mapping[Any, Any], read: Mapping[Any, Any], lossy: bool, path: str) -> Iterator[str]:
    if len(written) != len(read):
        yield f"{path} has {len(written)} members and was read as {len(read)}"
    for (key, one), (other_key, other) in zip(written.items(), read.items(), strict=False):
        yield from differences(key, other_key, lossy=lossy, path=f"{path}.key")
        yield from differences(one, other, lossy=lossy, path=f"{path}[{key!r}]")


def _members(value: Any) -> dict[str, Any] | None:
    """The fields of an object by their names on the wire; None for anything else."""
    if isinstance(value, msgspec.Struct):
        pairs = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
        found = {label: getattr(value, name) for name, label in pairs}
        return {label: member for label, member in found.items() if member is not msgspec.UNSET}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return dict(value._asdict())
    return value if _typed(value) else None


def _typed(value: Any) -> bool:
    return isinstance(value, dict) and value != {} and all(isinstance(k, str) for k in value)


def _same(written: Any, read: Any) -> bool:
    if isinstance(written, enum.Enum):
        written = written.value
    if isinstance(read, Decimal) and isinstance(written, int | float):
        return bool(read == Decimal(repr(written)))
    if type(written) is type(read) or (isinstance(written, int | float) and isinstance(read, int | float)):
        return bool(written == read)
    return bool(_of_text(read, type(written)) == written or _of_text(written, type(read)) == read)


def _of_text(text: Any, kind: type[Any]) -> Any:
    """What a text stands for as another type; itself when it stands for nothing."""
    try:
        return msgspec.convert(text, kind) if isinstance(text, str) else text
    except msgspec.ValidationError:
        return text
