"""The clock of a server's connections: it runs while there are any, and not for nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from calve.testing import virtual_time
from calve.transport.rest.http1.hub import Hub

from .conftest import Client, echo


@virtual_time
async def test_without_connections_nothing_wakes_up(hub: Any) -> None:
    shared: Hub = hub(echo)
    assert shared._timer is None
    client = Client(shared)
    assert shared._timer is not None
    client.hang_up()
    await asyncio.sleep(3)
    assert shared._timer is None


@virtual_time
async def test_answers_tell_the_time(hub: Any, monkeypatch: Any) -> None:
    times = iter(f"Mon, 23 Nov 2026 10:00:{second:02} GMT" for second in range(60))
    monkeypatch.setattr("calve.transport.rest.http1.hub.formatdate", lambda usegmt: next(times))
    client = Client(hub(echo))
    for _ in range(3):
        await client.get()
        await asyncio.sleep(1)
    assert [answer.headers["date"][-6:-4] for answer in client.answers()] == ["00", "01", "02"]


@virtual_time
async def test_what_an_application_says_of_the_time_stands(hub: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"Date", b"then")]})
        await send({"type": "http.response.body"})

    client = Client(hub(app))
    await client.get()
    assert client.answers()[0].headers["date"] == "then"
    assert client.wire.sent.lower().count(b"date:") == 1
