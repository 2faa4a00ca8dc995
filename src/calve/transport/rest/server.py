"""An HTTP server inside the running event loop: our own, or granian or uvicorn where that is wanted.

    start   bind the socket (so that a port in use is one clear error, and port 0 is known before anybody asks), or take
            the one given, which processes may share -> the server takes the socket over
    leave   every answer closes its connection, so that clients connect anew, to whoever else accepts there
    stop    no new connections; idle ones are closed
            -> requests in flight finish, for `grace_seconds` at most -> the rest is cancelled -> the server ends

No server cancels what is left after a grace time, so requests are counted here.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio import CancelledError
from typing import Any, Literal

from ...observe import Logger
from ..sockets import listen_tcp
from .backend import CANCEL_SECONDS, Backend
from .base import AsgiApp, Event, Receive, Scope, Send

ServerKind = Literal["calve", "granian", "uvicorn"]


class HttpServer:
    """Serves one ASGI application.

    Args:
        app: Called for every request; gets no lifespan events.
        host: Address or name to listen on.
        port: 0 picks a free one; see `port`.
        kind: The server beneath.
        websockets: Whether WebSockets get to the application; otherwise the server refuses them.
        sock: Listens already, in place of host and port; the server closes it in the end.
    """

    def __init__(
        self,
        app: AsgiApp,
        *,
        host: str,
        port: int,
        kind: ServerKind = "calve",
        websockets: bool = False,
        sock: socket.socket | None = None,
    ) -> None:
        self._app, self._host, self._wanted_port, self._kind = app, host, port, kind
        self._websockets, self._sock = websockets, sock
        self._backend: Backend | None = None
        self._requests: set[asyncio.Task[Any]] = set()
        self._leaving = self._cancelling = False
        self._port = 0
        self._log = Logger("calve.http")

    @property
    def port(self) -> int:
        """The port that is listened on; known once `start` returned."""
        return self._port

    async def start(self) -> None:
        """Listen and serve.

        Raises: ConfigError: the address cannot be listened on, or the server is not installed. Nothing is left behind.
        """
        backend = self._make_backend()
        sock = self._sock or listen_tcp(self._host, self._wanted_port, "[http] host and port")
        self._port = sock.getsockname()[1]
        try:
            await backend.start(sock)
        except BaseException:
            sock.close()
            raise
        self._backend = backend

    def leave(self) -> None:
        """Go on serving, but let every answer close its connection.

        A connection that is idle when the server stops is closed without a word, and a request that crosses that is
        lost; one that carries requests meanwhile is gone by then.
        """
        self._leaving = True
        if self._backend is not None:
            self._backend.leave()

    async def stop(self, grace_seconds: float) -> None:
        """Stop serving; a no-op when not started or stopped already.

        Args:
            grace_seconds: How long requests in flight may go on; what is left then is cancelled, and its client gets a
                503 if the answer had not begun.
        """
        backend, self._backend = self._backend, None
        if backend is None:
            return
        backend.drain()
        await self._wait(grace_seconds)
        self._cancelling = True
        for task in tuple(self._requests):
            task.cancel()
        await self._wait(CANCEL_SECONDS)
        if self._requests:
            self._log.warning("requests abandoned: they do not react to cancellation", count=len(self._requests))
        await backend.close()

    async def _wait(self, seconds: float) -> None:
        """Until no request is in flight, those that come meanwhile included."""
        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 0:
            # One that was cancelled before its first step has not taken itself out of the set.
            running = {task for task in self._requests if not task.done()}
            if not running:
                return
            await asyncio.wait(running, timeout=left)

    def _make_backend(self) -> Backend:
        """Each loads its server, of which only one is needed."""
        if self._kind == "calve":
            from .http1.server import Http1Server

            return Http1Server(self._app, self._requests, websockets=self._websockets)
        if self._kind == "granian":
            from .server_granian import GranianBackend

            return GranianBackend(self._serve, self._websockets)
        from .server_uvicorn import UvicornBackend

        return UvicornBackend(self._serve, self._websockets)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        assert task is not None, "servers run requests in tasks"
        self._requests.add(task)
        try:
            await self._app(scope, receive, _closing(send) if self._leaving else send)
        except CancelledError:
            if not self._cancelling:
                raise
        finally:
            self._requests.discard(task)


def _closing(send: Send) -> Send:
    """Tell the client that the connection ends with this answer."""

    async def send_closing(event: Event) -> None:
        if event["type"] == "http.response.start":
            event = {**event, "headers": [*event.get("headers", ()), (b"connection", b"close")]}
        await send(event)

    return send_closing
