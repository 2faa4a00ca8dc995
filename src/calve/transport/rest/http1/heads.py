"""Heads of answers: the status line, the headers, and how the end of the body is told.

    a body that is known as a whole     content-length
    one in pieces, to HTTP/1.1          transfer-encoding: chunked
    one in pieces, to HTTP/1.0          until the connection closes
    204, 304, the answer to HEAD        none, whatever the application sends

A header of the application that could end the head early (a line break, a NUL) is refused, so nothing that reaches a
header can become a second answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import NamedTuple

from ....core.errors import CallError
from ..base import RawHeader
from ..problem import HttpError, encode_problem, problem_of

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_UNSAFE = re.compile(rb"[\r\n\0]")
_LINES_KEPT = 1024
_VARYING = (b"date", b"set-cookie")
"""Headers that are not remembered: the first is looked for in every answer, the other one is nobody's business."""

BODILESS = (204, 304)
"""Statuses of answers that have no body."""

CLOSE = b"connection: close\r\n"
KEEP_ALIVE = b"connection: keep-alive\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Fields(NamedTuple):
    """The headers of an answer, as lines, and what they say of its framing."""

    lines: bytes
    length: int | None
    """Declared length of the body, in bytes."""
    close: bool
    """Whether the application wants the connection to end."""
    dated: bool
    plain: bool
    """Whether they say none of that, so that framing and date are all ours."""


def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode()


_STATUS_LINES = {int(status): _status_line(status) for status in HTTPStatus}


def status_line(status: int) -> bytes:
    """First line of an answer. Raises ValueError for what is no final status."""
    line = _STATUS_LINES.get(status)
    if not 200 <= status <= 999:
        raise ValueError(f"{status} is not the status of an answer")
    return line or _status_line(status)


class HeaderLines:
    """Turns headers into lines. Remembers those it has seen, because most answers of an application have the same."""

    def __init__(self) -> None:
        self._seen: dict[tuple[bytes, bytes], bytes] = {}
        self._whole: dict[tuple[RawHeader, ...], Fields] = {}

    def remembered(self, headers: Sequence[RawHeader]) -> Fields:
        """The same as `fields`; the result for a tuple is remembered as a whole."""
        if type(headers) is not tuple:
            return self.fields(headers)
        known = self._whole.get(headers)
        if known is None:
            known = self.fields(headers)
            if len(self._whole) < _LINES_KEPT:
                self._whole[headers] = known
        return known

    def fields(self, headers: Iterable[RawHeader]) -> Fields:
        """Headers of an application, in any case of letters. Raises ValueError for one that cannot be sent."""
        lines: list[bytes] = []
        length, close, dated, seen = None, False, False, self._seen
        for header in headers:
            line = seen.get(header) if type(header) is tuple else None
            if line is not None:
                lines.append(line)
                continue
            name, value = bytes(header[0]).lower(), bytes(header[1])
            if name == b"content-length":
                length = _length(value, length)
            elif name == b"connection":
                close = close or b"close" in value.lower()
            elif name != b"transfer-encoding":  # framing is ours
                dated = dated or name == b"date"
                line = _line(name, value)
                lines.append(line)
                if len(seen) < _LINES_KEPT and name not in _VARYING and len(line) < 256 and type(header) is tuple:
                    seen[header] = line
        return Fields(b"".join(lines), length, close, dated, length is None and not (close or dated))


def _line(name: bytes, value: bytes) -> bytes:
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is not the name of a header")
    if _UNSAFE.search(value) is not None:
        raise ValueError(f"the value of the header {name.decode('ascii')} has a line break or a NUL in it")
    return b"%b: %b\r\n" % (name, value)


def whole_problem(error: CallError | HttpError, date: bytes) -> bytes:
    """The last answer of a connection: the problem document of an error. Args: date: the header, as a line."""
    status, content_type, body = encode_problem(problem_of(error))
    told = b"content-type: %b\r\ncontent-length: %d\r\n" % (content_type.encode(), len(body))
    return b"%b%b%b%b\r\n%b" % (status_line(status), told, date, CLOSE, body)


def _length(value: bytes, before: int | None) -> int:
    if not value.isdigit() or len(value) > 18 or before not in (None, int(value)):
        raise ValueError("the content-length of an answer is not one number of bytes")
    return int(value)
