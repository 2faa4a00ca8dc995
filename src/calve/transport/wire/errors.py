"""Errors that only this room tells apart. What a caller gets is always a `CallError` (see `calve.core.errors`)."""

from __future__ import annotations

from ...core.errors import CalveError, ProtocolError


class VersionMismatch(ProtocolError):
    """The peer speaks another version of the wire protocol; trying again cannot help."""


class FrameTooLarge(CalveError):
    """A frame was not sent because it is larger than the peer takes. Sizes in bytes, without the length prefix."""

    def __init__(self, size: int, limit: int) -> None:
        self.size, self.limit = size, limit
        super().__init__(f"takes {size} bytes on the wire, the limit is {limit}")
