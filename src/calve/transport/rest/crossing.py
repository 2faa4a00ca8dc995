"""Making a request that came as JSON the same as one that came over the wire.

JSON can say things that MessagePack cannot (an integer beyond 64 bits) or says otherwise (a datetime arrives in UTC).
An operation must not notice, and must not work here and fail once its service has moved away. Going through the wire's
codec settles it, and most types need less; how much is worked out once per operation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec.inspect as mi

from ...core.codec import Codec

_PLAIN = (
    mi.NoneType,
    mi.BoolType,
    mi.FloatType,
    mi.StrType,
    mi.BytesType,
    mi.UUIDType,
    mi.DateType,
    mi.TimeDeltaType,
    mi.DecimalType,
    mi.EnumType,
    mi.LiteralType,
)


def crossing(codec: Codec[Any]) -> Callable[[Any], Any]:
    """A function that gives the request as a peer on the wire would receive it, or raises InvalidArgument."""
    need = _need(mi.type_info(codec.kind), set())
    if need == 0:
        return lambda request: request
    if need == 2:
        return codec.copy

    def encodable(request: Any) -> Any:
        codec.encode(request)
        return request

    return encodable


def _need(info: mi.Type, seen: set[Any]) -> int:
    """0: nothing can differ; 1: it may not be encodable; 2: it may come out different."""
    if isinstance(info, _PLAIN):
        return 0
    if isinstance(info, mi.IntType):
        low = info.ge if info.ge is not None else info.gt
        high = info.le if info.le is not None else info.lt
        return 0 if low is not None and high is not None else 1
    inner: tuple[mi.Type, ...]
    match info:
        case mi.Metadata():
            inner = (info.type,)
        case mi.CollectionType():
            inner = (info.item_type,)
        case mi.TupleType():
            inner = info.item_types
        case mi.DictType():
            inner = (info.key_type, info.value_type)
        case mi.UnionType():
            inner = info.types
        case mi.StructType() | mi.DataclassType() | mi.TypedDictType() | mi.NamedTupleType():
            if info.cls in seen:
                return 0
            seen.add(info.cls)
            inner = tuple(field.type for field in info.fields)
        case _:
            return 2
    return max((_need(part, seen) for part in inner), default=0)
