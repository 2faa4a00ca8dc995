"""Heads of answers: what is remembered of them, and what they refuse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calve.transport.rest.http1.heads import HeaderLines, status_line


def test_names_are_in_lower_case_and_framing_is_left_out() -> None:
    fields = HeaderLines().fields([(b"X-A", b"1"), (b"Transfer-Encoding", b"chunked"), (b"Connection", b"keep-alive")])
    assert (fields.lines, fields.length, fields.close) == (b"x-a: 1\r\n", None, False)


def test_the_same_headers_give_the_same_lines_each_time() -> None:
    lines = HeaderLines()
    headers = (
        (b"content-type", b"text/plain"),
        (b"date", b"now"),
        (b"content-length", b"5"),
        (b"connection", b"close"),
    )
    first = lines.remembered(headers)
    assert (first.length, first.close, first.dated) == (5, True, True)
    assert lines.remembered(headers) is first
    assert lines.fields(list(headers)) == first == lines.fields(headers)


def test_what_is_remembered_is_bounded() -> None:
    lines = HeaderLines()
    for number in range(5000):
        lines.remembered(((b"etag", b"%d" % number),))
        lines.fields([(b"x-request-id", b"%d" % number)])
    assert len(lines._seen) <= 1024
    assert len(lines._whole) <= 1024
    assert lines.fields([(b"x-request-id", b"4999")]).lines == b"x-request-id: 4999\r\n"


def test_credentials_are_not_remembered() -> None:
    lines = HeaderLines()
    lines.fields([(b"set-cookie", b"session=secret")])
    assert lines._seen == {}


@given(st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=12)), max_size=4))
def test_no_header_ends_the_head(headers: list[tuple[bytes, bytes]]) -> None:
    try:
        lines = HeaderLines().fields(headers).lines
    except ValueError:
        return
    assert b"\0" not in lines
    assert lines.count(b"\n") == lines.count(b"\r") == lines.count(b"\r\n") <= len(headers)
    assert b"\r\n\r\n" not in lines
    assert not lines.startswith(b"\r\n")


def test_statuses_have_their_line() -> None:
    assert status_line(200) == b"HTTP/1.1 200 OK\r\n"
    assert status_line(299) == b"HTTP/1.1 299 \r\n"
    for status in (0, 100, 101, 199, 1000):
        with pytest.raises(ValueError, match="not the status of an answer"):
            status_line(status)
