"""JSON Schema (draft 2020-12) of the types that cross a contract.

The types are taken apart by `msgspec.inspect`; what is written is what the codec really accepts, so that a client made
from it is never refused: integers carry their 64-bit bounds, texts that stand for dates, durations, decimals and bytes
their format or a pattern. Named types (messages, enums) become components, referred to by name.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import msgspec
import msgspec.inspect as mi

from ..core.codec import enc_hook
from .operation import ContractInfo, Operation

Schema = dict[str, Any]

INT_MIN, INT_MAX = -(2**63), 2**64 - 1

# [0-9] and not \d, which is more than ASCII to some readers of schemas.
_SECONDS = r"[0-9]{1,9}(\.[0-9]{1,6})?S"
_MINUTES = rf"([0-9]{{1,9}}M({_SECONDS})?|{_SECONDS})"
_TIME = rf"T([0-9]{{1,9}}H{_MINUTES}?|{_MINUTES})"
_DURATION = rf"^[+-]?P([0-9]{{1,8}}D({_TIME})?|{_TIME})$"
_DECIMAL = r"^[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,3})?$"
_BASE64 = r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"

_PLAIN: dict[type[mi.Type], Schema] = {
    mi.AnyType: {},
    mi.RawType: {},
    mi.NoneType: {"type": "null"},
    mi.BoolType: {"type": "boolean"},
    mi.DateTimeType: {"type": "string", "format": "date-time"},
    mi.DateType: {"type": "string", "format": "date"},
    mi.TimeType: {"type": "string", "format": "time"},
    # Not `format: duration`, which has neither signs nor fractions.
    mi.TimeDeltaType: {"type": "string", "pattern": _DURATION, "examples": ["PT1H"]},
    mi.UUIDType: {"type": "string", "format": "uuid"},
    # Written as text; read from a number, too, whose digits are taken as they are.
    mi.DecimalType: {"type": ["string", "number"], "format": "decimal", "pattern": _DECIMAL, "examples": ["1.50"]},
}


class Schemas:
    """Translates types, collecting the named ones.

    Args:
        ref: What a reference starts with; the component's name follows.
    """

    def __init__(self, ref: str = "#/$defs/") -> None:
        self._ref = ref
        self._names: dict[Any, str] = {}
        self.components: dict[str, Schema] = {}
        """Schemas by component name."""

    def of(self, kind: Any) -> Schema:
        """Schema of any type the codec carries: inline, or a reference into `components`."""
        return self._of(mi.type_info(kind))

    def add(self, name: str, schema: Schema) -> Schema:
        """Put a schema of one's own among the components. Returns: a reference to it."""
        self.components[name] = schema
        self._names.setdefault(name, name)
        return {"$ref": f"{self._ref}{name}"}

    def _of(self, info: mi.Type) -> Schema:
        plain = _PLAIN.get(type(info))
        if plain is not None:
            return dict(plain)
        match info:
            case mi.Metadata():
                return self._of(info.type) | (info.extra_json_schema or {})
            case mi.IntType():
                return {"type": "integer"} | _range(info, INT_MIN, INT_MAX)
            case mi.FloatType():
                return {"type": "number"} | _range(info)
            case mi.StrType():
                pattern = {} if info.pattern is None else {"pattern": info.pattern}
                return {"type": "string"} | _length(info, "Length") | pattern
            case mi.BytesType() | mi.ByteArrayType() | mi.MemoryViewType():
                return {"type": "string", "contentEncoding": "base64", "pattern": _BASE64}
            case mi.LiteralType():
                return {"enum": list(info.values)}
            case mi.TupleType():
                items = [self._of(item) for item in info.item_types]
                return {
                    "type": "array",
                    "prefixItems": items,
                    "items": False,
                    "minItems": len(items),
                    "maxItems": len(items),
                }
            case mi.CollectionType():
                # A set is not `uniqueItems`: the codec takes a repeated item and drops it.
                return {"type": "array", "items": self._of(info.item_type)} | _length(info, "Items")
            case mi.DictType():
                return {"type": "object", "additionalProperties": self._of(info.value_type)} | _length(
                    info, "Properties"
                )
            case mi.UnionType():
                return self._union(info)
            case mi.CustomType():
                return self._custom(info.cls)
            case mi.EnumType():
                return self._enum(info)
            case mi.StructType() | mi.DataclassType() | mi.TypedDictType() | mi.NamedTupleType():
                return self._object(info)
        return {}

    def _union(self, info: mi.UnionType) -> Schema:
        options = [self._of(option) for option in info.types]
        schema: Schema = {"anyOf": options}
        tagged = [t for t in info.types if isinstance(t, mi.StructType) and t.tag is not None]
        if len(tagged) > 1:
            mapping = {str(t.tag): self._of(t)["$ref"] for t in tagged}
            schema["discriminator"] = {"propertyName": tagged[0].tag_field, "mapping": mapping}
        return schema

    def _enum(self, info: mi.EnumType) -> Schema:
        name = self._name(info.cls)
        return self.add(name, {"title": name, "enum": [member.value for member in info.cls]} | _doc(info.cls))

    def _object(self, info: mi.StructType | mi.DataclassType | mi.TypedDictType | mi.NamedTupleType) -> Schema:
        known = info.cls in self._names
        name = self._name(info.cls)
        ref = {"$ref": f"{self._ref}{name}"}
        if known:  # done, or being done further up: a recursive type
            return ref
        self.components[name] = {}
        if isinstance(info, mi.NamedTupleType) or (isinstance(info, mi.StructType) and info.array_like):
            items = [self._of(f.type) for f in info.fields]
            required = sum(f.required for f in info.fields)
            return self.add(name, {"title": name, "type": "array", "prefixItems": items, "minItems": required})
        properties: Schema = {f.encode_name: self._of(f.type) | _default(f) for f in info.fields}
        mandatory = [f.encode_name for f in info.fields if f.required]
        if isinstance(info, mi.StructType) and info.tag_field is not None:
            properties = {info.tag_field: {"const": info.tag}} | properties
            mandatory.insert(0, info.tag_field)
        schema: Schema = {"title": name, "type": "object"} | _doc(info.cls) | {"properties": properties}
        if mandatory:
            schema["required"] = mandatory
        if isinstance(info, mi.StructType) and info.forbid_unknown_fields:
            schema["additionalProperties"] = False
        return self.add(name, schema)

    def _custom(self, cls: Any) -> Schema:
        """A pydantic model; its own definitions move up beside the other components."""
        describe = getattr(cls, "model_json_schema", None)
        if describe is None:
            return {}
        if cls not in self._names:
            name = self._name(cls)
            schema = describe(ref_template=self._ref + "{model}")
            for inner, definition in schema.pop("$defs", {}).items():
                self.components.setdefault(inner, _bounded(definition))
            if "$ref" not in schema:  # a recursive model is a reference to one of its own definitions
                self.components[name] = _bounded(schema)
        return {"$ref": f"{self._ref}{self._names[cls]}"}

    def _name(self, cls: Any) -> str:
        """The class's name, or its full one where another class has taken that already."""
        if cls not in self._names:
            plain = getattr(cls, "__origin__", cls)
            arguments = "_".join(getattr(a, "__name__", str(a)) for a in getattr(cls, "__args__", ()))
            short = _safe(f"{plain.__name__}_{arguments}" if arguments else plain.__name__)
            taken = short in self._names.values()
            self._names[cls] = _safe(f"{plain.__module__}.{plain.__qualname__}") if taken else short
        return self._names[cls]


def json_schema(info: ContractInfo) -> Schema:
    """A contract as one JSON Schema document.

    Every type is under `$defs`; `x-operations` and `x-events` say what they are for:

        {"$id": "urn:calve:contract:Wallet:1.0", "title": "Wallet", "$defs": {...},
         "x-operations": {"debit": {"kind": "command", "request": {...}, "response": {...}, "raises": {...}}},
         "x-events": {"WalletDebited": {"$ref": "#/$defs/WalletDebited"}}}
    """
    schemas = Schemas()

    def operation(op: Operation) -> Schema:
        return {
            "kind": op.kind,
            "description": op.doc,
            "streaming": op.streaming,
            "request": schemas.of(op.request),
            "response": schemas.of(op.response),
            "raises": {error.__name__: schemas.of(error.fields_type()) for error in op.raises},
        }

    operations = {name: operation(op) for name, op in info.operations.items()}
    events = {event.__name__: schemas.of(event) for event in info.publishes}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:calve:contract:{info.name}:{info.version}",
        "title": info.name,
        "description": info.doc,
        "x-version": str(info.version),
        "x-operations": operations,
        "x-events": events,
        "$defs": schemas.components,
    }


def _range(info: mi.IntType | mi.FloatType, least: int | None = None, most: int | None = None) -> Schema:
    bounds: Schema = {
        "minimum": info.ge if info.ge is not None or info.gt is not None else least,
        "exclusiveMinimum": info.gt,
        "maximum": info.le if info.le is not None or info.lt is not None else most,
        "exclusiveMaximum": info.lt,
        "multipleOf": info.multiple_of,
    }
    return {key: value for key, value in bounds.items() if value is not None}


def _length(info: mi.StrType | mi.CollectionType | mi.DictType, what: str) -> Schema:
    bounds = {f"min{what}": info.min_length, f"max{what}": info.max_length}
    return {key: value for key, value in bounds.items() if value is not None}


def _default(field: mi.Field) -> Schema:
    if field.default_factory in (list, dict, set, frozenset, tuple):
        return {"default": {} if field.default_factory is dict else []}
    if field.default in (msgspec.NODEFAULT, msgspec.UNSET):
        return {}
    return {"default": json_value(field.default)}


def json_value(value: Any) -> Any:
    """A value as `json.loads` would give it back."""
    return msgspec.json.decode(msgspec.json.encode(value, enc_hook=enc_hook))


def _doc(cls: Any) -> Schema:
    plain = getattr(cls, "__origin__", cls)
    text = inspect.cleandoc(plain.__dict__.get("__doc__") or "")
    # dataclasses and named tuples get a signature for a docstring
    made = text.startswith(f"{plain.__name__}(") or text == "An enumeration."
    return {"description": text} if text and not made else {}


def _bounded(schema: Any) -> Any:
    """Add the 64-bit bounds to the integers of a schema that pydantic made."""
    if isinstance(schema, list):
        return [_bounded(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    done = {key: _bounded(value) for key, value in schema.items()}
    if done.get("type") == "integer":
        low = {} if "exclusiveMinimum" in done else {"minimum": INT_MIN}
        high = {} if "exclusiveMaximum" in done else {"maximum": INT_MAX}
        return low | high | done
    return done


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)
