"""A contract as a proto3 file: messages, enums, errors, events and a gRPC service.

    int                          int64                    UUID, decimal, date, time        string
    float                        double                   datetime (not without a zone)    Timestamp
    duration                     Duration                 any, models of other libraries   Value
    X | None, or with a default  optional                 union                            a message with a oneof
    list, set                    repeated                 what cannot nest, such as a      a message around it
    dict                         map                      list of lists

Numbers are those of the lock (lock/numbers.py) and stay put; removed ones are reserved. An integer beyond 63 bits does
not fit, and what tells a field that is left out from one that is null is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..lock.describe import Described
from ..lock.model import Field, Numbers, Shape
from ..lock.numbers import error_key, option_label
from .words import comment, generated, identifier, pascal, snake

_PLAIN = {
    "any": "google.protobuf.Value",
    "bool": "bool",
    "bytes": "bytes",
    "date": "string",
    "decimal": "string",
    "duration": "google.protobuf.Duration",
    "float": "double",
    "int": "int64",
    "null": "google.protobuf.NullValue",
    "opaque": "google.protobuf.Value",
    "str": "string",
    "time": "string",
    "uuid": "string",
}
_SAID = {"uuid": "UUID", "decimal": "Decimal", "date": "ISO 8601 date", "time": "ISO 8601 time"}
_FILES = {"Timestamp": "timestamp", "Duration": "duration", "Value": "struct", "NullValue": "struct", "Empty": "empty"}
_KEYS = ("bool", "int")


def proto(described: Described) -> str:
    """The file of one contract. Its description has numbers."""
    return _File(described).text()


class _File:
    def __init__(self, described: Described) -> None:
        self._it, self._docs = described.description, described.docs
        self._package = f"{identifier(self._it.service)}.v{self._it.version.partition('.')[0]}"
        self._names = {*self._it.messages, *self._it.enums, *(error_key(self._it, e) for e in self._it.errors)}

    def text(self) -> str:
        it = self._it
        parts = [list(self._service())]
        parts += [list(self._request(name)) for name in it.operations]
        parts += [list(self._response(name)) for name in it.operations]
        for name in it.errors:
            key = error_key(it, name)
            said = f"{self._docs.get(name, name)} (an error, status {it.errors[name].status})"
            parts.append(list(self._message(key, key, it.errors[name].fields, said)))
        parts += [list(self._message(n, n, m.fields, self._docs.get(n, ""))) for n, m in it.messages.items()]
        parts += [list(self._enum(name)) for name in it.enums]
        body = "\n\n".join("\n".join(part) for part in parts if part)
        head = [*comment(generated(it.service, it.contract, it.version, "proto"), "//"), "", 'syntax = "proto3";', ""]
        head.append(f"package {self._package};\n")
        files = sorted({file for name, file in _FILES.items() if f"google.protobuf.{name}" in body})
        head += [f'import "google/protobuf/{file}.proto";' for file in files] + ([""] if files else [])
        return "\n".join(head) + "\n" + body + "\n"

    def _service(self) -> Iterator[str]:
        it = self._it
        if not it.operations:
            return
        yield from comment(self._docs.get(it.contract, ""), "//")
        yield f"service {self._free(it.contract, 'Service')} {{"
        for index, (name, operation) in enumerate(it.operations.items()):
            if index:
                yield ""
            yield from comment(self._docs.get(f"{it.contract}.{name}", ""), "//", "  ")
            if operation.raises:
                yield from comment(f"Raises: {', '.join(operation.raises)}.", "//", "  ")
            stream = "stream " if operation.streaming else ""
            taken, given = (self._seen_from_service(n) for n in (self._request_name(name), self._response_name(name)))
            yield f"  rpc {pascal(name)}({taken}) returns ({stream}{given});"
        yield "}"

    def _seen_from_service(self, name: str) -> str:
        """A message whose name a method has too is hidden by it."""
        hidden = name in {pascal(operation) for operation in self._it.operations}
        return f".{self._package}.{name}" if hidden else name

    def _request(self, name: str) -> Iterator[str]:
        fields = self._it.operations[name].parameters
        yield from self._message(self._request_name(name), f"{self._it.contract}.{name}", fields, "")

    def _response(self, name: str) -> Iterator[str]:
        answer = self._it.operations[name].answer
        if self._plain_answer(name) or answer.type == "null":
            if answer.type == "null":
                yield f"message {self._response_name(name)} {{}}"
            return
        field = Field(name="value", **_members(answer))
        key = f"{self._it.contract}.{name}.answer"
        yield from self._block(self._response_name(name), [(field, 1, key)], Numbers())

    def _plain_answer(self, name: str) -> bool:
        answer = self._it.operations[name].answer
        return answer.type == "ref" and answer.ref in self._it.messages and not answer.nullable

    def _request_name(self, name: str) -> str:
        return self._free(pascal(name) + "Request", "Arguments")

    def _response_name(self, name: str) -> str:
        if self._plain_answer(name):
            return self._it.operations[name].answer.ref
        return self._free(pascal(name) + "Response", "Answer")

    def _free(self, name: str, suffix: str) -> str:
        return name + suffix if name in self._names else name

    def _message(self, name: str, key: str, fields: Iterable[Field], doc: str) -> Iterator[str]:
        numbers = self._it.numbers[key]
        yield from comment(doc, "//")
        placed = [(field, numbers.used[field.name], f"{key}.{field.name}") for field in fields]
        yield from self._block(name, placed, numbers, docs=key)

    def _block(
        self, name: str, fields: list[tuple[Field, int, str]], numbers: Numbers, docs: str = "", indent: str = ""
    ) -> Iterator[str]:
        lines: list[str] = list(_reserved(numbers))
        nested: list[str] = []
        for field, number, key in fields:
            lines += comment(self._docs.get(f"{docs}.{field.name}", ""), "//", "  ")
            label = identifier(field.name)
            kind = self._field(field, pascal(field.name), key, nested)
            option = "" if label == field.name else f' [json_name = "{field.name}"]'
            lines.append(f"  {kind} {label} = {number}{option};" + self._remark(field))
        inner = [f"  {line}" if line else "" for line in nested]
        content = [*inner, *lines]
        if not content:
            yield f"{indent}message {name} {{}}"
            return
        yield from (indent + line for line in (f"message {name} {{", *content, "}"))

    def _remark(self, shape: Shape) -> str:
        said = _SAID.get(shape.type, "")
        if shape.type == "literal":
            said = f"one of {', '.join(map(repr, shape.allowed))}"
        if isinstance(shape, Field) and shape.default and isinstance(shape.default, str | int | float):
            said += ("; " if said else "") + f"{shape.default!r} if left out"
        return f"  // {said}" if said else ""

    def _field(self, field: Field, name: str, key: str, nested: list[str]) -> str:
        if field.type == "array" and not field.nullable:
            assert field.items is not None
            return f"repeated {self._single(field.items, name, f'{key}.items', nested)}"
        if field.type == "map" and not field.nullable:
            return self._map(field, name, key, nested)
        kind = self._single(_not_null(field), name, key, nested)
        absent = field.nullable or not field.required
        return f"optional {kind}" if absent else kind

    def _map(self, shape: Shape, name: str, key: str, nested: list[str]) -> str:
        assert shape.keys is not None
        assert shape.values is not None
        kind = _PLAIN[shape.keys.type] if shape.keys.type in _KEYS else "string"
        return f"map<{kind}, {self._single(shape.values, name, f'{key}.items', nested)}>"

    def _single(self, shape: Shape, name: str, key: str, nested: list[str]) -> str:
        """The name of a type that may stand for one value, made if there is none yet."""
        if shape.nullable:
            inner = Field(name="value", required=False, **_members(_not_null(shape)))
            return self._wrap(f"{name}OrNull", [(inner, 1, key)], nested)
        match shape.type:
            case "ref":
                return shape.ref
            case "datetime":
                return "string" if shape.zone is False else "google.protobuf.Timestamp"
            case "literal":
                return "int64" if any(isinstance(v, int) for v in shape.allowed) else "string"
            case "array" | "map":
                inner = Field(name="items", **_members(shape))
                # The key is that of the whole: what is inside the wrapper is not one level deeper for the lock.
                return self._wrap(f"{name}{'List' if shape.type == 'array' else 'Map'}", [(inner, 1, key)], nested)
            case "tuple":
                parts = [
                    (Field(name=f"item_{i + 1}", **_members(p)), i + 1, f"{key}.{i}") for i, p in enumerate(shape.parts)
                ]
                return self._wrap(f"{name}Tuple", parts, nested)
            case "union":
                return self._union(shape, name, key, nested)
        return _PLAIN[shape.type]

    def _wrap(self, name: str, fields: list[tuple[Field, int, str]], nested: list[str]) -> str:
        name = self._free(name, "Value")
        nested += [*self._block(name, fields, Numbers()), ""]
        return name

    def _union(self, shape: Shape, name: str, key: str, nested: list[str]) -> str:
        numbers = self._it.numbers[key]
        name = self._free(name, "Union")
        inner: list[str] = []
        lines = []
        for option in shape.options:
            label = option_label(self._it, option)
            kind = self._single(option, pascal(label), f"{key}.{label}", inner)
            lines.append(f"    {kind} {snake(identifier(label))} = {numbers.used[label]};" + self._remark(option))
        body = [*(f"  {line}" if line else "" for line in inner), *_reserved(numbers, names=False)]
        nested += [f"message {name} {{", *body, "  oneof value {", *lines, "  }", "}", ""]
        return name

    def _enum(self, name: str) -> Iterator[str]:
        enum, numbers = self._it.enums[name], self._it.numbers[name]
        prefix = snake(name).upper()
        yield from comment(self._docs.get(name, ""), "//")
        yield f"enum {name} {{"
        yield from _reserved(numbers, names=False)
        yield f"  {prefix}_UNSPECIFIED = 0;"
        for member, value in enum.values.items():
            said = "" if str(value).upper() == member else f"  // {value!r}"
            yield f"  {prefix}_{identifier(member)} = {numbers.used[str(value)]};{said}"
        yield "}"


def _reserved(numbers: Numbers, *, names: bool = True) -> Iterator[str]:
    if numbers.reserved:
        yield f"  reserved {', '.join(numbers.reserved)};"
        gone = sorted({name for name in numbers.reserved.values() if name not in numbers.used})
        if names and gone and all(name == identifier(name) for name in gone):
            yield "  reserved " + ", ".join(f'"{name}"' for name in gone) + ";"


def _members(shape: Shape) -> dict[str, Any]:
    return {name: getattr(shape, name) for name in Shape.__struct_fields__}


def _not_null(shape: Shape) -> Shape:
    return Shape(**{**_members(shape), "nullable": False})
