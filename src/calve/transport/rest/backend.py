"""The port to the HTTP servers beneath `HttpServer`, and the bounds that each of them is given."""

from __future__ import annotations

import socket
from typing import Protocol

CONNECTIONS_MAX = 10_000
"""Connections served at once; idle keep-alive connections and streams count."""
HEADER_BYTES_MAX = 64 << 10
"""Largest head of a request that the server reads at all; the edge has a limit of its own below it."""
CANCEL_SECONDS = 5.0
"""How long a cancelled request may take to clean up, and connections to close, before they are abandoned."""


class Backend(Protocol):
    """One way to serve a bound socket."""

    async def start(self, sock: socket.socket) -> None:
        """Take over a listening socket and serve it. Returns once connections are answered."""
        ...

    def leave(self) -> None:
        """Let every answer close its connection; only if the application cannot say so by a header."""

    def drain(self) -> None:
        """Accept no more connections, close idle ones, and each other one after its request."""
        ...

    async def close(self) -> None:
        """Wait until every connection is closed, `CANCEL_SECONDS` at most."""
        ...
