"""Messages and events: plain immutable data.

    class Profile(Message):
        name: Annotated[str, Meta(max_length=80)]
        phone: str | None = None                     None is a value
        nick: str | Unset = UNSET                    not there at all unless given

Both are `msgspec.Struct`s that are frozen and keyword-only unless the class says otherwise; the metaclass sets the
defaults and the decorator tells type checkers, which would otherwise find the one on `msgspec.Struct` first.
"""

from __future__ import annotations

from typing import Any, dataclass_transform

import msgspec
from msgspec import UNSET, Meta

__all__ = ["Event", "Message", "Meta", "UNSET", "Unset"]

Unset = msgspec.UnsetType
"""The type of `UNSET`, for annotations."""


class _MessageMeta(msgspec.StructMeta):
    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any) -> _MessageMeta:
        config.setdefault("frozen", True)
        config.setdefault("kw_only", True)
        return super().__new__(mcs, name, bases, namespace, **config)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Message(msgspec.Struct, frozen=True, metaclass=_MessageMeta):
    """Data that crosses a contract: an argument, an answer, or a part of one.

    Fields are annotated; `Annotated[int, Meta(ge=0)]` adds constraints that are checked on arrival. Unknown fields are
    ignored and fields with a default may be missing, which is what lets old and new versions talk.
    """


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Event(msgspec.Struct, frozen=True, metaclass=_MessageMeta):
    """A fact in the past tense, published by the service that owns it."""
