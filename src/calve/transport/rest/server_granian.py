"""granian in the running event loop: Rust reads and writes HTTP in a thread of its own, the application runs here.

What granian's embedded server does by itself, and what is changed:

    binds its own socket with SO_REUSEPORT             it gets ours (`_init_shared_socket`)
    128 connections at once, the others wait           `backpressure`
    logs a banner to standard output, resetting the
    handlers of all logging on the way                 levels only, and to the handlers of the process
    waits for ever for connections when it stops       `CANCEL_SECONDS`, then it is abandoned

HTTP/1.1 only: of the requests on one HTTP/2 connection, granian tells but one that the client is gone.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from typing import Any

from ...core.errors import CalveError, ConfigError
from ...observe import Logger
from ..sockets import BACKLOG
from .backend import CANCEL_SECONDS, CONNECTIONS_MAX, HEADER_BYTES_MAX
from .base import AsgiApp

try:
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.net import SocketHolder  # type: ignore[attr-defined]
    from granian.server.embed import Server
except ImportError as error:
    raise ConfigError(
        "the HTTP server granian is not installed", where="[http] server", fix="run pip install 'calve[granian]'"
    ) from error

START_SECONDS = 30.0
THREAD_POLLS, THREAD_POLL_SECONDS = 200, 0.005

_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (not bound to, but where a wildcard is reached)
_LEVELS_ONLY = {"version": 1, "incremental": True, "formatters": {}, "handlers": {}, "loggers": {}}


class _Embedded(Server):
    def __init__(self, app: AsgiApp, sock: socket.socket, websockets: bool) -> None:
        super().__init__(
            app,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=websockets,
            backlog=BACKLOG,
            backpressure=CONNECTIONS_MAX,
            http1_settings=HTTP1Settings(max_buffer_size=HEADER_BYTES_MAX),
            log_level=LogLevels.error,
            log_dictconfig=_LEVELS_ONLY,
        )
        self._ours = sock

    def _init_shared_socket(self) -> None:
        # Rust owns the descriptor from here on and closes it when it stops listening.
        descriptor = self._ours.detach()
        backlog = (BACKLOG,) if sys.platform in ("linux", "freebsd") else ()
        holder: Any = SocketHolder  # its stub lacks the constructor
        self._shd = holder(descriptor, False, *backlog)


class GranianBackend:
    """Serves with granian."""

    def __init__(self, app: AsgiApp, websockets: bool) -> None:
        self._app, self._websockets = app, websockets
        self._log = Logger("calve.http")

    async def start(self, sock: socket.socket) -> None:
        """See `Backend.start`."""
        host, port = sock.getsockname()[:2]
        before = _threads()
        self._server = _Embedded(self._app, sock, self._websockets)
        self._serving = asyncio.create_task(self._server.serve())
        answered = asyncio.create_task(_answered(host, port))
        done, _ = await asyncio.wait(
            {self._serving, answered}, return_when=asyncio.FIRST_COMPLETED, timeout=START_SECONDS
        )
        answered.cancel()
        # On a socket that others accept from, too, one of them may have answered; what counts is that this one lives.
        if self._serving in done or answered not in done or answered.exception() is not None:
            self.drain()
            raise CalveError("the HTTP server did not start")
        self._rust_threads = _threads() - before

    def leave(self) -> None:
        """See `Backend.leave`: the application says so."""

    def drain(self) -> None:
        """See `Backend.drain`."""
        self._server.stop()  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        """See `Backend.close`."""
        done, _ = await asyncio.wait({self._serving}, timeout=CANCEL_SECONDS)
        if not done:
            self._log.warning("connections abandoned: their clients do not take what was sent to them")
            self._serving.cancel()
            return
        if (error := self._serving.exception()) is not None:
            self._log.warning("the HTTP server ended badly", error=error)
        # The last of granian's threads end after it says that it has stopped. One that wants the interpreter while that
        # is being torn down panics, so they are waited for.
        for _ in range(THREAD_POLLS):
            await asyncio.sleep(THREAD_POLL_SECONDS)
            if not self._rust_threads & _threads():
                return


async def _answered(host: str, port: int) -> None:
    """Wait until the server answers. What is asked is no HTTP, so the application does not see it."""
    reader, writer = await asyncio.open_connection(_LOOPBACK.get(host, host), port)
    try:
        writer.write(b"\0\r\n\r\n")
        await reader.read(1)
    finally:
        writer.close()


def _threads() -> set[str]:
    """Ids of the threads of this process where the system tells them (Linux), else nothing."""
    try:
        return set(os.listdir("/proc/self/task"))
    except OSError:
        return set()
