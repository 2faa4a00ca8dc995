"""From path, query string and body to the request of an operation; compiled once per operation.

What is refused, each with the field and the part of the request it came in:

    a query parameter that the operation does not have, or that comes twice where one is meant
    text that is not of the parameter's type; a parameter or member that is missing
    a body that is not JSON (UTF-8 without a byte order mark), nested too deep, or absent where one is needed
    an integer beyond 64 bits anywhere: another process could not be asked the same

Members of the body that the operation does not know are ignored, as on the wire: that is how old and new versions talk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from ...contract import Operation
from ...contract.binding import Param, bind
from ...core.codec import Codec
from ...core.errors import InvalidArgument
from ...core.suggest import did_you_mean
from .nesting import too_deep
from .problem import HttpError, Refusal


class Arguments:
    """Reads the requests of one operation.

    Args:
        operation: Has an HTTP rule.
        nesting_max: Deepest nesting of a body.
    """

    def __init__(self, operation: Operation, nesting_max: int) -> None:
        binding = bind(operation)
        self._path = tuple(p.name for p in binding.path)
        self._query = {p.name: p for p in binding.query}
        self._kind = operation.request
        self._texts = _texts_codec(operation, binding.path, binding.query) if self._path or self._query else None
        self.takes_body = binding.body is not None
        """Whether the body has to be read at all."""
        self._body = Codec(binding.body) if self.takes_body else None
        self._body_param, self._body_required = binding.body_param, binding.body_required
        self._members = tuple(n for n in operation.params if n not in self._path) if self.takes_body else ()
        self._nesting_max = nesting_max

    def read(self, values: tuple[str, ...], query: bytes, body: bytes) -> Any:
        """Make the request.

        Args:
            values: Texts of the path parameters, decoded.
            query: Query string as it came.
            body: Whole body; ignored when the operation takes none.
        Returns: an instance of `operation.request`, the same that a peer on the wire would receive.
        Raises: InvalidArgument, Refusal.
        """
        texts: dict[str, Any] = dict(zip(self._path, values, strict=True)) if values else {}
        if query:
            self._add_query(texts, query)
        if self._body is not None:
            return self._with_body(texts, body)
        return self._kind() if self._texts is None else self._convert(texts)

    def _add_query(self, texts: dict[str, Any], query: bytes) -> None:
        faults: list[tuple[str, str, str]] = []
        for name, value in _pairs(query):
            param = self._query.get(name)
            if param is None:
                known = did_you_mean(name, self._query)
                faults.append((f"$.{name}", "query", f"unknown query parameter {name!r}; {known}"))
            elif param.repeated:
                texts.setdefault(name, []).append(value)
            elif name in texts:
                faults.append((f"$.{name}", "query", f"query parameter {name!r} is given more than once"))
            else:
                texts[name] = value
        if faults:
            raise Refusal(*faults[:20])

    def _convert(self, texts: dict[str, Any]) -> Any:
        assert self._texts is not None
        try:
            return self._texts.convert(texts, strict=False)
        except InvalidArgument as error:
            part = "path" if error.field.removeprefix("$.") in self._path else "query"
            raise Refusal((error.field, part, str(error))) from error

    def _with_body(self, texts: dict[str, Any], body: bytes) -> Any:
        decoded = self._decode(body)
        if self._texts is None and self._body_param is None:
            return decoded
        arguments = msgspec.structs.asdict(self._convert(texts)) if self._texts is not None else {}
        if self._body_param is None:
            for name in self._members:
                arguments[name] = getattr(decoded, name)
        elif decoded is not _DEFAULT:
            arguments[self._body_param] = decoded
        return self._kind(**arguments)

    def _decode(self, body: bytes) -> Any:
        assert self._body is not None
        if not body:
            if self._body_required:
                raise Refusal(("$", "body", "a JSON body is needed and the request has none"))
            if self._body_param is not None:
                return _DEFAULT
            body = b"{}"
        if too_deep(body, self._nesting_max):
            raise Refusal(("$", "body", f"the body is nested deeper than {self._nesting_max} levels"))
        try:
            return self._body.decode_json(body)
        except InvalidArgument as error:
            if _WHOLE.search(body):
                return self._decode_integers(body)
            raise Refusal((error.field, "body", str(error))) from error

    def _decode_integers(self, body: bytes) -> Any:
        """Decode once more, 5.0 being 5: JSON has one kind of number, and its schemas call both an integer."""
        assert self._body is not None
        try:
            return self._body.decode_json(msgspec.json.encode(_integral.decode(body)))
        except msgspec.DecodeError as error:
            raise Refusal(("$", "body", str(error))) from error
        except InvalidArgument as error:
            raise Refusal((error.field, "body", str(error))) from error


def _number(text: str) -> Any:
    value = Decimal(text)
    whole = abs(value) < 2**64 and value == value.to_integral_value()
    return int(value) if whole else msgspec.Raw(text.encode())


_WHOLE = re.compile(rb"[0-9](\.0|[eE])")
_integral = msgspec.json.Decoder(float_hook=_number)

_DEFAULT: Any = object()
"""Stands for the default of a body parameter whose body is empty."""


def _texts_codec(operation: Operation, path: tuple[Param, ...], query: tuple[Param, ...]) -> Codec[Any]:
    """The parameters that are text, as one struct: one conversion checks them all and names the one at fault."""
    params = path + query
    if {p.name for p in params} == set(operation.params):
        return operation.request_codec
    fields = [(p.name, p.kind) if p.required else (p.name, p.kind, p.default) for p in params]
    return Codec(msgspec.defstruct(f"{operation.request.__name__}_texts", fields, frozen=True, kw_only=True))


def _pairs(query: bytes) -> Iterator[tuple[str, str]]:
    """The pairs of a query string, as HTML forms write them. Raises Refusal when one is not UTF-8."""
    decode: Callable[[bytes], str] = bytes.decode
    for pair in query.split(b"&"):
        if not pair:
            continue
        name, _, value = pair.partition(b"=")
        try:
            if b"%" in pair or b"+" in pair:
                name, value = unquote_to_bytes(name.replace(b"+", b" ")), unquote_to_bytes(value.replace(b"+", b" "))
            yield decode(name), decode(value)
        except UnicodeDecodeError as error:
            raise Refusal(("$", "query", f"the query string is not UTF-8: {error.reason}")) from error


def check_json(headers: dict[bytes, bytes]) -> None:
    """Refuse a body that is declared as something other than plain JSON in UTF-8. Raises HttpError 415."""
    declared = headers.get(b"content-type")
    if declared != b"application/json":
        media, _, parameters = (declared or b"").decode("latin-1").lower().partition(";")
        charset = parameters.strip().removeprefix("charset=").strip('"')
        if media.strip() != "application/json" or charset not in ("", "utf-8"):
            given = f"not {declared.decode('latin-1')!r}" if declared else "and the request does not say what it is"
            raise HttpError(415, "unsupported_media_type", f"the body must be application/json, {given}")
    coding = headers.get(b"content-encoding")
    if coding is not None and coding.lower() != b"identity":
        raise HttpError(
            415, "unsupported_media_type", f"the body must not be compressed, not {coding.decode('latin-1')!r}"
        )
