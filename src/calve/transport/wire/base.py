"""What the wire needs from outside (`Resolver`) and what can be set about it (`WireOptions`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from .address import Address

MIB = 1024 * 1024


class Resolver(Protocol):
    """Where a service can be reached. Asked on every call, so it answers from memory."""

    def resolve(self, service: str) -> Sequence[Address]:
        """The addresses of every unit that hosts `service`, in any order; empty when none is known (yet).

        Must return the *same object* until the answer changes: the client compares by identity to notice changes.
        """
        ...

    def missing(self, service: str) -> str:
        """Why there are no addresses of a service, for whoever could not call it; asked after an empty answer."""
        ...


class WireOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds and patience of one side; both sides may differ, each announces what the other has to respect."""

    frame_bytes_max: int = 16 * MIB
    """Largest frame accepted, without its length prefix; what is larger is refused before it is sent."""
    calls_max: int = 1024
    """Calls in flight that a server takes on one connection; more are answered with Overloaded."""
    request_bytes_max: int = 64 * MIB
    """Bytes of all requests in flight that a server holds for one connection; more are answered with Overloaded."""
    window_items: int = 64
    """Items of a stream that a client lets arrive ahead of its consumer. Memory is at most this many largest frames."""
    connect_seconds: float = 1.0
    """How long an attempt to connect may take, hello included, before the next one: who was cut off is found again this
    long after the way is open, at the latest."""
    hello_seconds: float = 5.0
    """How long a peer that has connected may take to say hello, and one that is told of the end to take notice."""
    keepalive_seconds: float = 15.0
    """Silence after which the peer is asked for a sign of life; after as much silence again it is taken for dead."""
    backoff_first_seconds: float = 0.05
    """Longest pause before the first attempt to reconnect, drawn at random below it; doubles with each failure."""
    backoff_max_seconds: float = 1.0
    """Where the doubling ends: who was away has its callers back this long after it is there again."""
    suspect_seconds: float = 0.5
    """Silence, while calls wait, after which a server is asked for a sign of life; after as much silence again others
    get its calls until it is heard, and another connection to it is tried beside the silent one."""
    strikes_max: int = 5
    """Failures in a row after which an address gets no calls for a while, if there are others."""
    eject_first_seconds: float = 1.0
    """How long that is the first time; doubles with each time soon after."""
    eject_max_seconds: float = 30.0
    """Where that doubling ends."""
    slow_start_seconds: float = 2.0
    """How long the share of calls grows of an address that is new or was away."""


DEFAULT_OPTIONS = WireOptions()
