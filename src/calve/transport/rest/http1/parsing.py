"""From bytes to the heads of requests: what the parser says, checked and bounded.

llhttp, beneath httptools, is strict about what has hidden one request in another before (both lengths, odd transfer
codings, folded headers, bare line feeds, NULs). What it leaves to its users is refused here: several Hosts or none, a
transfer coding before HTTP/1.1, versions that are not spoken here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import httptools
import msgspec

from ..base import RawHeader, RawHeaders, joined
from ..problem import HttpError
from .options import Http1Options

_METHODS: dict[bytes, str] = {m.encode(): m for m in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}
_AROUND = 4
"""Bytes of a header besides its name and its value."""


class Refused(Exception):
    """Carries an answer out of the parser's callbacks."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = HttpError(status, code, message)


class Head(msgspec.Struct, frozen=True):
    """A request up to its body."""

    method: str
    target: bytes
    """Path and query; ASCII."""
    headers: list[RawHeader]
    """As they came; names in lower case."""
    fields: RawHeaders
    """The headers by name; repeated ones joined."""
    size: int
    """In bytes, at most."""
    keep_alive: bool
    """Whether the client would go on with the connection."""
    old: bool
    """Whether this is HTTP/1.0."""


class HeadReader(ABC):
    """The parser's callbacks, of which those about the body are left to the connection.

    Args:
        options: Limits.
    """

    def __init__(self, options: Http1Options) -> None:
        self._parser: Any = httptools.HttpRequestParser(self)
        self._limits = options
        self._target = b""
        self._headers: list[RawHeader] = []
        self._in_head = False
        self._fed = self._head_bytes = self._trailer_bytes = 0
        """Bytes of the last read, and at most of the head and the trailers that are arriving."""

    @abstractmethod
    def on_head(self, head: Head) -> None:
        """A head is complete."""

    def _parse(self, data: bytes) -> None:
        """Parse what was read. Raises HttpParserUpgrade, HttpParserError, Refused."""
        self._fed = len(data)
        if self._in_head:
            self._head_bytes += len(data)
        self._parser.feed_data(data)
        if self._in_head and self._head_bytes > self._limits.head_bytes_max:
            raise Refused(431, "headers_too_large", "the head of the request is too large")

    def on_message_begin(self) -> None:
        """A request begins."""
        self._target, self._headers, self._in_head = b"", [], True
        self._head_bytes = self._fed

    def on_url(self, url: bytes) -> None:
        """A piece of the request's target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which is not told to anybody."""
        if self._in_head:
            self._headers.append((name.lower(), value))
            return
        self._trailer_bytes += len(name) + len(value) + _AROUND
        if self._trailer_bytes > self._limits.head_bytes_max:
            raise Refused(431, "headers_too_large", "the trailers of the request are too large")

    def on_headers_complete(self) -> None:
        """The head is complete."""
        headers, target, parser, limits = self._headers, self._target, self._parser, self._limits
        count = len(headers)
        if count > limits.headers_max or (
            self._head_bytes > limits.head_bytes_max  # what was read, of which the head is a part
            and sum(len(n) + len(v) + _AROUND for n, v in headers) + len(target) > limits.head_bytes_max
        ):
            raise Refused(431, "headers_too_large", "the request has too many headers, or they are too large")
        fields: RawHeaders = dict(headers)
        repeated = len(fields) != count
        if repeated:
            fields = joined(headers)
        version, method = parser.get_http_version(), parser.get_method()
        if version != "1.1" or repeated or b"host" not in fields:
            self._check(version, fields)
        if not target.startswith(b"/"):
            target = _path_of(target)
        if b"#" in target:
            raise Refused(400, "bad_request", "a request is for a resource, not for a fragment of it")
        self._in_head, self._trailer_bytes = False, 0
        known, keep_alive = _METHODS.get(method) or method.decode("ascii"), parser.should_keep_alive()
        self.on_head(Head(known, target, headers, fields, self._head_bytes, keep_alive, version == "1.0"))

    def _without_upgrade(self) -> bytes:
        """The last head once more, without its wish for another protocol, for a new parser that is there now."""
        method, version = self._parser.get_method(), self._parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b\r\n" % (method, self._target, version)]
        lines += [b"%b: %b\r\n" % header for header in self._headers if header[0] != b"upgrade"]
        self._parser = httptools.HttpRequestParser(self)
        return b"%b\r\n" % b"".join(lines)

    def _check(self, version: str, fields: RawHeaders) -> None:
        if version == "1.1":
            if sum(name == b"host" for name, _ in self._headers) != 1:
                raise Refused(400, "bad_request", "a request needs one Host header")
        elif version != "1.0":
            raise Refused(505, "http_version_not_supported", f"HTTP/1.1 is spoken here, not HTTP/{version}")
        elif b"transfer-encoding" in fields:
            raise Refused(400, "bad_request", "HTTP/1.0 has no Transfer-Encoding")


def _path_of(target: bytes) -> bytes:
    """Path and query of a target that has more or less than that: `http://host/path?query`, `*`, `host:port`."""
    try:
        parts = httptools.parse_url(target)
    except httptools.HttpParserInvalidURLError:
        return target
    if not parts.schema:
        return target
    path = parts.path or b"/"
    return b"%b?%b" % (path, parts.query) if parts.query else path
