"""From a call to an HTTP request: the other direction of intake.py, for contracts that an HTTP service fulfils.

path, query      texts as `Texts` reads them: identifiers and dates as they are, numbers and flags as JSON writes them
left out         a parameter of the query that has its default
body             the message that is the whole body, or an object with one member per parameter, as JSON
"""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from ...contract import Operation
from ...contract.binding import Param, bind
from ...core.codec import Codec, enc_hook
from ...core.errors import InvalidArgument
from .texts import is_json

_DOTS = frozenset({".", ".."})


class HttpRequest(NamedTuple):
    """What is sent, without the headers that belong to the call."""

    method: str
    target: str
    """Path and query, encoded; to be put behind the base URL."""
    body: bytes | None
    """JSON."""


class RequestMaker:
    """Makes the requests of one operation, which has an HTTP rule."""

    def __init__(self, operation: Operation) -> None:
        assert operation.http is not None
        binding = self._binding = bind(operation)
        self._operation, self._method = operation, operation.http.method
        self._segments = operation.http.path.split("/")[1:]
        self._path = {param.name: param for param in binding.path}
        self._json = {param.name for param in binding.path + binding.query if is_json(param.kind)}
        self._body = None if binding.body is None else Codec(binding.body)

    def make(self, request: Any) -> HttpRequest:
        """The request of a call.

        Args: request: Instance of `operation.request`.
        Raises: InvalidArgument: a value does not fit its type, or cannot be written where the rule puts it.
        """
        request = self._operation.request_codec.copy(request)
        segments = [self._segment(segment, request) for segment in self._segments]
        pairs = [pair for param in self._binding.query for pair in self._query(param, getattr(request, param.name))]
        query = "&".join(f"{quote(name, safe='')}={quote(text, safe='')}" for name, text in pairs)
        target = "/" + "/".join(segments) + (f"?{query}" if query else "")
        return HttpRequest(self._method, target, self._encode(request))

    def _segment(self, segment: str, request: Any) -> str:
        if not segment.startswith("{"):
            return segment
        name = segment[1:-1]
        text = self._text(self._path[name], getattr(request, name))
        if text in _DOTS or not text:
            # URLs give a meaning of their own to these, even when they are percent-encoded.
            raise InvalidArgument(f"{text!r} cannot be a segment of a path at $.{name}", field=f"$.{name}")
        return quote(text, safe="")

    def _query(self, param: Param, value: Any) -> list[tuple[str, str]]:
        if value is msgspec.UNSET or (not param.required and value == param.default):
            return []
        if param.repeated and isinstance(value, list | tuple | set | frozenset):
            return [(param.name, self._text(param, item)) for item in value]
        return [(param.name, self._text(param, value))]

    def _text(self, param: Param, value: Any) -> str:
        plain = msgspec.to_builtins(value, enc_hook=enc_hook)
        if isinstance(plain, str):
            return plain
        if param.name not in self._json:
            raise InvalidArgument(f"None cannot be told from a text at $.{param.name}", field=f"$.{param.name}")
        return msgspec.json.encode(plain).decode()

    def _encode(self, request: Any) -> bytes | None:
        binding = self._binding
        if self._body is None:
            return None
        if binding.body_param is not None:
            return self._body.encode_json(getattr(request, binding.body_param))
        if binding.body is self._operation.request:
            return self._body.encode_json(request)
        names = binding.body.__struct_fields__
        return self._body.encode_json(binding.body(**{name: getattr(request, name) for name in names}))
