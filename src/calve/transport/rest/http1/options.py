"""The bounds of the HTTP server, in one place."""

from __future__ import annotations

import msgspec


class Http1Options(msgspec.Struct, frozen=True, kw_only=True):
    """How much of anything, and for how long. Times are whole seconds, and may take one more."""

    connections_max: int = 10_000
    """Connections served at once, idle ones included; one more is answered 503 and closed."""
    head_bytes_max: int = 64 << 10
    """Largest head of a request (request line and headers, and trailers), beyond it 431."""
    headers_max: int = 128
    """Most headers of a request, beyond it 431."""
    pipelined_max: int = 8
    """Requests of a connection that are read ahead of the one that is being answered."""
    body_bytes_buffered: int = 64 << 10
    """A body is read ahead of the application by so much; then the client has to wait."""
    head_seconds: int = 30
    """How long a head may take to arrive, and a new connection to begin one."""
    body_seconds: int = 60
    """Longest silence in the middle of a body."""
    keep_alive_seconds: int = 75
    """How long a connection may be idle between requests; longer than usual proxies keep theirs."""
    write_seconds: int = 60
    """How long a client may take nothing of an answer that waits for it."""
    linger_seconds: int = 2
    """How long a client is listened to that is still sending when it has its answer and the connection ends: closing
    at once could take the answer away from it."""
