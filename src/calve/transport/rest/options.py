"""The limits and habits of a REST edge, in one place."""

from __future__ import annotations

import msgspec


class RestOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a `RestEdge` behaves; sizes in bytes, times in seconds."""

    body_bytes_max: int = 1 << 20
    """Largest request body, declared or streamed; beyond it 413."""
    nesting_max: int = 64
    """Deepest nesting of arrays and objects in a body; beyond it 400."""
    query_bytes_max: int = 8 << 10
    """Longest path and longest query string; beyond it 414."""
    header_bytes_max: int = 32 << 10
    """All header names and values together; beyond it 431."""
    body_timeout_seconds: float = 30.0
    """How long a body may take to arrive; beyond it 408."""
    watch_after_seconds: float = 0.05
    """How long a call runs before the edge listens for its client's going away; shorter calls are spared the price."""
    stream_silence_seconds: float = 1.0
    """How long a stream waits for its first item, which may be a plain error answer yet, before it sends headers."""
    keep_alive_seconds: float = 15.0
    """Silence on a stream after which a comment keeps proxies from closing it."""
    www_authenticate: str = "Bearer"
    """Challenge that goes with every 401."""
    docs: bool = True
    """Whether /openapi.json and /docs are served."""
