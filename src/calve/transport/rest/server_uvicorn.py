"""uvicorn in the running event loop: the fallback where granian has no wheel.

Two bounds that granian keeps are left to what stands before it: with httptools it reads the head of a request whatever
its size (the edge refuses it after that), and waits for the rest of one as long as the client likes.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

from ...core.errors import CalveError, ConfigError
from ...observe import Logger
from ..sockets import BACKLOG
from .backend import CANCEL_SECONDS, HEADER_BYTES_MAX
from .base import AsgiApp

try:
    import uvicorn
except ImportError as error:
    raise ConfigError(
        "the HTTP server uvicorn is not installed", where="[http] server", fix="run pip install 'calve[uvicorn]'"
    ) from error


class _Embedded(uvicorn.Server):
    """A server that leaves the signals to the process it runs in, and tells when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self.up.set()


class UvicornBackend:
    """Serves with uvicorn."""

    def __init__(self, app: AsgiApp, websockets: bool) -> None:
        self._config = uvicorn.Config(
            app,
            interface="asgi3",
            lifespan="off",
            ws="websockets-sansio" if websockets else "none",
            loop="none",
            backlog=BACKLOG,
            h11_max_incomplete_event_size=HEADER_BYTES_MAX,
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_config=None,
            log_level="warning",
        )
        self._log = Logger("calve.http")

    async def start(self, sock: socket.socket) -> None:
        """See `Backend.start`."""
        self._server = _Embedded(self._config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[sock]))
        up = asyncio.create_task(self._server.up.wait())
        await asyncio.wait({self._serving, up}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if self._serving.done():
            raise CalveError("the HTTP server did not start") from self._serving.exception()

    def leave(self) -> None:
        """See `Backend.leave`: the application says so."""

    def drain(self) -> None:
        """See `Backend.drain`."""
        self._server.should_exit = True

    async def close(self) -> None:
        """See `Backend.close`."""
        done, _ = await asyncio.wait({self._serving}, timeout=CANCEL_SECONDS)
        if not done:
            self._log.warning("connections abandoned: their clients do not take what was sent to them")
            self._server.force_exit = True
            await self._serving
