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
import socket
import sys

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.net import SocketHolder
from granian.server.embed import Server

from ...core.errors import CalveError
from ...observe import Logger
from .base import AsgiApp
from .server import BACKLOG, CANCEL_SECONDS, CONNECTIONS_MAX, HEADER_BYTES_MAX

_LEVELS_ONLY = {"version": 1, "incremental": True, "formatters": {}, "handlers": {}, "loggers": {}}


class _Embedded(Server):  # type: ignore[misc]  # its base is generic over an untyped worker
    def __init__(self, app: AsgiApp, sock: socket.socket) -> None:
        super().__init__(
            app,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            backlog=BACKLOG,
            backpressure=CONNECTIONS_MAX,
            http1_settings=HTTP1Settings(max_buffer_size=HEADER_BYTES_MAX),
            log_level=LogLevels.error,
            log_dictconfig=_LEVELS_ONLY,
        )
        self._ours = sock
        self.starting = asyncio.Event()
        self.on_startup(self.starting.set)

    def _init_shared_socket(self) -> None:
        # Rust owns the descriptor from here on and closes it when it stops listening.
        descriptor = self._ours.detach()
        backlog = (BACKLOG,) if sys.platform in ("linux", "freebsd") else ()
        self._shd = SocketHolder(descriptor, False, *backlog)


class GranianBackend:
    """Serves with granian."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self._log = Logger("calve.http")

    async def start(self, sock: socket.socket) -> None:
        """See `Backend.start`."""
        self._server = _Embedded(self._app, sock)
        self._serving = asyncio.create_task(self._server.serve())
        starting = asyncio.create_task(self._server.starting.wait())
        await asyncio.wait({self._serving, starting}, return_when=asyncio.FIRST_COMPLETED)
        starting.cancel()
        # The worker is a task that was made in the same step; it has Rust listening by its first suspension.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if self._serving.done():
            raise CalveError("the HTTP server did not start") from self._serving.exception()

    def drain(self) -> None:
        """See `Backend.drain`."""
        self._server.stop()

    async def close(self) -> None:
        """See `Backend.close`."""
        done, _ = await asyncio.wait({self._serving}, timeout=CANCEL_SECONDS)
        if not done:
            self._log.warning("connections abandoned: their clients do not take what was sent to them")
            self._serving.cancel()
