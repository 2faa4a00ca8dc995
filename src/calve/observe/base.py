"""The port of tracing: where spans go once it is decided that they are made at all.

    Tracing (tracing.py)         decides per call, without any library
      └─ SpanRecorder            makes the span: OpenTelemetry (otel_spans.py), or a list (calve.testing.fakes)
           └─ Span               one call in progress

A recorder is never asked about a call that is not sampled.
"""

from __future__ import annotations

from typing import Literal, Protocol

from ..core.trace import TraceContext

SpanKind = Literal["server", "client", "internal"]


class Span(Protocol):
    """One sampled call in progress. `enter` and `leave` may alternate any number of times before `end`."""

    @property
    def trace(self) -> TraceContext:
        """Its identity: what goes on with the calls made from within."""
        ...

    def enter(self) -> None:
        """Make it current, so that spans started by the application and by libraries become its children."""
        ...

    def leave(self) -> None:
        """Undo `enter`; does nothing when it is not current."""
        ...

    def rename(self, service: str, operation: str) -> None:
        """Call it otherwise: what an adopted application does for a request shows only while it does it."""
        ...

    def end(self, error_type: str | None, *, failed: bool) -> None:
        """Finish it; leaves it first.

        Args:
            error_type: What the call failed with, None for an answer.
            failed: Whether that is the fault of this side (span status ERROR) rather than an answer like any other.
        """
        ...


class SpanRecorder(Protocol):
    """Makes spans. Called on any thread that makes calls."""

    def current(self, parent: TraceContext | None) -> TraceContext | None:
        """The innermost span in progress here that belongs below `parent`, or `parent` when there is none.

        Args:
            parent: The trace context the call came with. None: whatever span is in progress.
        """
        ...

    def start(self, service: str, operation: str, kind: SpanKind, parent: TraceContext | None, trace_id: int) -> Span:
        """Begin a span and enter it.

        Args:
            service, operation: What is called.
            kind: On which side of the call.
            parent: None for the first span of a trace.
            trace_id: The trace it belongs to, 128 bits; the parent's when there is one.
        """
        ...

    async def close(self, timeout_seconds: float) -> None:
        """Hand over what is still buffered, but return after `timeout_seconds` in any case."""
        ...
