"""One encoding per value: what is equal gives equal bytes, in any process, so that digests tell requests apart.

The codec's own encoding is not that: sets and maps come out in the order in which they lie in memory, which differs
between processes. Nobody decodes what is made here.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import msgspec

from .codec import enc_hook

_ordered = msgspec.msgpack.Encoder(enc_hook=enc_hook, order="deterministic")
_plain = msgspec.msgpack.Encoder(enc_hook=enc_hook)


def canonical(value: Any) -> bytes:
    """The bytes of a value that the codec can carry. Raises TypeError, ValueError or OverflowError for any other."""
    try:
        return _ordered.encode(value)
    except (TypeError, NotImplementedError):  # keys that are no text, and members of a set that have no order
        return _plain.encode(_arranged(value))


def _arranged(value: Any) -> Any:
    """Lists for everything that holds something, those of sets and maps sorted by the bytes of their members."""
    if isinstance(value, msgspec.Struct):
        members = ((name, getattr(value, name)) for name in value.__struct_fields__)
        return [[name, _arranged(member)] for name, member in members if member is not msgspec.UNSET]
    if is_dataclass(value) and not isinstance(value, type):
        return [[field.name, _arranged(getattr(value, field.name))] for field in fields(value)]
    if isinstance(value, dict):
        return sorted(_plain.encode([_arranged(key), _arranged(member)]) for key, member in value.items())
    if isinstance(value, set | frozenset):
        return sorted(_plain.encode(_arranged(member)) for member in value)
    if isinstance(value, list | tuple):
        return [_arranged(member) for member in value]
    if hasattr(type(value), "model_dump"):
        return _arranged(enc_hook(value))
    return value
