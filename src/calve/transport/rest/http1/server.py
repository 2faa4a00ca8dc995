"""The server: a listening socket and what becomes of its connections."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from ....core.errors import ConfigError
from ...sockets import BACKLOG
from ..backend import CANCEL_SECONDS
from ..base import AsgiApp
from .connection import Http1Connection
from .hub import BeginWebSocket, Hub
from .options import Http1Options


class Http1Server:
    """Serves an ASGI application on a bound socket; the `Backend` that is Calve's own.

    Args:
        app: Gets no lifespan events.
        tasks: Gets the tasks of the requests in flight, so that whoever stops the server can wait for or cancel them.
        websockets: Whether the application gets WebSockets; needs the library `websockets`.
        options: Limits.
    """

    def __init__(
        self,
        app: AsgiApp,
        tasks: set[asyncio.Task[Any]],
        *,
        websockets: bool = False,
        options: Http1Options | None = None,
    ) -> None:
        self._app, self._tasks, self._options = app, tasks, options or Http1Options()
        self._websocket = _websockets() if websockets else None

    async def start(self, sock: socket.socket) -> None:
        """See `Backend.start`."""
        loop = asyncio.get_running_loop()
        hub = self._hub = Hub(self._app, self._tasks, self._options, loop, self._websocket)
        self._server = await loop.create_server(lambda: Http1Connection(hub), sock=sock, backlog=BACKLOG)

    def leave(self) -> None:
        """See `Backend.leave`."""
        self._hub.parting = True

    def drain(self) -> None:
        """See `Backend.drain`."""
        self._stop_accepting()
        self._hub.parting = self._hub.draining = True
        for connection in tuple(self._hub.connections):
            connection.drain()

    def _stop_accepting(self) -> None:
        loop, server = self._hub.loop, self._server
        if not isinstance(loop, asyncio.SelectorEventLoop):
            server.close()
            return
        # asyncio's own loop accepts in one step and makes the transport in the next, which fails if the server was
        # closed between the two: the client then waits for ever on a connection that nobody has.
        for sock in server.sockets:
            loop.remove_reader(sock)
        loop.call_soon(server.close)

    async def close(self) -> None:
        """See `Backend.close`."""
        hub = self._hub
        if hub.connections:
            hub.empty = hub.loop.create_future()
            await asyncio.wait({hub.empty}, timeout=CANCEL_SECONDS)
        if hub.connections:
            hub.log.warning("connections abandoned: their clients do not take what was sent to them")
            for connection in tuple(hub.connections):
                connection.abort()
        hub.stop()


def _websockets() -> BeginWebSocket:
    try:
        from .websocket import begin_websocket
    except ImportError as error:
        raise ConfigError(
            "the library for WebSockets is not installed", where="[http] server", fix="run pip install 'calve[adopt]'"
        ) from error
    return begin_websocket
