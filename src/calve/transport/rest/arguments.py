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
from decimal import Decimal
from typing import Any

import msgspec

from ...contract import Operation
from ...contract.binding import bind
from ...core.codec import Codec
from ...core.errors import InvalidArgument
from .nesting import too_deep
from .problem import HttpError, Refusal
from .texts import Texts, refuse_query


class Arguments:
    """Reads the requests of one operation.

    Args:
        operation: Has an HTTP rule.
        nesting_max: Deepest nesting of a body.
    """

    def __init__(self, operation: Operation, nesting_max: int) -> None:
        binding = bind(operation)
        self._kind = operation.request
        self._texts = Texts(operation, binding) if binding.path or binding.query else None
        self.takes_body = binding.body is not None
        """Whether the body has to be read at all."""
        self._body = Codec(binding.body) if self.takes_body else None
        self._body_param, self._body_required = binding.body_param, binding.body_required
        in_path = {p.name for p in binding.path}
        self._members = tuple(name for name in operation.params if name not in in_path) if self.takes_body else ()
        self._nesting_max = nesting_max

    def read(self, values: tuple[str, ...], query: bytes, body: bytes) -> Any:
        """Make the request.

        Args:
            values: Texts of the path parameters, decoded.
            query: Query string as it came.
            body: Whole body; ignored when the operation takes none.
        Returns: an instance of `operation.request`, the same that a peer on the wire would receive.
        Raises: Refusal.
        """
        if self._texts is None:
            if query:
                refuse_query(query)
            texts = None
        else:
            texts = self._texts.read(values, query)
        if self._body is not None:
            return self._with_body(texts, body)
        return self._kind() if texts is None else texts

    def _with_body(self, texts: Any, body: bytes) -> Any:
        decoded = self._decode(body)
        if texts is None and self._body_param is None:
            return decoded
        arguments = msgspec.structs.asdict(texts) if texts is not None else {}
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
            if len(body) <= WHOLE_BYTES_MAX and _WHOLE.search(body):
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


WHOLE_BYTES_MAX = 64 << 10
"""Largest body that is decoded once more for the sake of 5.0: it takes a Python call per number."""

_WHOLE = re.compile(rb"[0-9](\.0|[eE])")
_integral = msgspec.json.Decoder(float_hook=_number)

_DEFAULT: Any = object()
"""Stands for the default of a body parameter whose body is empty."""


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
