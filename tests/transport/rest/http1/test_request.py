"""One request: how its body reaches the application, how the answer is framed, what an application may not do."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from calve.testing import virtual_time

from .conftest import Client, body_of, echo, reply, settle

Scripts = dict[str, tuple[list[dict[str, Any]], str]]


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": headers}


def part(body: bytes = b"", more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


@pytest.mark.parametrize(
    ("status", "parts", "headers", "told"),
    [
        (200, [b"abc"], [], {"content-length": "3"}),
        (200, [b""], [], {"content-length": "0"}),
        (205, [b""], [], {"content-length": "0"}),
        (299, [b"abc"], [], {"content-length": "3"}),
        (200, [b"a", b"", b"bc"], [], {"transfer-encoding": "chunked"}),
        (200, [b"a", b"bc"], [(b"Content-Length", b"3")], {"content-length": "3"}),
        (200, [b"a", b"bc"], [(b"transfer-encoding", b"gzip")], {"transfer-encoding": "chunked"}),
    ],
)
@virtual_time
async def test_the_end_of_an_answer_is_told(
    serve: Any, status: int, parts: list[bytes], headers: list[tuple[bytes, bytes]], told: dict[str, str]
) -> None:
    client = serve(lambda scope, receive, send: reply(send, status, *parts, headers=headers))
    await client.get()
    await client.get()
    for answer in client.answers():
        assert (answer.status, answer.body) == (status, b"".join(parts))
        assert answer.headers.pop("date").endswith(" GMT")
        assert answer.headers == told
    assert client.statuses == [status, status]


@pytest.mark.parametrize(
    ("method", "status", "parts", "headers", "told"),
    [
        ("HEAD", 200, [b"abc"], [(b"content-length", b"3")], {"content-length": "3"}),
        ("HEAD", 200, [b"a", b"bc"], [], {}),
        ("GET", 204, [b"abc"], [(b"content-length", b"3")], {}),
        ("GET", 304, [b""], [(b"etag", b"1"), (b"content-length", b"3")], {"etag": "1", "content-length": "3"}),
    ],
)
@virtual_time
async def test_what_has_no_body_gets_none(
    serve: Any,
    method: str,
    status: int,
    parts: list[bytes],
    headers: list[tuple[bytes, bytes]],
    told: dict[str, str],
) -> None:
    client = serve(lambda scope, receive, send: reply(send, status, *parts, headers=headers))
    await client.get(method=method)
    await client.get(method=method)
    answers = client.answers(heads=[0, 1])
    assert [(answer.status, answer.body) for answer in answers] == [(status, b"")] * 2
    assert {name: value for name, value in answers[0].headers.items() if name != "date"} == told


@virtual_time
async def test_http_1_0_is_told_by_the_end_of_the_connection_and_kept_only_on_request(serve: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["http_version"] == "1.0"
        await reply(send, 200, *([b"a", b"b"] if scope["path"] == "/parts" else [b"ab"]))

    client = serve(app)
    await client.send(b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
    assert client.answers()[0].headers["connection"] == "keep-alive"
    await client.send(b"GET /parts HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
    assert client.answers()[1].headers["connection"] == "close"
    assert client.answers()[1].body == b"ab"
    assert client.over
    another = serve(app)
    await another.send(b"GET / HTTP/1.0\r\n\r\n")
    assert another.answers()[0].headers["connection"] == "close"
    assert another.over


@pytest.mark.parametrize("asks", ["client", "application"])
@virtual_time
async def test_either_side_may_end_the_connection_with_an_answer(serve: Any, asks: str) -> None:
    headers = [(b"Connection", b"Close")] if asks == "application" else []
    client = serve(lambda scope, receive, send: reply(send, 200, b"ab", headers=headers))
    await client.get("/", *(["connection: close"] if asks == "client" else []))
    (answer,) = client.answers()
    assert (answer.headers["connection"], answer.body) == ("close", b"ab")
    assert client.over


@virtual_time
async def test_a_body_is_given_in_the_pieces_it_comes_in(serve: Any) -> None:
    events: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while not events or events[-1]["more_body"]:
            events.append(await receive())
        await reply(send, 200, b"")
        events.append(await receive())

    client = serve(app)
    await client.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nab")
    await client.send(b"c")
    await client.send(b"d")
    assert [(event.get("body"), event.get("more_body")) for event in events] == [
        (b"ab", True),
        (b"c", True),
        (b"d", False),
        (None, None),
    ]
    assert events[-1] == {"type": "http.disconnect"}
    assert client.statuses == [200]


@virtual_time
async def test_whoever_waits_for_leave_to_send_a_body_gets_it_when_it_is_wanted(serve: Any) -> None:
    wanted = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/refused":
            await reply(send, 403, b"no")
            return
        await wanted.wait()
        await echo(scope, receive, send)

    client = serve(app)
    await client.send(b"POST /a HTTP/1.1\r\nhost: x\r\nexpect: 100-Continue\r\ncontent-length: 2\r\n\r\n")
    assert client.statuses == []
    wanted.set()
    await settle()
    assert client.statuses == [100]
    await client.send(b"ab")
    assert client.answers()[1].body == b"POST /a ab"
    await client.send(b"POST /refused HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
    refused = client.answers()[2]
    assert (refused.status, refused.headers["connection"]) == (403, "close")
    assert client.over


@virtual_time
async def test_an_application_learns_that_its_client_is_gone(serve: Any) -> None:
    told: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await body_of(receive)
        told.append(await receive())
        with pytest.raises(OSError, match="gone"):
            await send(start())
        told.append("done")

    client = serve(app)
    await client.get()
    client.hang_up()
    await settle()
    assert told == [{"type": "http.disconnect"}, "done"]


WRONG: Scripts = {
    "no answer": ([], "before its answer was complete"),
    "a body first": ([part(b"a")], "before the start"),
    "two starts": ([start(), start()], "a second start"),
    "a status that is none": ([start(42)], "not the status of an answer"),
    "an interim status": ([start(103)], "not the status of an answer"),
    "a length that is none": ([start(200, (b"content-length", b"many"))], "not one number"),
    "two lengths": ([start(200, (b"content-length", b"1"), (b"Content-Length", b"2"))], "not one number"),
    "a line break in a header": ([start(200, (b"x", b"a\r\nset-cookie: b"))], "line break"),
    "a bare line feed in a header": ([start(200, (b"x", b"a\nb"))], "line break"),
    "a NUL in a header": ([start(200, (b"x", b"a\0"))], "line break or a NUL"),
    "a name that is none": ([start(200, (b"a b", b"c"))], "not the name of a header"),
    "a name that ends the head": ([start(200, (b"a\r\n\r\nb", b"c"))], "not the name of a header"),
    "something else": ([{"type": "websocket.accept"}], "cannot be sent now"),
}
TOO_LATE: Scripts = {
    "too short": ([start(200, (b"content-length", b"3")), part(b"a", True), part(b"b")], "not as long as"),
    "too long": ([start(200, (b"content-length", b"3")), part(b"ab", True), part(b"cd")], "not as long as"),
    "no end": ([start(), part(b"a", True)], "before its answer was complete"),
    "a start again": ([start(), part(b"a", True), start()], "a second start"),
}


async def _run(serve: Any, script: list[dict[str, Any]]) -> Client:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for event in script:
            await send(event)

    client: Client = serve(app)
    await client.get()
    return client


@pytest.mark.parametrize("name", WRONG)
@virtual_time
async def test_an_application_that_does_not_answer_is_answered_for(
    serve: Any, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    script, words = WRONG[name]
    client = await _run(serve, script)
    (answer,) = client.answers()
    assert answer.status == 500
    assert words.encode() not in answer.body
    assert not client.over
    assert words in caplog.text


@pytest.mark.parametrize("name", TOO_LATE)
@virtual_time
async def test_an_answer_that_is_not_whole_does_not_look_whole(
    serve: Any, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    script, words = TOO_LATE[name]
    client = await _run(serve, script)
    assert client.wire.aborted
    assert not client.wire.sent.endswith(b"0\r\n\r\n")
    assert words in caplog.text


@virtual_time
async def test_more_than_the_answer_is_refused_and_the_answer_stands(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = await _run(serve, [start(), part(b"a"), part(b"b")])
    await client.get()
    assert [answer.body for answer in client.answers()] == [b"a", b"a"]
    assert "more than its answer" in caplog.text


@virtual_time
async def test_what_an_application_says_in_its_error_stays_here(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("password=hunter2")

    client = serve(app)
    await client.get("/a")
    assert client.statuses == [500]
    assert b"hunter2" not in client.wire.sent
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


@virtual_time
async def test_a_client_that_does_not_read_is_waited_for(serve: Any) -> None:
    sent = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal sent
        await send(start())
        for _ in range(5):
            await send(part(b"x" * 100, True))
            sent += 1
        await send(part())

    client = serve(app)
    client.wire.takes = 150
    await client.get()
    assert sent == 0
    client.wire.take(1000)
    await settle()
    assert sent == 5
    assert len(client.answers()[0].body) == 500
