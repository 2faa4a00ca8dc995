"""A connection from its beginning to its end: order, bounds, times, and parting."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from calve.testing import virtual_time
from calve.transport.rest.http1.hub import Hub

from .conftest import Client, Held, body_of, echo, reply, settle


@virtual_time
async def test_requests_that_come_together_are_answered_one_by_one_and_in_order(serve: Any) -> None:
    app = Held()
    client = serve(app)
    await client.send(b"".join(b"GET /%d HTTP/1.1\r\nhost: x\r\n\r\n" % number for number in range(5)))
    assert app.seen == ["/0"]
    app.go_on.set()
    await settle()
    assert [answer.body for answer in client.answers()] == [b"/%d" % number for number in range(5)]


@virtual_time
async def test_little_is_read_ahead_of_the_request_that_is_answered(serve: Any) -> None:
    app = Held()
    client = serve(app, pipelined_max=3)
    request = b"GET /%d HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 4000 + b"\r\n\r\n"
    await client.send(b"".join(request % number for number in range(100)))
    assert client.wire.reading_paused
    connection = client.wire.protocol
    assert len(connection._waiting) < 10
    app.go_on.set()
    for _ in range(30):
        await settle()
    assert [answer.body for answer in client.answers()] == [b"/%d" % number for number in range(100)]
    assert not client.wire.reading_paused


@virtual_time
async def test_a_body_that_nobody_takes_is_not_collected(serve: Any) -> None:
    go_on, sizes = asyncio.Event(), []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await go_on.wait()
        body = await body_of(receive)
        sizes.append(len(body))
        await reply(send, 200, b"")

    client = serve(app, body_bytes_buffered=1000)
    await client.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 500000\r\n\r\n")
    await client.send(b"x" * 250_000)
    assert client.wire.reading_paused
    assert client.wire.protocol._arriving.buffered < 20_000
    go_on.set()
    await settle()
    assert not client.wire.reading_paused
    await client.send(b"x" * 250_000)
    assert (sizes, client.statuses) == ([500_000], [200])


@virtual_time
async def test_a_head_has_to_arrive_in_time_however_slowly_it_trickles(serve: Any) -> None:
    client = serve(echo, head_seconds=10)
    await client.send(b"GET / HTTP/1.1\r\nhost: x\r\n")
    for _ in range(9):
        await asyncio.sleep(1)
        assert not client.over
        client.feed(b"x: y\r\n")
    await asyncio.sleep(2)
    assert (client.statuses, client.over) == ([408], True)


@virtual_time
async def test_a_connection_that_asks_nothing_is_closed_without_a_word(serve: Any) -> None:
    fresh, used = (
        serve(echo, head_seconds=10, keep_alive_seconds=20),
        serve(echo, head_seconds=10, keep_alive_seconds=20),
    )
    await used.get()
    await asyncio.sleep(12)
    assert (fresh.over, used.over) == (True, False)
    assert bytes(fresh.wire.sent) == b""
    await asyncio.sleep(10)
    assert (used.over, used.statuses) == (True, [200])


@virtual_time
async def test_a_call_may_take_longer_than_any_of_the_times_of_the_connection(serve: Any) -> None:
    app = Held()
    client = serve(app)
    await client.get()
    await asyncio.sleep(10_000)
    assert not client.over
    app.go_on.set()
    await settle()
    assert client.statuses == [200]


@pytest.mark.parametrize("begun", [False, True])
@virtual_time
async def test_silence_within_a_body_ends_the_request(serve: Any, begun: bool) -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
        while (event := await receive())["type"] == "http.request":
            pass
        seen.append(event["type"])

    client = serve(app, body_seconds=10)
    await client.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n")
    for _ in range(5):
        await asyncio.sleep(9)
        await client.send(b"x")
    assert not client.over
    await asyncio.sleep(12)
    assert seen == ["http.disconnect"]
    assert client.over
    if begun:
        assert client.wire.aborted
    else:
        assert client.statuses == [408]


@virtual_time
async def test_a_body_that_waits_for_the_application_is_not_silent(serve: Any) -> None:
    go_on = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await go_on.wait()
        await echo(scope, receive, send)

    client = serve(app, body_seconds=10, body_bytes_buffered=10)
    await client.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 40\r\n\r\n" + b"x" * 20)
    assert client.wire.reading_paused
    await asyncio.sleep(100)
    go_on.set()
    await settle()
    await client.send(b"x" * 20)
    assert client.statuses == [200]


@virtual_time
async def test_a_client_that_takes_nothing_of_its_answer_is_hung_up_on(serve: Any) -> None:
    client = serve(lambda scope, receive, send: reply(send, 200, b"x" * 1000), write_seconds=10, keep_alive_seconds=10)
    client.wire.takes = 100
    await client.get()
    await asyncio.sleep(25)
    assert client.wire.aborted


@pytest.mark.parametrize("ends", [False, True])
@virtual_time
async def test_one_that_takes_it_slowly_gets_it_all(serve: Any, ends: bool) -> None:
    client = serve(lambda scope, receive, send: reply(send, 200, b"x" * 1000), write_seconds=10, keep_alive_seconds=10)
    client.wire.takes = 100
    await client.get("/", *(["connection: close"] if ends else []))
    for _ in range(20):
        await asyncio.sleep(9)
        assert not client.wire.aborted
        client.wire.take(50)
    assert len(client.answers()[0].body) == 1000
    await settle()
    assert client.wire.ended is ends


@virtual_time
async def test_one_that_is_still_sending_gets_to_read_why_it_is_refused(serve: Any) -> None:
    client = serve(lambda scope, receive, send: reply(send, 413, b"no"), linger_seconds=2)
    await client.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n")
    (answer,) = client.answers()
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert (client.wire.half_closed, client.wire.ended) == (True, False)
    await client.send(b"x" * 100_000)
    assert not client.wire.ended
    await asyncio.sleep(4)
    assert client.wire.aborted
    assert client.statuses == [413]


@pytest.mark.parametrize(("count", "size"), [(40, 1 << 60), (6, 3)])
@virtual_time
async def test_a_wish_for_another_protocol_is_answered_in_this_one(serve: Any, count: int, size: int) -> None:
    client = serve(echo)
    wish = b"POST /a HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: h2c\r\ncontent-length: 5\r\n\r\nhello"
    await client.send(wish * count + b"GET /b HTTP/1.1\r\nhost: x\r\n\r\n", size)
    for _ in range(10):
        await settle()
    assert [answer.body for answer in client.answers()] == [b"POST /a hello"] * count + [b"GET /b "]
    assert not client.over


@virtual_time
async def test_tunnels_are_not_made(serve: Any) -> None:
    client = serve(echo)
    await client.send(b"CONNECT elsewhere:80 HTTP/1.1\r\nhost: x\r\n\r\nGET /hidden HTTP/1.1\r\nhost: x\r\n\r\n")
    (answer,) = client.answers()
    assert (answer.body, answer.headers["connection"]) == (b"CONNECT elsewhere:80 ", "close")
    assert client.over


@virtual_time
async def test_one_connection_too_many_is_told_so(hub: Any) -> None:
    shared: Hub = hub(echo, connections_max=2)
    first, second, third = (Client(shared) for _ in range(3))
    await settle()
    assert (third.statuses, third.over) == ([503], True)
    first.hang_up()
    third.hang_up()
    fourth = Client(shared)
    await fourth.get()
    await second.get()
    assert (fourth.statuses, second.statuses) == ([200], [200])


@virtual_time
async def test_an_end_is_told_with_the_answer_that_is_being_made(hub: Any) -> None:
    app = Held()
    shared: Hub = hub(app)
    idle, busy, asking = (Client(shared) for _ in range(3))
    await busy.get("/busy")
    await asking.send(b"GET /asking HTTP/1.1\r\n")
    shared.parting = shared.draining = True
    for connection in tuple(shared.connections):
        connection.drain()
    app.go_on.set()
    await settle()
    assert (idle.over, bytes(idle.wire.sent)) == (True, b"")
    assert [(a.body, a.headers["connection"]) for a in busy.answers()] == [(b"/busy", "close")]
    await asking.send(b"host: x\r\n\r\n")
    assert [(a.body, a.headers["connection"]) for a in asking.answers()] == [(b"/asking", "close")]
    assert busy.over
    assert asking.over


@virtual_time
async def test_who_came_just_before_the_end_is_answered_but_not_waited_for(hub: Any) -> None:
    shared: Hub = hub(echo)
    shared.parting = shared.draining = True
    asking, silent = Client(shared), Client(shared)
    await asking.get()
    assert (asking.statuses, asking.over, silent.over) == ([200], True, False)
    await asyncio.sleep(3)
    assert (silent.over, bytes(silent.wire.sent)) == (True, b"")


@virtual_time
async def test_a_client_that_goes_away_leaves_nothing_behind(hub: Any) -> None:
    ended: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        ended.append(scope["path"])

    shared: Hub = hub(app)
    client = Client(shared)
    await client.send(b"GET /a HTTP/1.1\r\nhost: x\r\n\r\nGET /b HTTP/1.1\r\nhost: x\r\n\r\nPOST /c HTTP/1.1\r\nhost: ")
    client.hang_up()
    await settle()
    assert ended == ["/a"], "what had not begun is not begun any more"
    assert (shared.connections, shared._tasks) == (set(), set())
    assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual_time
async def test_a_task_that_is_cancelled_tells_its_client(serve: Any) -> None:
    app = Held()
    client = serve(app)
    await client.get()
    client.wire.protocol._current.cancel()
    await settle()
    assert client.statuses == [503]
