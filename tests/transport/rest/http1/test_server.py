"""The end of a server on real sockets; the rest of it is in ../test_server.py, with the other servers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import pytest
import uvloop

from calve.transport.rest import HttpServer

from .conftest import echo


@pytest.mark.parametrize("turns", range(5))
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_no_client_waits_for_a_server_that_stopped_while_it_came(loop: Any, turns: int) -> None:
    async def come_and_stop() -> bytes:
        server = HttpServer(echo, host="127.0.0.1", port=0, kind="calve")
        await server.start()
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            for _ in range(turns):  # not accepted yet, accepted, connected
                await asyncio.sleep(0)
            client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            client.setblocking(False)
            await server.stop(1)
            return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 12), 30)

    with asyncio.Runner(loop_factory=loop) as runner, contextlib.suppress(ConnectionError):
        assert runner.run(come_and_stop()) in (b"", b"HTTP/1.1 200")
