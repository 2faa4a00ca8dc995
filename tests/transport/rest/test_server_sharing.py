"""One server takes the place of another: connections that close in time, and a socket that both accept from."""

from __future__ import annotations

from typing import Any

import pytest

from calve.transport.rest import HttpServer
from calve.transport.sockets import listen_tcp

from .test_server import KINDS, connected, refused, serving


@pytest.mark.parametrize("kind", KINDS)
async def test_one_that_leaves_closes_connections_with_their_next_answer(bank: Any, kind: Any) -> None:
    async with serving(bank, kind) as server, connected(server.port) as connection:
        connection.get("/names/a")
        assert "connection" not in (await connection.reply()).headers
        server.leave()
        connection.get("/names/b")
        reply = await connection.reply()
        assert (reply.body, reply.headers["connection"]) == (b'"b"', "close")
        assert await connection.closed()
        async with connected(server.port) as another:
            another.get("/names/c")
            assert (await another.reply()).body == b'"c"', "it still serves"


@pytest.mark.parametrize("kind", KINDS)
async def test_one_takes_over_from_another_on_the_same_socket(bank: Any, kind: Any) -> None:
    listening = listen_tcp("127.0.0.1", 0, "here")
    port = listening.getsockname()[1]
    servers = [HttpServer(bank.edge(), host="", port=0, kind=kind, sock=listening.dup()) for _ in range(2)]
    await servers[0].start()
    await servers[0].stop(0)
    async with connected(port) as waiting:  # accepted by the system, served by whoever comes
        waiting.get("/names/a")
        await servers[1].start()
        assert (await waiting.reply()).body == b'"a"'
    assert servers[1].port == port
    await servers[1].stop(0)
    listening.close()
    assert await refused(port)
