"""What a lock says: a contract as plain data that needs no Python to be read.

    Description          service, contract, version                         one per lock file
      ├─ operations      OperationLock: parameters, answer, raises, http
      ├─ errors          ErrorLock: status and fields, by name
      ├─ events          names of messages that are published
      ├─ messages        MessageLock: fields in order; enums: EnumLock, values by name
      └─ numbers         Numbers: the protobuf number of every field, value and option, and those never to be used again

A `Shape` is a type as it crosses the wire: a tuple of any length, a list and a sequence are one "array". Where a shape
is a field or a parameter, its members stand beside the name: {"name": "cents", "type": "int", "ge": 1}.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

Kind = Literal[
    "any",
    "array",
    "bool",
    "bytes",
    "date",
    "datetime",
    "decimal",
    "duration",
    "float",
    "int",
    "literal",
    "map",
    "null",
    "opaque",
    "ref",
    "str",
    "time",
    "tuple",
    "union",
    "uuid",
]


class _Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Part of a lock: what has its default is not written, what is not known is refused."""


class Shape(_Record, frozen=True, kw_only=True):
    """A type, as far as somebody on the other side of a wire can tell."""

    type: Kind
    ref: str = ""
    """Name of a message or an enum, for `ref`."""
    nullable: bool = False
    """Whether null is a value, too."""
    items: Shape | None = None
    """Of an array."""
    unique: bool = False
    """An array without order and repetition: a set."""
    parts: tuple[Shape, ...] = ()
    """Of a tuple."""
    keys: Shape | None = None
    values: Shape | None = None
    """Of a map."""
    options: tuple[Shape, ...] = ()
    """Of a union; never null, see `nullable`."""
    allowed: tuple[str | int, ...] = ()
    """Of a literal."""
    ge: float | int | None = None
    gt: float | int | None = None
    le: float | int | None = None
    lt: float | int | None = None
    multiple_of: float | int | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    zone: bool | None = None
    """For datetime and time: true only with a zone, false only without, nothing for both."""
    schema: dict[str, Any] | None = None
    """JSON Schema of something that another library describes, for `opaque`."""

    def children(self) -> Iterator[tuple[str, Shape]]:
        """The shapes inside this one, each with what a path calls it."""
        for label, inner in (("[]", self.items), (".key", self.keys), ("[]", self.values)):
            if inner is not None:
                yield label, inner
        for index, part in enumerate(self.parts):
            yield f"[{index}]", part
        for option in self.options:
            yield "", option


class Field(Shape, frozen=True, kw_only=True):
    """A member of a message, an error or a request."""

    name: str
    """As it is written on the wire."""
    required: bool = True
    """Whether a reader refuses what lacks it."""
    default: Any = UNSET
    """What a reader takes when it is not there, as JSON; nothing when that is made anew or is the absence itself."""
    unset: bool = False
    """Whether a writer may leave it out to say that there is none."""


class Parameter(Field, frozen=True, kw_only=True):
    """A parameter of an operation."""

    keyword: bool = False
    """Whether it can only be given by name."""


class MessageLock(_Record, frozen=True, kw_only=True):
    """An object with named fields, or, when `positional`, an array of them."""

    fields: tuple[Field, ...] = ()
    positional: bool = False
    strict: bool = False
    """Whether unknown fields are refused rather than ignored."""
    omits_defaults: bool = False
    """Whether a writer leaves out what has its default."""
    tag_field: str | None = None
    tag: str | int | None = None


class EnumLock(_Record, frozen=True, kw_only=True):
    """Named values; the values are what is written."""

    values: dict[str, str | int]
    open: bool = False
    """Whether a reader makes something of values it does not know (`_missing_`)."""


class HttpLock(_Record, frozen=True, kw_only=True):
    """How an operation appears on REST."""

    rule: str
    """Such as `POST /wallets/{owner}/debits`."""
    status: int
    body: str | None = None
    """The parameter that is the whole body; nothing when the body has a member per parameter, or there is none."""


class OperationLock(_Record, frozen=True, kw_only=True):
    """One operation."""

    kind: Literal["command", "query"]
    parameters: tuple[Parameter, ...] = ()
    answer: Shape
    """Of the whole answer, or of one item when streaming."""
    streaming: bool = False
    raises: tuple[str, ...] = ()
    role: str | None = None
    timeout_seconds: float
    """Shown, and no part of compatibility."""
    http: HttpLock | None = None


class ErrorLock(_Record, frozen=True, kw_only=True):
    """A domain error."""

    status: int
    fields: tuple[Field, ...] = ()


class Numbers(_Record, frozen=True, kw_only=True):
    """The protobuf numbers of one message or enum."""

    used: dict[str, int] = {}
    """By name of the field; by value for an enum; by label of the option for a union."""
    reserved: dict[str, str] = {}
    """Numbers that were used once and never will be again, with the name they had."""


class Description(_Record, frozen=True, kw_only=True):
    """A contract, whole."""

    service: str
    contract: str
    version: str
    operations: dict[str, OperationLock] = {}
    errors: dict[str, ErrorLock] = {}
    events: tuple[str, ...] = ()
    messages: dict[str, MessageLock] = {}
    enums: dict[str, EnumLock] = {}
    numbers: dict[str, Numbers] = {}

    def shapes(self) -> Iterator[tuple[str, Shape]]:
        """Every outermost shape with its path: parameters, answers, fields of errors, events and messages."""
        for name, operation in self.operations.items():
            for parameter in operation.parameters:
                yield f"{self.contract}.{name}({parameter.name})", parameter
            yield f"{self.contract}.{name} -> answer", operation.answer
        for name, error in self.errors.items():
            for field in error.fields:
                yield f"{name}.{field.name}", field
        for name, message in self.messages.items():
            for field in message.fields:
                yield f"{name}.{field.name}", field

    def request(self, operation: str) -> MessageLock:
        """The request of an operation, as the message that it is on the wire."""
        return MessageLock(fields=self.operations[operation].parameters)


NO_DEFAULT: UnsetType = UNSET


def shown(shape: Shape) -> str:
    """A shape in a few words, as in `int, at least 1` or `array of OrderLine, at most 50`."""
    text = _SHOWN.get(shape.type, shape.type)
    match shape.type:
        case "ref":
            text = shape.ref
        case "array":
            assert shape.items is not None
            text = f"{'set' if shape.unique else 'array'} of {shown(shape.items)}"
        case "tuple":
            text = f"tuple of ({', '.join(map(shown, shape.parts))})"
        case "map":
            assert shape.keys is not None
            assert shape.values is not None
            text = f"map of {shown(shape.keys)} to {shown(shape.values)}"
        case "union":
            text = " or ".join(map(shown, shape.options))
        case "literal":
            text = f"one of {', '.join(map(repr, shape.allowed))}"
    limits = [f"{words} {value}" for words, value in _limits(shape) if value is not None]
    if shape.zone is not None:
        limits.append("with a zone" if shape.zone else "without a zone")
    return ", ".join([f"{text} or null" if shape.nullable else text, *limits])


_SHOWN = {"opaque": "a model of another library"}


def _limits(shape: Shape) -> Iterator[tuple[str, object]]:
    noun = "letters" if shape.type == "str" else "items"
    yield "at least", shape.ge
    yield "above", shape.gt
    yield "at most", shape.le
    yield "below", shape.lt
    yield "a multiple of", shape.multiple_of
    yield "at least", None if shape.min_length is None else f"{shape.min_length} {noun}"
    yield "at most", None if shape.max_length is None else f"{shape.max_length} {noun}"
    yield "matching", shape.pattern
