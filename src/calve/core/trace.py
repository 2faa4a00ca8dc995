"""W3C trace context: which trace a call belongs to, in the form that crosses every transport.

    traceparent: 00-<trace id, 32 hex>-<span id, 16 hex>-<flags, 2 hex>      flags bit 0: sampled
    tracestate:  vendor=value,…                                              not ours to read; passed on unchanged
    tracestate:  calve=undecided                  ours: `not sampled` is no decision yet, whoever traces may make one

Source: W3C Trace Context, level 1, sections 3.2 and 3.3. Spans themselves are made in the `observe` room, and only for
sampled calls.
"""

from __future__ import annotations

import random
import re

import msgspec

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_TRACESTATE = re.compile(r"[\x20-\x7e]{0,512}")
# A generator of its own: application code that seeds `random` for its tests must not make trace ids repeat.
_random = random.Random()
_UNDECIDED = "calve=undecided"


class TraceContext(msgspec.Struct, frozen=True, gc=False):
    """Identity of one span within one trace."""

    trace_id: int
    """128 bits, never zero."""
    span_id: int
    """64 bits, never zero."""
    sampled: bool = False
    """Whether somebody records this trace."""
    state: str = ""
    """The `tracestate` header that came with it."""
    remote: bool = False
    """Whether the span is another process's: true for what came in a header, false for what was made here."""

    @property
    def undecided(self) -> bool:
        """Whether there is no span yet and nobody has decided about one."""
        return self.state == _UNDECIDED and not self.sampled

    @classmethod
    def root(cls, *, sampled: bool = False) -> TraceContext:
        """Start a new trace."""
        return cls(_random.getrandbits(128) or 1, _random.getrandbits(64) or 1, sampled)

    @classmethod
    def entry(cls) -> TraceContext:
        """Give a call from outside that brought no trace an identity, so that its log lines share one.

        Whether it gets a span is left to the first tracing it comes to, in this process or behind further hops.
        """
        return cls(_random.getrandbits(128) or 1, _random.getrandbits(64) or 1, False, _UNDECIDED)

    def declined(self) -> TraceContext:
        """The same place in the same trace, now decided: it is not sampled."""
        return TraceContext(self.trace_id, self.span_id)

    def child(self) -> TraceContext:
        """A new span within the same trace."""
        return TraceContext(self.trace_id, _random.getrandbits(64) or 1, self.sampled, self.state)

    def traceparent(self) -> str:
        """The header value for the next hop."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{'01' if self.sampled else '00'}"


def parse_traceparent(header: str, state: str = "") -> TraceContext | None:
    """Read a `traceparent` header; None when it is not valid (the standard says: start a new trace then).

    Args:
        header: Value of `traceparent`.
        state: Value of `tracestate`; dropped when it is longer than 512 characters or not printable ASCII.
    """
    match = _TRACEPARENT.fullmatch(header)
    if match is None:
        return None
    version, trace, span, flags = match.groups()
    if version == "ff" or (version == "00" and len(header) != 55):
        return None
    trace_id, span_id = int(trace, 16), int(span, 16)
    if not trace_id or not span_id:
        return None
    if state and not _TRACESTATE.fullmatch(state):
        state = ""
    return TraceContext(trace_id, span_id, bool(int(flags, 16) & 1), state, True)


def received_trace(header: str, state: str) -> TraceContext:
    """The trace of a call from outside: the one it brought, or a new one.

    Args: as for `parse_traceparent`; '' when there was none.
    """
    return parse_traceparent(header, state) or TraceContext.entry()
