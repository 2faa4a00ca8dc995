"""Parameters that are written as text, in a path or a query string.

    text, identifiers, dates, durations, decimals      as they are
    numbers, flags, nothing                            as JSON writes them: 5, -1.5e3, true, null
    a sequence                                         its name several times: ids=1&ids=2

`X | None` of a text cannot be told from the text "null", so nothing is told by leaving the parameter out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
import msgspec.inspect as mi

from ...contract import Operation
from ...contract.binding import Binding, Param
from ...core.codec import Codec
from ...core.errors import InvalidArgument
from ...core.suggest import did_you_mean
from .problem import Refusal

FAULTS_MAX = 20
"""So many faults of one query string are told; looking for near misses of thousands would be work for nobody."""
NAME_LETTERS_MAX = 60
"""Longest name of an unknown parameter that is looked at and told in full."""

_SCALAR = re.compile(r"-?[0-9][0-9.eE+-]*|true|false|null")


class Texts:
    """Reads the text parameters of one operation. All of them are one struct, so that one conversion checks them."""

    def __init__(self, operation: Operation, binding: Binding) -> None:
        params = binding.path + binding.query
        self._path = tuple(p.name for p in binding.path)
        self._query = {p.name: p for p in binding.query}
        self._readers = {p.name: _read_json for p in params if is_json(p.kind)}
        if {p.name for p in params} == set(operation.params):
            self._codec = operation.request_codec
        else:
            fields = [(p.name, p.kind) if p.required else (p.name, p.kind, p.default) for p in params]
            name = f"{operation.request.__name__}_texts"
            self._codec = Codec(msgspec.defstruct(name, fields, frozen=True, kw_only=True))

    def read(self, values: tuple[str, ...], query: bytes) -> Any:
        """Read them all.

        Args:
            values: Texts of the path parameters, decoded, in the order of the path.
            query: Query string as it came.
        Returns: an instance of the operation's request if it has no other parameters, else of a struct of these.
        Raises: Refusal.
        """
        texts: dict[str, Any] = dict(zip(self._path, values, strict=True))
        if query:
            _add_query(texts, self._query, query)
        for name, read in self._readers.items():
            if name in texts:
                texts[name] = read(texts[name])
        try:
            return self._codec.convert(texts)
        except InvalidArgument as error:
            part = "path" if error.field.removeprefix("$.") in self._path else "query"
            raise Refusal((error.field, part, str(error))) from error


def refuse_query(query: bytes) -> None:
    """Refuse every parameter of a query string, for an operation that has none. Raises Refusal."""
    _add_query({}, {}, query)


def _add_query(texts: dict[str, Any], known: dict[str, Param], query: bytes) -> None:
    faults: list[tuple[str, str, str]] = []
    for name, value in _pairs(query):
        param = known.get(name)
        if param is None:
            name = name[:NAME_LETTERS_MAX]
            text = f"unknown query parameter {name!r}; {did_you_mean(name, known)}"
            faults.append((f"$.{name}", "query", text))
        elif param.repeated:
            texts.setdefault(name, []).append(value)
        elif name in texts:
            faults.append((f"$.{name}", "query", f"query parameter {name!r} is given more than once"))
        else:
            texts[name] = value
        if len(faults) == FAULTS_MAX:
            break
    if faults:
        raise Refusal(*faults)


def _pairs(query: bytes) -> Iterator[tuple[str, str]]:
    """The pairs of a query string, as HTML forms write them. Raises Refusal when one is not UTF-8."""
    decode: Callable[[bytes], str] = bytes.decode
    for pair in query.split(b"&"):
        if not pair:
            continue
        name, _, value = pair.partition(b"=")
        try:
            if b"%" in pair or b"+" in pair:
                name = unquote_to_bytes(name.replace(b"+", b" "))
                value = unquote_to_bytes(value.replace(b"+", b" "))
            yield decode(name), decode(value)
        except UnicodeDecodeError as error:
            raise Refusal(("$", "query", f"the query string is not UTF-8: {error.reason}")) from error


def is_json(kind: Any) -> bool:
    """Whether a parameter is written as JSON writes it: there are numbers or flags in its type, and no free text."""
    kinds = list(_leaves(mi.type_info(kind)))
    return any(map(_is_scalar, kinds)) and not any(isinstance(k, mi.StrType) for k in kinds)


def _is_scalar(info: mi.Type) -> bool:
    if isinstance(info, mi.EnumType):
        return any(not isinstance(member.value, str) for member in info.cls)
    if isinstance(info, mi.LiteralType):
        return any(not isinstance(value, str) for value in info.values)
    return isinstance(info, mi.IntType | mi.FloatType | mi.BoolType)


def _leaves(info: mi.Type) -> Iterator[mi.Type]:
    match info:
        case mi.Metadata():
            yield from _leaves(info.type)
        case mi.CollectionType():
            yield from _leaves(info.item_type)
        case mi.TupleType():
            for item in info.item_types:
                yield from _leaves(item)
        case mi.UnionType():
            for option in info.types:
                yield from _leaves(option)
        case _:
            yield info


def _read_json(text: str | list[str]) -> Any:
    """The value of a text; a text that is no JSON scalar stays one, to be refused with the type that was expected."""
    if isinstance(text, list):
        return [_read_json(item) for item in text]
    if _SCALAR.fullmatch(text) is None:
        return text
    try:
        return _scalar.decode(text)
    except msgspec.DecodeError:
        return text


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


_scalar = msgspec.json.Decoder(float_hook=_number)
