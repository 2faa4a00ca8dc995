"""From a contract in code to its description: what `calve contract lock` writes."""

from __future__ import annotations

import enum
import inspect
import re
from typing import Any

import msgspec
import msgspec.inspect as mi

from ..operation import ContractInfo, Operation
from ..schema import json_value
from .model import (
    Description,
    EnumLock,
    ErrorLock,
    Field,
    HttpLock,
    Kind,
    MessageLock,
    OperationLock,
    Parameter,
    Shape,
)

_PLAIN: dict[type[mi.Type], Kind] = {
    mi.AnyType: "any",
    mi.RawType: "any",
    mi.NoneType: "null",
    mi.BoolType: "bool",
    mi.IntType: "int",
    mi.FloatType: "float",
    mi.StrType: "str",
    mi.BytesType: "bytes",
    mi.ByteArrayType: "bytes",
    mi.MemoryViewType: "bytes",
    mi.DateTimeType: "datetime",
    mi.DateType: "date",
    mi.TimeType: "time",
    mi.TimeDeltaType: "duration",
    mi.UUIDType: "uuid",
    mi.DecimalType: "decimal",
}
_LIMITS = ("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "pattern")

_Named = mi.StructType | mi.DataclassType | mi.TypedDictType | mi.NamedTupleType


class Described(msgspec.Struct, frozen=True):
    """A contract as data, and the words of its author, which a lock leaves out."""

    description: Description
    """Without numbers; see numbers.py."""
    docs: dict[str, str]
    """By `Wallet`, `Wallet.debit`, `Wallet.debit.cents`, `Balance` and `Balance.cents`."""


def describe_contract(service: str, info: ContractInfo) -> Described:
    """Describe a contract.

    Args:
        service: Name of the service that keeps it.
        info: The contract, resolved.
    """
    shapes = Shapes()
    if info.doc:
        shapes.docs[info.name] = info.doc
    operations = {name: _operation(shapes, op) for name, op in sorted(info.operations.items())}
    errors = {e.__name__: e for op in info.operations.values() for e in op.raises}
    for name, error in errors.items():
        shapes.docs[name] = error.title()
    described = Description(
        service=service,
        contract=info.name,
        version=str(info.version),
        operations=operations,
        errors={
            name: ErrorLock(status=error.status, fields=shapes.fields(error.fields_type(), name))
            for name, error in sorted(errors.items())
        },
        events=tuple(sorted(shapes.of(event).ref for event in info.publishes)),
        messages=dict(sorted(shapes.messages.items())),
        enums=dict(sorted(shapes.enums.items())),
    )
    return Described(described, shapes.docs)


def _operation(shapes: Shapes, operation: Operation) -> OperationLock:
    path = f"{operation.contract}.{operation.name}"
    if operation.doc:
        shapes.docs[path] = operation.doc
    fields = shapes.fields(operation.request, path)
    parameters = tuple(
        msgspec.convert(
            {**{name: getattr(f, name) for name in f.__struct_fields__}, "keyword": f.name not in operation.positional},
            Parameter,
            from_attributes=True,
        )
        for f in fields
    )
    rule = operation.http
    return OperationLock(
        kind=operation.kind,
        parameters=parameters,
        answer=shapes.of(operation.response),
        streaming=operation.streaming,
        raises=tuple(sorted(error.__name__ for error in operation.raises)),
        role=operation.role,
        timeout_seconds=operation.timeout_seconds,
        http=HttpLock(rule=f"{rule.method} {rule.path}", status=rule.status, body=operation.body_param)
        if rule
        else None,
    )


class Shapes:
    """Translates types, collecting the named ones and what is said of them."""

    def __init__(self) -> None:
        self.messages: dict[str, MessageLock] = {}
        self.enums: dict[str, EnumLock] = {}
        self.docs: dict[str, str] = {}
        self._names: dict[Any, str] = {}

    def of(self, kind: Any) -> Shape:
        """The shape of any type that the codec carries."""
        return self._of(mi.type_info(kind))

    def fields(self, cls: type[msgspec.Struct], owner: str) -> tuple[Field, ...]:
        """The fields of a struct that has no name of its own on the wire: a request, an error."""
        info = mi.type_info(cls)
        assert isinstance(info, mi.StructType)
        return tuple(self._field(f, owner) for f in info.fields)

    def _of(self, info: mi.Type) -> Shape:
        plain = _PLAIN.get(type(info))
        if plain is not None:
            limits: dict[str, Any] = {name: getattr(info, name, None) for name in _LIMITS}
            return Shape(type=plain, zone=getattr(info, "tz", None), **limits)
        match info:
            case mi.Metadata():
                return self._of(info.type)
            case mi.LiteralType():
                allowed = tuple(sorted((v for v in info.values if v is not None), key=lambda v: (str(type(v)), v)))
                return Shape(type="literal", allowed=allowed, nullable=None in info.values)
            case mi.TupleType():
                return Shape(type="tuple", parts=tuple(map(self._of, info.item_types)))
            case mi.CollectionType():
                unique = isinstance(info, mi.SetType | mi.FrozenSetType)
                return Shape(type="array", items=self._of(info.item_type), unique=unique, **_lengths(info))
            case mi.DictType():
                keys, values = self._of(info.key_type), self._of(info.value_type)
                return Shape(type="map", keys=keys, values=values, **_lengths(info))
            case mi.UnionType():
                return self._union(info)
            case mi.EnumType():
                return self._enum(info)
            case mi.StructType() | mi.DataclassType() | mi.TypedDictType() | mi.NamedTupleType():
                return self._message(info)
            case mi.CustomType():
                return _opaque(info.cls)
        return Shape(type="any")

    def _union(self, info: mi.UnionType) -> Shape:
        options = [self._of(option) for option in info.types if not isinstance(option, mi.NoneType)]
        nullable = len(options) < len(info.types)
        if len(options) == 1:
            return msgspec.structs.replace(options[0], nullable=nullable or options[0].nullable)
        # In no order that anybody could rely on: messages are told apart by their tags, the rest by what they are.
        options.sort(key=lambda shape: (shape.type, shape.ref))
        return Shape(type="union", options=tuple(options), nullable=nullable)

    def _enum(self, info: mi.EnumType) -> Shape:
        name = self._name(info.cls)
        opened = getattr(info.cls._missing_, "__func__", None) is not getattr(enum.Enum._missing_, "__func__", None)
        opened = opened and not issubclass(info.cls, enum.Flag)
        self.enums[name] = EnumLock(values={member.name: member.value for member in info.cls}, open=opened)
        self._note(name, info.cls)
        return Shape(type="ref", ref=name)

    def _message(self, info: _Named) -> Shape:
        known = info.cls in self._names
        name = self._name(info.cls)
        shape = Shape(type="ref", ref=name)
        if known:  # done, or being done further up: a recursive type
            return shape
        self._note(name, info.cls)
        self.messages[name] = MessageLock()
        struct = info if isinstance(info, mi.StructType) else None
        self.messages[name] = MessageLock(
            fields=tuple(self._field(f, name) for f in info.fields),
            positional=isinstance(info, mi.NamedTupleType) or (struct is not None and struct.array_like),
            strict=struct.forbid_unknown_fields if struct else isinstance(info, mi.NamedTupleType),
            omits_defaults=struct is not None and _plain(struct.cls).__struct_config__.omit_defaults,
            tag_field=struct.tag_field if struct else None,
            tag=struct.tag if struct else None,
        )
        return shape

    def _field(self, field: mi.Field, owner: str) -> Field:
        shape = self._of(field.type)
        for info in field.type.types if isinstance(field.type, mi.UnionType) else (field.type,):
            if isinstance(info, mi.Metadata) and "description" in (info.extra_json_schema or {}):
                self.docs[f"{owner}.{field.encode_name}"] = (info.extra_json_schema or {})["description"]
        members = {name: getattr(shape, name) for name in shape.__struct_fields__}
        default: Any = msgspec.UNSET
        if field.default is not msgspec.NODEFAULT:
            default = json_value(field.default)
        elif field.default_factory in (list, dict, set, frozenset, tuple):
            default = {} if field.default_factory is dict else []
        made = field.default_factory is not msgspec.NODEFAULT
        unset = not field.required and default is msgspec.UNSET and not made
        return Field(name=field.encode_name, required=field.required, default=default, unset=unset, **members)

    def _note(self, name: str, cls: Any) -> None:
        text = inspect.cleandoc(_plain(cls).__dict__.get("__doc__") or "")
        if text and not text.startswith(f"{_plain(cls).__name__}(") and text != "An enumeration.":
            self.docs[name] = text

    def _name(self, cls: Any) -> str:
        """The class's name, or its full one where another class has taken that already."""
        if cls not in self._names:
            plain = _plain(cls)
            arguments = "_".join(getattr(a, "__name__", str(a)) for a in getattr(cls, "__args__", ()))
            short = _safe(f"{plain.__name__}_{arguments}" if arguments else plain.__name__)
            taken = short in self._names.values()
            self._names[cls] = _safe(f"{plain.__module__}_{plain.__qualname__}") if taken else short
        return self._names[cls]


def _lengths(info: mi.CollectionType | mi.DictType) -> dict[str, Any]:
    return {"min_length": info.min_length, "max_length": info.max_length}


def _plain(cls: Any) -> Any:
    return getattr(cls, "__origin__", cls)


def _opaque(cls: Any) -> Shape:
    """A pydantic model: described by itself, compared as a whole."""
    schema = getattr(cls, "model_json_schema", None)
    return Shape(type="opaque", schema=json_value(schema()) if schema is not None else None)


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", name)
