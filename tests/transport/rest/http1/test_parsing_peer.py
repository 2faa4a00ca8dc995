"""The server beside h11, a parser that shares no code with its own: both see the same requests, wherever they begin.

Requests that two servers in a row take apart differently are how one of them is made to answer for another client.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from hypothesis import given, settings
from hypothesis import strategies as st

from calve.testing.loop import run_virtual
from calve.transport.rest.http1.hub import Hub
from calve.transport.rest.http1.options import Http1Options

from .conftest import Client, reply, settle

Seen = tuple[str, bytes, bytes]

GOOD = [
    b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"GET /d HTTP/1.0\r\n\r\n",
    b"HEAD /e HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"POST /f HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
    b"POST /g HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 3\r\n\r\nabc",
]
BITS = [
    *(b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b";", b", ", b"0", b"5", b"+", b"_", b"\0", b"\xff", b"%20", b"\x0b"),
    *(
        b"Content-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"chunked",
        b"identity",
        b"Host: y\r\n",
        b"x: y\r\n",
    ),
    *(b"HTTP/1.0", b"HTTP/1.1", b"0\r\n\r\n", b"Upgrade: websocket\r\nConnection: upgrade\r\n", b"\r\n "),
]
MORE_THAN_H11 = ("illegal request line", "no request line received")
"""What h11 refuses and this server does not: two spaces in a request line, an empty line before it."""


@st.composite
def bent(draw: st.DrawFn) -> bytes:
    """Some good requests, a little out of shape."""
    data = b"".join(draw(st.lists(st.sampled_from(GOOD), min_size=1, max_size=3)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.sampled_from(BITS) | st.just(b"")) + data[at + draw(st.integers(0, 3)) :]
    return data


async def ours(data: bytes, size: int) -> list[Seen]:
    """The requests that an application of this server sees as a whole."""
    seen: list[Seen] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            if event["type"] == "http.disconnect":
                return
            body, more = body + event["body"], event["more_body"]
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        seen.append((scope["method"], target, body))
        await reply(send, 200, b"")

    client = Client(Hub(app, set(), Http1Options(), asyncio.get_running_loop()))
    for at in range(0, len(data), size):
        client.feed(data[at : at + size])
        await settle()
    await settle()
    if not client.wire.ended:
        client.hang_up()
    await settle()
    return seen


def theirs(data: bytes) -> tuple[list[Seen], str]:
    """The same of h11, and why it read no further."""
    peer, seen, method, target, body = h11.Connection(h11.SERVER), list[Seen](), "", b"", b""
    peer.receive_data(data)
    try:
        while True:
            event = peer.next_event()
            if isinstance(event, h11.Request):
                method, target, body = event.method.decode(), event.target, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                seen.append((method, target, body))
                peer.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                peer.send(h11.EndOfMessage())
                if peer.our_state is h11.MUST_CLOSE:
                    return seen, ""
                peer.start_next_cycle()
            else:
                return seen, ""
    except h11.ProtocolError as error:
        return seen, str(error)


@given(bent(), st.sampled_from([1 << 60, 1, 5]))
@settings(deadline=None, max_examples=300)
def test_both_see_the_same_requests(data: bytes, size: int) -> None:
    seen, (beside, why) = run_virtual(ours(data, size)), theirs(data)
    if not why.startswith(MORE_THAN_H11):
        assert seen == beside[: len(seen)]
