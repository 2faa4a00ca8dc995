"""A contract as a TypeScript client: types, and a class that calls the REST edge with `fetch`.

    message          interface (with its tag, if it has one)     array message    tuple
    enum, literal    union of its values                          union            union
    domain error     interface of its problem document, told apart by `code`
    operation        method; with declared errors it gives Result<answer, errors>, otherwise the answer
    stream           async generator over server-sent events

A member that has a default is optional where clients write it, and always there where only the service does.

Texts stay texts: dates, UUIDs, decimals, bytes in Base64. A number beyond 2**53 loses digits, as ever in JavaScript.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from importlib import resources

from ..lock.describe import Described
from ..lock.model import Description, Field, MessageLock, OperationLock, Shape
from .words import comment, generated, identifier, pascal

_PLAIN = {
    "any": "unknown",
    "bool": "boolean",
    "float": "number",
    "int": "number",
    "null": "null",
    "opaque": "unknown",
}
_TAKEN = frozenset(
    {
        "Array",
        "AsyncGenerator",
        "CallFailed",
        "CallOptions",
        "ClientOptions",
        "Edge",
        "Error",
        "JSON",
        "Map",
        "Object",
        "Problem",
        "Promise",
        "Query",
        "Record",
        "RequestInit",
        "Response",
        "Result",
        "String",
        "TextDecoderStream",
        "URL",
    }
)
"""Names that the module uses itself."""


def typescript(described: Described) -> str:
    """The module of one contract. Operations without an HTTP rule are left out."""
    return _Module(described).text()


class _Module:
    def __init__(self, described: Described) -> None:
        self._it, self._docs = described.description, described.docs
        self._operations = {name: op for name, op in self._it.operations.items() if op.http is not None}
        self._sent = set(_sent(self._it))

    def text(self) -> str:
        it = self._it
        head = "\n".join(comment(generated(it.service, it.contract, it.version, "typescript"), "//"))
        prelude = resources.files("calve.contract.exports").joinpath("prelude.ts.tmpl").read_text(encoding="utf-8")
        parts = [list(self._enum(name)) for name in it.enums]
        parts += [list(self._message(name, message)) for name, message in it.messages.items()]
        parts += [list(self._error(name)) for name in it.errors]
        parts += [list(self._errors(name, op)) for name, op in self._operations.items() if op.raises]
        parts.append(list(self._client()))
        return head + "\n" + prelude + "\n" + "\n\n".join("\n".join(part) for part in parts) + "\n"

    def _enum(self, name: str) -> Iterator[str]:
        yield from self._doc(name)
        values = " | ".join(json.dumps(value) for value in self._it.enums[name].values.values())
        extra = " | string" if self._it.enums[name].open else ""
        yield f"export type {_type_name(name)} = {values or 'never'}{extra};"

    def _message(self, name: str, message: MessageLock) -> Iterator[str]:
        yield from self._doc(name)
        if message.positional:
            tag = [] if message.tag_field is None else [json.dumps(message.tag)]
            items = [*tag, *(self._type(f) + ("" if f.required else " | undefined") for f in message.fields)]
            yield f"export type {_type_name(name)} = [{', '.join(items)}];"
            return
        yield f"export interface {_type_name(name)} {{"
        if message.tag_field is not None:
            yield f"  {_key(message.tag_field)}: {json.dumps(message.tag)};"
        yield from self._fields(message.fields, name, always=name not in self._sent and not message.omits_defaults)
        yield "}"

    def _fields(self, fields: Iterable[Field], owner: str, *, always: bool) -> Iterator[str]:
        """The members of an interface; `always` says that the service writes those that have a default, too."""
        for field in fields:
            yield from self._doc(f"{owner}.{field.name}", "  ")
            mark = "" if field.required or (always and not field.unset) else "?"
            yield f"  {_key(field.name)}{mark}: {self._type(field)};"

    def _error(self, name: str) -> Iterator[str]:
        error = self._it.errors[name]
        yield from self._doc(name)
        yield f"export interface {self._error_name(name)} {{"
        yield f"  type: {json.dumps(self._type_uri(name))};"
        yield f"  code: {json.dumps(name)};"
        yield f"  status: {error.status};"
        yield "  title: string;\n  detail?: string;"
        yield from self._fields(error.fields, name, always=True)
        yield "}"

    def _errors(self, name: str, operation: OperationLock) -> Iterator[str]:
        yield f"export type {pascal(name)}Error = {' | '.join(map(self._error_name, operation.raises))};"

    def _error_name(self, name: str) -> str:
        return f"{name}Problem" if name in {*self._it.messages, *self._it.enums, *_TAKEN} else name

    def _type_uri(self, error: str) -> str:
        return f"urn:calve:error:{self._it.service}:{error}"

    def _client(self) -> Iterator[str]:
        yield from self._doc(self._it.contract)
        yield f"export class {self._it.contract}Client {{"
        yield "  private readonly edge: Edge;\n"
        yield "  constructor(options: ClientOptions) {\n    this.edge = new Edge(options);\n  }"
        for name, operation in self._operations.items():
            yield ""
            yield from self._doc(f"{self._it.contract}.{name}", "  ")
            yield from self._method(name, operation)
        yield "}"

    def _method(self, name: str, operation: OperationLock) -> Iterator[str]:
        answer = self._type(operation.answer)
        members = [f"{_key(p.name)}{'' if p.required else '?'}: {self._type(p)}" for p in operation.parameters]
        optional = " = {}" if all(not p.required for p in operation.parameters) else ""
        parameters = f"args: {{ {'; '.join(members)} }}{optional}, call: CallOptions = {{}}" if members else ""
        parameters = parameters or "call: CallOptions = {}"
        send = self._send(operation)
        label = identifier(name, ("constructor", "edge"))
        if operation.streaming:
            yield f"  async *{label}({parameters}): AsyncGenerator<{answer}, void, void> {{"
            yield f"    yield* this.edge.items<{answer}>(await {send});"
        elif operation.raises:
            errors = f"{pascal(name)}Error"
            declared = json.dumps([self._type_uri(error) for error in operation.raises])
            yield f"  async {label}({parameters}): Promise<Result<{answer}, {errors}>> {{"
            yield f"    return this.edge.result<{answer}, {errors}>("
            yield f"      await {send},\n      {declared},\n    );"
        else:
            yield f"  async {label}({parameters}): Promise<{answer}> {{"
            yield f"    return this.edge.value<{answer}>(await {send});"
        yield "  }"

    def _send(self, operation: OperationLock) -> str:
        assert operation.http is not None
        method, _, path = operation.http.rule.partition(" ")
        parts = [part for part in path.split("/") if part]
        named = [part[1:-1] for part in parts if part.startswith("{")]
        shown = [f"${{encodeURIComponent(String({_member(p[1:-1])}))}}" if p.startswith("{") else p for p in parts]
        rest = [p.name for p in operation.parameters if p.name not in named]
        pairs = ", ".join(f"{_key(name)}: {_member(name)}" for name in rest)
        record = f"{{ {pairs} }}" if pairs else "{}"
        query = record if method in ("GET", "DELETE") else "{}"
        body = "undefined" if method in ("GET", "DELETE") or not rest else record
        if operation.http.body is not None:
            body = _member(operation.http.body)
        accept = "text/event-stream" if operation.streaming else "application/json"
        return f'this.edge.request("{method}", `/{"/".join(shown)}`, {query}, {body}, "{accept}", call)'

    def _type(self, shape: Shape) -> str:
        text = self._bare(shape)
        return f"{text} | null" if shape.nullable else text

    def _bare(self, shape: Shape) -> str:
        match shape.type:
            case "ref":
                return _type_name(shape.ref)
            case "array":
                assert shape.items is not None
                item = self._type(shape.items)
                return f"({item})[]" if "|" in item else f"{item}[]"
            case "map":
                assert shape.values is not None
                return f"Record<string, {self._type(shape.values)}>"
            case "tuple":
                return f"[{', '.join(map(self._type, shape.parts))}]"
            case "union":
                return " | ".join(map(self._type, shape.options))
            case "literal":
                return " | ".join(map(json.dumps, shape.allowed))
        return _PLAIN.get(shape.type, "string")

    def _doc(self, name: str, indent: str = "") -> Iterator[str]:
        text = self._docs.get(name)
        if text:
            lines = list(comment(text.replace("*/", "* /"), " *", indent))
            one = len(lines) == 1
            yield from [f"{indent}/** {lines[0].strip(' *')} */"] if one else [f"{indent}/**", *lines, f"{indent} */"]


def _sent(description: Description) -> Iterator[str]:
    """Names of the messages that clients write."""
    pending: list[Shape] = [p for operation in description.operations.values() for p in operation.parameters]
    seen: set[str] = set()
    while pending:
        shape = pending.pop()
        pending += [inner for _, inner in shape.children()]
        if shape.ref in description.messages and shape.ref not in seen:
            seen.add(shape.ref)
            yield shape.ref
            pending += description.messages[shape.ref].fields


def _type_name(name: str) -> str:
    return f"{name}Message" if name in _TAKEN else name


def _key(name: str) -> str:
    return name if name == identifier(name) else json.dumps(name)


def _member(name: str) -> str:
    return f"args.{name}" if name == identifier(name) else f"args[{json.dumps(name)}]"
