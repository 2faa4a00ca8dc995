"""An event as it is in the log, and as it travels."""

from __future__ import annotations

from uuid import UUID

import msgspec

VOID = ""
"""The type of a record that stands where a transaction was rolled back after it had got its offset. Nobody handles it;
it is there so that whoever counts offsets can tell "nothing was here" from "something is missing"."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One event; `source` (the service) is not in it, because a log has only one."""

    shard: int
    """From 0; events of one key are in one shard."""
    offset: int
    """From 1, without a gap within the shard."""
    id: UUID
    key: str
    """Events of one key are handled one after another, in order of their offsets."""
    type: str
    """Name of the event's class, such as `WalletDebited`; `VOID` for none."""
    version: int
    """Major version of the contract that publishes it."""
    at_ms: int
    """When it was published, milliseconds since 1970, on the clock of the service."""
    headers: str
    """A JSON object of texts: `traceparent`, `cause` (the operation or event it came of) …"""
    data: bytes
    """The event's fields, as JSON."""
