"""An HTTP server inside the running event loop: granian, or uvicorn where that is wanted.

    start   bind the socket (so that a port in use is one clear error, and port 0 is known before anybody asks)
            -> the server takes the socket over
    stop    no new connections; idle ones are closed
            -> requests in flight finish, for `grace_seconds` at most -> the rest is cancelled -> the server ends

Neither server can cancel what is left after a grace time, so requests are counted here, around the application.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from asyncio import CancelledError
from typing import Literal

from ...core.errors import ConfigError
from ...observe import Logger
from .backend import BACKLOG, CANCEL_SECONDS, Backend
from .base import AsgiApp, Receive, Scope, Send

ServerKind = Literal["granian", "uvicorn"]


class HttpServer:
    """Serves one ASGI application.

    Args:
        app: Called for every request; gets no lifespan events.
        host: Address or name to listen on.
        port: 0 picks a free one; see `port`.
        kind: The server beneath.
    """

    def __init__(self, app: AsgiApp, *, host: str, port: int, kind: ServerKind = "granian") -> None:
        self._app, self._host, self._wanted_port, self._kind = app, host, port, kind
        self._backend: Backend | None = None
        self._requests: set[asyncio.Task[object]] = set()
        self._cancelling = False
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
        backend = _backend(self._kind, self._serve)
        sock = _listen(self._host, self._wanted_port)
        self._port = sock.getsockname()[1]
        try:
            await backend.start(sock)
        except BaseException:
            sock.close()
            raise
        self._backend = backend

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
        while self._requests and (left := end - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(self._requests, timeout=left)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        assert task is not None, "servers run requests in tasks"
        self._requests.add(task)
        try:
            await self._app(scope, receive, send)
        except CancelledError:
            if not self._cancelling:
                raise
        finally:
            self._requests.discard(task)


def _backend(kind: ServerKind, app: AsgiApp) -> Backend:
    if kind == "granian":
        from .server_granian import GranianBackend  # both load their server, of which only one is needed

        return GranianBackend(app)
    from .server_uvicorn import UvicornBackend

    return UvicornBackend(app)


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket. Without SO_REUSEPORT, which would let two servers share a port without either knowing."""
    where = "[http] host and port"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise ConfigError(f"host {host!r} is not an address of any machine", where=where, fix="set host") from error
    family, kind, proto, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    sock = socket.socket(family, kind, proto)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted connections inherit it
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise _cannot_listen(error, host, port, where) from error
    return sock


def _cannot_listen(error: OSError, host: str, port: int, where: str) -> ConfigError:
    if error.errno == errno.EADDRINUSE:
        fix = "stop the process that has it, or set another port (0 picks a free one)"
        return ConfigError(f"port {port} of {host} is in use", where=where, fix=fix)
    if error.errno == errno.EACCES:
        return ConfigError(f"port {port} needs privileges this process lacks", where=where, fix="set a port above 1023")
    if error.errno == errno.EADDRNOTAVAIL:
        return ConfigError(f"{host} is not an address of this machine", where=where, fix="set host")
    return ConfigError(f"cannot listen on {host}, port {port}: {error.strerror}", where=where)
