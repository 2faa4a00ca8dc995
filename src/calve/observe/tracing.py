"""Tracing: decides for every call whether a span is made, and keeps the trace context right either way.

    context.given_trace          sampled                       not sampled
      none, or undecided         span; context.trace = span    context.trace says so, and what follows agrees
      from the caller            span; context.trace = span    unchanged

A call that is not sampled costs one attribute read when tracing is off and one method call when it is on; no library
is imported, let alone called, before the first span is due. `context.trace` travels on: into the stubs called from
here, into the headers of the wire and of REST, into the log lines.

Trace context (`traceparent`, `tracestate`) follows the W3C standard on every hop. Baggage stays within the process.
"""

from __future__ import annotations

from ..core.context import CallContext
from ..core.errors import CALL_ERRORS
from ..core.trace import TraceContext
from .base import Span, SpanKind, SpanRecorder
from .sampling import Sampler


class Tracing:
    """The decision about spans. `Tracing.off()` is the default everywhere; `telemetry.py` makes the real one.

    Args:
        sampler: The rule.
        recorder: Makes the spans; None switches tracing off.
    """

    __slots__ = ("_recorder", "_sampler", "enabled")

    def __init__(self, sampler: Sampler, recorder: SpanRecorder | None) -> None:
        self._sampler, self._recorder = sampler, recorder
        self.enabled = recorder is not None and not sampler.never
        """Whether any call can be sampled. When False there is no need to call `start`."""

    @classmethod
    def off(cls) -> Tracing:
        """Tracing that never makes a span."""
        return cls(Sampler.of(0.0, parent_based=False), None)

    def start(self, context: CallContext, service: str, operation: str, kind: SpanKind) -> Span | None:
        """Begin the span of a call if it is to have one.

        Args:
            context: The call's own context, made with the caller's trace; gets the span as its `trace`.
            service, operation: What is called.
            kind: `server` where the operation runs, `client` where it is called over a wire. The span of a server call
                whose caller is in the same process is an `internal` one.
        Returns: the span, current from now on, to be given to `finish`; None when the call is not sampled.
        """
        recorder, parent = self._recorder, context.given_trace
        if recorder is None:
            return None
        if parent is None or parent.sampled or parent.undecided:
            parent = recorder.current(parent)
        if parent is None or parent.undecided:
            root = parent or TraceContext.root()
            if not self._sampler.accepts(root.trace_id):
                context.trace = root.declined()
                return None
            span = recorder.start(service, operation, kind, None, root.trace_id)
        else:
            if not self._sampler.follows(parent):
                context.trace = parent
                return None
            if kind == "server" and not parent.remote:
                kind = "internal"
            span = recorder.start(service, operation, kind, parent, parent.trace_id)
        context.trace = span.trace
        return span

    def finish(self, span: Span | None, error_code: str | None = None) -> None:
        """End a span that `start` returned; None is allowed and does nothing.

        Args:
            error_code: As for metrics: a CallError's `code`, or the class name of a domain error; None for an answer.
        """
        if span is not None:
            error = CALL_ERRORS.get(error_code or "")
            # A declared domain error is an answer, and what the caller did wrong is no failure of the service.
            span.end(error_code, failed=error is not None and error.fault != "caller")

    async def close(self, timeout_seconds: float = 5.0) -> None:
        """Hand over what is still buffered; returns after `timeout_seconds` in any case."""
        if self._recorder is not None:
            await self._recorder.close(timeout_seconds)
