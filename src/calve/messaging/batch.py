"""How a dispatcher works, and what becomes of a batch."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from ..store import CommitUnknown, StoreBusy, StoreConflict, StoreUnavailable
from ..store.log import Record
from .lease import LEASE_SECONDS
from .progress import Overtaken

NOT_THE_HANDLER = (StoreUnavailable, StoreBusy, StoreConflict, CommitUnknown, Overtaken)
"""The store's own trouble: nothing is known against any event."""


class DispatchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a dispatcher works."""

    batch_max: int = 64
    """Events in one transaction."""
    read_max: int = 512
    """Events read at once."""
    attempts_max: int = 8
    """How often an event is tried before its key is parked."""
    ahead_max: int = 4096
    """How many events may be taken up beyond the mark; then the key that holds it back is parked."""
    look_seconds: float = 1.0
    """How long a read waits, and how often it is asked whether parked keys are to be tried again."""
    pause_seconds: float = 0.5
    """How long to wait after the store or the feed has failed."""
    lease_seconds: float = LEASE_SECONDS
    """How long other replicas wait for one that was killed."""


class Failure(NamedTuple):
    record: Record
    behind: list[Record]
    error: Exception


class Outcome:
    """What became of a batch."""

    def __init__(self) -> None:
        self.handled: list[Record] = []
        self.failures: dict[str, Failure] = {}
        self.written: tuple[int, set[int]] = (0, set())


class HandlerFailed(Exception):
    """A handler has failed in a batch without savepoints."""
