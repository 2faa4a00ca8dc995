"""What is no request, or might hide another one, gets no further than this."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calve.testing import virtual_time
from calve.testing.loop import run_virtual
from calve.transport.rest.http1.hub import Hub
from calve.transport.rest.http1.options import Http1Options

from .conftest import Client, Held, echo, settle

HIDDEN = b"GET /hidden HTTP/1.1\r\nhost: x\r\n\r\n"

BAD: dict[str, tuple[bytes, int]] = {
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "an unknown method": (b"BREW / HTTP/1.1\r\nhost: x\r\n\r\n", 400),
    "both lengths": (
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "two lengths": (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\ncontent-length: 30\r\n\r\n", 400),
    "a signed length": (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: +5\r\n\r\nhello", 400),
    "a length beyond all bounds": (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\n", 400),
    "a space before the colon": (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length : 5\r\n\r\nhello", 400),
    "a coding that is not known": (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    "chunked, but not last": (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
    "chunked twice": (
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunked before HTTP/1.1": (b"POST / HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "a chunk of no size": (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nx\r\n\r\n", 400),
    "a chunk that is longer than it says": (
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        400,
    ),
    "a folded header": (b"GET / HTTP/1.1\r\nhost: x\r\na: b\r\n c\r\n\r\n", 400),
    "bare line feeds": (b"GET / HTTP/1.1\nhost: x\n\n", 400),
    "a bare carriage return": (b"GET / HTTP/1.1\r\nhost: x\r\na: b\rc\r\n\r\n", 400),
    "a NUL": (b"GET / HTTP/1.1\r\nhost: x\r\na: b\0c\r\n\r\n", 400),
    "a header's name that is none": (b"GET / HTTP/1.1\r\nhost: x\r\na b: c\r\n\r\n", 400),
    "a target that is not ASCII": ("GET /café HTTP/1.1\r\nhost: x\r\n\r\n".encode(), 400),
    "a fragment": (b"GET /a#b HTTP/1.1\r\nhost: x\r\n\r\n", 400),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (b"GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n", 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/0.9": (b"GET / HTTP/0.9\r\nhost: x\r\n\r\n", 505),
    "too many headers": (b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 128 + b"\r\n", 431),
    "too large a header": (b"GET / HTTP/1.1\r\nhost: x\r\na: " + b"b" * 9000 + b"\r\n\r\n", 431),
    "too large a target": (b"GET /" + b"b" * 9000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", 431),
    "too large trailers": (
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + b"a: bcdefgh\r\n" * 1000 + b"\r\n",
        431,
    ),
}


@pytest.mark.parametrize("size", [1 << 60, 7])
@pytest.mark.parametrize("name", BAD)
@virtual_time
async def test_what_is_no_good_request_is_refused_and_the_connection_ends(serve: Any, name: str, size: int) -> None:
    data, status = BAD[name]
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["path"])
        await echo(scope, receive, send)

    client = serve(app, head_bytes_max=8192)
    await client.send(data + HIDDEN, size)
    (answer,) = client.answers()
    assert (answer.status, answer.headers["connection"]) == (status, "close")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "/hidden" not in seen
    assert client.over


@virtual_time
async def test_requests_before_a_bad_one_are_answered_first(serve: Any) -> None:
    app = Held()
    client = serve(app)
    await client.send(b"GET /a HTTP/1.1\r\nhost: x\r\n\r\nGET /b HTTP/1.1\r\nhost: x\r\n\r\nnonsense\r\n\r\n")
    assert client.answers() == []
    app.go_on.set()
    await settle()
    assert [(a.status, a.body[:2]) for a in client.answers()] == [(200, b"/a"), (200, b"/b"), (400, b'{"')]
    assert client.over


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/a%20b/%C3%A9?q=%20", "/a b/é"),
        ("http://elsewhere:81/a?b=c", "/a"),
        ("http://elsewhere", "/"),
        ("//a//b", "//a//b"),
    ],
)
@virtual_time
async def test_targets_have_paths(serve: Any, target: str, path: str) -> None:
    client = serve(echo)
    await client.get(target)
    assert client.answers()[0].body == f"GET {path} ".encode()


@virtual_time
async def test_repeated_headers_stay_apart_in_a_scope_and_names_are_in_lower_case(serve: Any) -> None:
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await echo(scope, receive, send)

    client = serve(app)
    await client.get("/a?b", "X-Tag: 1", "x-tag: 2")
    (scope,) = scopes
    assert scope["headers"] == [(b"host", b"x"), (b"x-tag", b"1"), (b"x-tag", b"2")]
    assert (scope["client"], scope["server"]) == (("10.0.0.7", 5555), ("127.0.0.1", 80))
    assert (scope["raw_path"], scope["query_string"], scope["http_version"]) == (b"/a", b"b", "1.1")


@virtual_time
async def test_trailers_are_dropped(serve: Any) -> None:
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await echo(scope, receive, send)
        scopes.append(scope)

    client = serve(app)
    chunked = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nhost: evil\r\n\r\n"
    await client.send(chunked + b"GET /next HTTP/1.1\r\nhost: x\r\n\r\n")
    assert [answer.body for answer in client.answers()] == [b"POST / ab", b"GET /next "]
    assert [value for name, value in scopes[0]["headers"] if name == b"host"] == [b"x"]


def requests() -> st.SearchStrategy[tuple[bytes, bytes]]:
    """A request, and what `echo` says to it."""

    def make(path: str, body: bytes, chunks: list[int] | None, padding: int) -> tuple[bytes, bytes]:
        head = f"POST /{path} HTTP/1.1\r\nHost: x\r\nX-Padding: {'p' * padding}\r\n".encode()
        said = f"POST /{path} ".encode() + body
        if chunks is None:
            return head + b"Content-Length: %d\r\n\r\n" % len(body) + body, said
        pieces, rest = b"", body
        for size in chunks:
            if rest[:size]:
                pieces += b"%x\r\n%b\r\n" % (len(rest[:size]), rest[:size])
                rest = rest[size:]
        if rest:
            pieces += b"%x\r\n%b\r\n" % (len(rest), rest)
        return head + b"Transfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n", said

    text = st.text("abc019-_", max_size=10)
    sizes = st.none() | st.lists(st.integers(1, 50), max_size=5)
    return st.builds(make, text, st.binary(max_size=300), sizes, st.integers(0, 100))


@given(st.lists(requests(), min_size=1, max_size=12), st.lists(st.integers(1, 400), min_size=1, max_size=30))
@settings(deadline=None)
def test_answers_do_not_depend_on_how_requests_are_cut_into_pieces(
    asked: list[tuple[bytes, bytes]], sizes: list[int]
) -> None:
    async def run() -> None:
        client = make_client()
        data = b"".join(request for request, _ in asked)
        for number in range(len(data)):
            piece, data = data[: sizes[number % len(sizes)]], data[sizes[number % len(sizes)] :]
            while client.wire.reading_paused:
                await settle()
            client.feed(piece)
            if not data:
                break
        await settle()
        await settle()
        assert [answer.body for answer in client.answers()] == [said for _, said in asked]
        client.hang_up()

    run_virtual(run())


def make_client() -> Client:
    return Client(Hub(echo, set(), Http1Options(head_bytes_max=4096), asyncio.get_running_loop()))


@given(st.binary(max_size=600), st.integers(1, 600), st.booleans())
@settings(deadline=None)
def test_no_bytes_do_harm(data: bytes, size: int, begun: bool) -> None:
    async def run() -> None:
        client = make_client()
        if begun:
            await client.send(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
        for at in range(0, len(data), size):
            if not client.wire.reading_paused:
                client.feed(data[at : at + size])
        await settle()
        assert all(status in (200, 400, 408, 431, 505) for status in client.statuses)
        client.hang_up()
        await settle()

    run_virtual(run())
