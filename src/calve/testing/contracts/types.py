"""A description turned back into types, so that what an old version wrote and read can be written and read again."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, ForwardRef, Literal, Union
from uuid import UUID

import msgspec

from ...contract.lock.model import Description, Field, MessageLock, Shape
from ...core.codec import Codec

_PLAIN: dict[str, Any] = {
    "any": Any,
    "bool": bool,
    "bytes": bytes,
    "date": dt.date,
    "datetime": dt.datetime,
    "decimal": Decimal,
    "duration": dt.timedelta,
    "float": float,
    "int": int,
    "null": None,
    "opaque": Any,
    "str": str,
    "time": dt.time,
    "uuid": UUID,
}
_LIMITS = ("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "pattern")


class _Open(enum.Enum):
    """Base of enums that take what they do not know for their first value."""

    @classmethod
    def _missing_(cls, value: object) -> Any:
        return next(iter(cls), None)


class LockedTypes:
    """The types of a description.

    Args:
        description: Whose types; messages become structs, arrays tuples, sets frozensets.
        stand_in: Makes a plain value of a shape, for defaults that only code can make.
    """

    def __init__(self, description: Description, stand_in: Callable[[Shape], Any]) -> None:
        self._description, self._stand_in = description, stand_in
        self._made: dict[str, Any] = {}
        self._making: dict[str, list[Any]] = {}

    def codec(self, shape: Shape) -> Codec[Any]:
        """The codec of a shape."""
        return Codec(self.of(shape))

    def struct_codec(self, name: str, message: MessageLock) -> Codec[Any]:
        """The codec of a request or of an error's fields."""
        return Codec(self._struct(f"_{name}", message))

    def of(self, shape: Shape) -> Any:
        """The annotation for a shape."""
        kind = self._bare(shape)
        limits = {name: getattr(shape, name) for name in _LIMITS if getattr(shape, name) is not None}
        if shape.zone is not None:
            limits["tz"] = shape.zone
        if limits:
            kind = Annotated[kind, msgspec.Meta(**limits)]
        return Union[kind, None] if shape.nullable else kind  # noqa: UP007 - of values known only here

    def _bare(self, shape: Shape) -> Any:
        if shape.type in _PLAIN:
            return _PLAIN[shape.type]
        if shape.type == "literal":
            return Literal[shape.allowed]
        if shape.type == "union":
            return Union[tuple(map(self.of, shape.options))]  # noqa: UP007 - as above
        if shape.type == "tuple":
            return tuple[tuple(map(self.of, shape.parts))]  # type: ignore[misc]
        if shape.type == "map":
            assert shape.keys is not None
            assert shape.values is not None
            return dict[self.of(shape.keys), self.of(shape.values)]  # type: ignore[misc]
        if shape.type == "array":
            assert shape.items is not None
            item = self.of(shape.items)
            return frozenset[item] if shape.unique else tuple[item, ...]  # type: ignore[valid-type]
        return self._named(shape.ref)

    def _named(self, name: str) -> Any:
        if name in self._made:
            return self._made[name]
        if name in self._making:  # a type within itself
            return ForwardRef(f"_T_{name}")
        known = self._description.enums.get(name)
        if known is not None:
            base: Any = _Open if known.open else enum.Enum
            self._made[name] = base(name, known.values)
            return self._made[name]
        self._making[name] = []
        self._made[name] = made = self._struct(name, self._description.messages[name])
        for other in self._made.values():  # msgspec looks names up among the members of a class
            if issubclass(other, msgspec.Struct):
                setattr(other, f"_T_{name}", made)
        for earlier, cls in self._made.items():
            setattr(made, f"_T_{earlier}", cls)
        return made

    def _struct(self, name: str, message: MessageLock) -> type[msgspec.Struct]:
        labels = {f"f{index}": field.name for index, field in enumerate(message.fields)}
        return msgspec.defstruct(
            name,
            [self._field(label, field) for label, field in zip(labels, message.fields, strict=True)],
            frozen=True,
            kw_only=not message.positional,
            rename=labels,
            array_like=message.positional,
            forbid_unknown_fields=message.strict,
            omit_defaults=message.omits_defaults,
            tag_field=message.tag_field,
            tag=message.tag,
        )

    def _field(self, label: str, field: Field) -> tuple[Any, ...]:
        kind = self.of(field)
        if field.required:
            return label, kind
        if field.unset:
            return label, Union[kind, msgspec.UnsetType], msgspec.UNSET  # noqa: UP007 - as above
        plain = self._stand_in(field) if field.default is msgspec.UNSET else field.default
        if not self._has_message(field) and field.type != "map":
            return label, kind, msgspec.convert(plain, kind, strict=False)
        return label, kind, msgspec.field(default_factory=lambda: msgspec.convert(plain, self.of(field), strict=False))

    def _has_message(self, shape: Shape) -> bool:
        return shape.ref in self._description.messages or any(self._has_message(s) for _, s in shape.children())
