"""A contract as a Python client that needs httpx and nothing of Calve: dataclasses, errors, and a class with a method
per operation on REST.

    message        frozen dataclass, keyword-only; unknown members are ignored
    domain error   exception with the error's fields; one that is not declared is CallFailed with the problem
    parameter      one with a default is left out unless given, so that the service's own default holds
    stream         async generator
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator
from importlib import resources

from msgspec import UNSET

from ..lock.describe import Described
from ..lock.model import Field, MessageLock, OperationLock, Shape
from .words import comment, generated, identifier

_PLAIN = {
    "any": "Any",
    "date": "date",
    "datetime": "datetime",
    "decimal": "Decimal",
    "duration": "timedelta",
    "null": "None",
    "opaque": "Any",
    "time": "time",
    "uuid": "UUID",
}
_TAKEN = frozenset(
    {
        "Any",
        "AsyncIterator",
        "Callable",
        "CallFailed",
        "ClassVar",
        "dataclass",
        "dataclasses",
        "date",
        "datetime",
        "Decimal",
        "DomainError",
        "Enum",
        "field",
        "json",
        "Literal",
        "time",
        "timedelta",
        "types",
        "Union",
        "UNSET",
        "Unset",
        "UUID",
    }
)


def python(described: Described) -> str:
    """The module of one contract. Operations without an HTTP rule are left out."""
    return _Module(described).text()


class _Module:
    def __init__(self, described: Described) -> None:
        self._it, self._docs = described.description, described.docs
        self._operations = {name: op for name, op in self._it.operations.items() if op.http is not None}

    def text(self) -> str:
        it = self._it
        prelude = resources.files("calve.contract.exports").joinpath("prelude.py.tmpl").read_text(encoding="utf-8")
        head = f"Client of {it.contract} {it.version}.\n\n{generated(it.service, it.contract, it.version, 'python')}"
        parts = [list(self._enum(name)) for name in it.enums]
        parts += [list(self._message(name, message)) for name, message in it.messages.items()]
        parts += [list(self._error(name)) for name in it.errors]
        parts.append(list(self._client()))
        body = "\n\n\n".join("\n".join(part) for part in parts)
        return "\n".join(_docstring(head)) + "\n" + prelude + "\n\n" + body + "\n"

    def _enum(self, name: str) -> Iterator[str]:
        enum = self._it.enums[name]
        yield f"class {_name(name)}(Enum):"
        yield from _docstring(self._docs.get(name) or f"{name}.", "    ")
        yield ""
        for member, value in enum.values.items():
            yield f"    {_attribute(member)} = {value!r}"

    def _message(self, name: str, message: MessageLock) -> Iterator[str]:
        yield "@dataclass(frozen=True, kw_only=True)"
        yield f"class {_name(name)}:"
        yield from _docstring(self._docs.get(name) or f"{name}.", "    ")
        yield ""
        if message.tag_field is not None:
            yield f"    TAG: ClassVar[tuple[str, str | int]] = ({message.tag_field!r}, {message.tag!r})"
        if message.positional:
            yield "    POSITIONAL: ClassVar[bool] = True"
        yield from self._fields(message.fields, name)

    def _fields(self, fields: Iterable[Field], owner: str) -> Iterator[str]:
        for field in fields:
            yield from comment(self._docs.get(f"{owner}.{field.name}", ""), "#", "    ")
            label, options = _attribute(field.name), []
            kind = self._type(field) + (" | Unset" if field.unset or _unknown(field) else "")
            plain = not field.required and not self._made(field)
            if not field.required and not plain:
                options.append(f"default_factory=lambda: _decode({self._type(field)}, {field.default!r})")
            if label != field.name:
                options.append(f"metadata={{'name': {field.name!r}}}")
            if plain and options:
                options.insert(0, f"default={self._default(field)}")
            value = f" = field({', '.join(options)})" if options else f" = {self._default(field)}" if plain else ""
            yield f"    {label}: {kind}{value}"

    def _made(self, field: Field) -> bool:
        """Whether a default has to be decoded into what its type says."""
        return not _unknown(field) and not field.unset and self._default(field) == ""

    def _default(self, field: Field) -> str:
        if field.unset or _unknown(field):
            return "UNSET"
        if field.default is None or field.type in ("bool", "int", "str", "literal"):
            return repr(field.default)
        if field.type == "float":
            return repr(float(field.default))
        if field.type == "array" and field.default == []:
            return "frozenset()" if field.unique else "()"
        return ""

    def _error(self, name: str) -> Iterator[str]:
        error = self._it.errors[name]
        yield "@dataclass(kw_only=True, eq=False)"
        yield f"class {self._error_name(name)}(DomainError):"
        yield from _docstring(self._docs.get(name) or f"{name}.", "    ")
        yield ""
        yield f"    TYPE = {f'urn:calve:error:{self._it.service}:{name}'!r}"
        yield f"    STATUS = {error.status}"
        yield from self._fields(error.fields, name)

    def _error_name(self, name: str) -> str:
        return f"{name}Error" if name in {*self._it.messages, *self._it.enums, *_TAKEN} else name

    def _client(self) -> Iterator[str]:
        it = self._it
        yield f"class {it.contract}Client:"
        doc = self._docs.get(it.contract) or f"{it.contract}."
        yield from _docstring(f"{doc}\n\nArgs:\n    http: Has the edge's address as its `base_url`.", "    ")
        yield ""
        yield "    def __init__(self, http: httpx.AsyncClient) -> None:"
        yield "        self._edge = _Edge(http)"
        for name, operation in self._operations.items():
            yield ""
            yield from self._method(name, operation)

    def _method(self, name: str, operation: OperationLock) -> Iterator[str]:
        plain = [self._parameter(p) for p in operation.parameters if not p.keyword]
        keywords = [self._parameter(p) for p in operation.parameters if p.keyword]
        if operation.kind == "command":
            keywords.append("idempotency_key: str | None = None")
        parameters = ["self", *plain, *(["*", *keywords] if keywords else [])]
        answer = self._type(operation.answer)
        shown = f"AsyncIterator[{answer}]" if operation.streaming else answer
        prefix = "" if operation.streaming else "async "
        yield f"    {prefix}def {_attribute(name)}("
        yield from (f"        {parameter}," for parameter in parameters)
        yield f"    ) -> {shown}:"
        yield from _docstring(self._docs.get(f"{self._it.contract}.{name}") or f"{name}.", "        ")
        yield from self._send(operation, answer)

    def _send(self, operation: OperationLock, answer: str) -> Iterator[str]:
        assert operation.http is not None
        method, _, path = operation.http.rule.partition(" ")
        parts = [part for part in path.split("/") if part]
        named = [part[1:-1] for part in parts if part.startswith("{")]
        shown = "/".join(f"{{_segment({_attribute(p[1:-1])})}}" if p.startswith("{") else p for p in parts)
        rest = [p.name for p in operation.parameters if p.name not in named]
        record = "{" + ", ".join(f"{name!r}: {_attribute(name)}" for name in rest) + "}"
        body = record if operation.http.body is None else _attribute(operation.http.body)
        place = "query" if method in ("GET", "DELETE") else "body"
        arguments = [f'"{method}"', f'{"f" if named else ""}"/{shown}"', answer]
        arguments += [f"{place}={record if place == 'query' else body}"] if rest else []
        if operation.raises:
            arguments.append(f"errors=({', '.join(map(self._error_name, operation.raises))},)")
        if operation.kind == "command":
            arguments.append("idempotency_key=idempotency_key")
        if operation.streaming:
            yield "        return self._edge.stream("
        elif answer == "None":
            yield "        await self._edge.call("
        else:
            yield f"        answer: {answer} = await self._edge.call("
        yield from (f"            {argument}," for argument in arguments)
        yield "        )"
        if not operation.streaming and answer != "None":
            yield "        return answer"

    def _parameter(self, field: Field) -> str:
        kind = self._type(field)
        return (
            f"{_attribute(field.name)}: {kind}"
            if field.required
            else f"{_attribute(field.name)}: {kind} | Unset = UNSET"
        )

    def _type(self, shape: Shape) -> str:
        text = self._bare(shape)
        return f"{text} | None" if shape.nullable and text != "Any" else text

    def _bare(self, shape: Shape) -> str:
        match shape.type:
            case "ref":
                return _name(shape.ref)
            case "array":
                assert shape.items is not None
                return (
                    f"frozenset[{self._type(shape.items)}]"
                    if shape.unique
                    else f"tuple[{self._type(shape.items)}, ...]"
                )
            case "map":
                assert shape.keys is not None
                assert shape.values is not None
                return f"dict[{self._type(shape.keys)}, {self._type(shape.values)}]"
            case "tuple":
                return f"tuple[{', '.join(map(self._type, shape.parts))}]"
            case "union":
                return " | ".join(map(self._type, shape.options))
            case "literal":
                return f"Literal[{', '.join(map(repr, shape.allowed))}]"
        return _PLAIN.get(shape.type, shape.type)


def _unknown(field: Field) -> bool:
    """Whether the default is one that only the code of the service can make."""
    return not field.required and field.default is UNSET


def _name(name: str) -> str:
    return f"{name}Message" if name in _TAKEN else name


def _attribute(name: str) -> str:
    """A name for a field, a parameter or a method; what Python or the module keeps for itself gets a line after it."""
    return identifier(
        name, (*keyword.kwlist, "self", "idempotency_key", "answer", "TAG", "POSITIONAL", "TYPE", "STATUS")
    )


def _docstring(text: str, indent: str = "") -> Iterator[str]:
    lines = list(comment(text.replace("\\", "\\\\").replace('"""', "'''"), "", indent))
    lines = [line.removeprefix(indent)[1:] for line in lines]
    if len(lines) == 1:
        yield f'{indent}"""{lines[0]}"""'
    else:
        yield f'{indent}"""{lines[0]}'
        yield from ((indent + line).rstrip() for line in lines[1:])
        yield f'{indent}"""'
