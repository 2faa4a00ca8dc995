"""Spans by the OpenTelemetry SDK: the one SpanRecorder that exports.

Whether a call is sampled was decided before (tracing.py), by the same rule that the SDK gets here for the spans that
the application and its libraries make: `_Rule` answers for both, so they cannot disagree. Attributes follow the
semantic conventions for RPC: rpc.system, rpc.service, rpc.method, error.type.

This module imports the SDK; telemetry.py imports it when a trace exporter is configured.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from contextlib import suppress
from contextvars import Token

from opentelemetry import context as otel_context
from opentelemetry import trace as otel_trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, SamplingResult
from opentelemetry.sdk.trace.sampling import Sampler as SdkSampler
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags, TraceState
from opentelemetry.trace import SpanKind as OtelKind
from opentelemetry.util.types import Attributes

from ..core.context import current_call
from ..core.trace import TraceContext
from .base import SpanKind
from .daemon import in_daemon_thread
from .sampling import Sampler

_KINDS = {"server": OtelKind.SERVER, "client": OtelKind.CLIENT, "internal": OtelKind.INTERNAL}


class OtelSpan:
    """A span of the SDK, and the token that makes it leave again."""

    __slots__ = ("_span", "_token", "trace")

    def __init__(self, span: otel_trace.Span, trace: TraceContext) -> None:
        self._span, self.trace = span, trace
        self._token: Token[Context] | None = None

    def enter(self) -> None:
        """See `Span.enter`."""
        self._token = otel_context.attach(otel_trace.set_span_in_context(self._span))

    def leave(self) -> None:
        """See `Span.leave`."""
        token, self._token = self._token, None
        if token is not None:
            # An abandoned stream is closed by the event loop in another task, where there is nothing to undo; the
            # library's own `detach` would log that as an error.
            with suppress(ValueError):
                token.var.reset(token)

    def rename(self, service: str, operation: str) -> None:
        """See `Span.rename`."""
        self._span.update_name(f"{service}/{operation}")
        self._span.set_attribute("rpc.method", operation)

    def end(self, error_type: str | None, *, failed: bool) -> None:
        """See `Span.end`."""
        self.leave()
        if error_type is not None:
            self._span.set_attribute("error.type", error_type)
        if failed:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


class OtelSpanRecorder:
    """Makes SDK spans and exports them in batches (OTEL_BSP_*).

    Args:
        sampler: Decides about spans that do not belong to a call.
        exporters: Where spans go.
        resource: What is said about this process with every span.
    Raises: ValueError: OTEL_BSP_* or OTEL_*_LIMIT are out of range.
    """

    def __init__(self, sampler: Sampler, exporters: Sequence[SpanExporter], resource: Resource) -> None:
        self._roots = _Roots()
        self.provider = TracerProvider(
            sampler=_Rule(sampler, self._roots), id_generator=self._roots, resource=resource, shutdown_on_exit=False
        )
        for exporter in exporters:
            self.provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self.provider.get_tracer("calve")

    def install(self) -> bool:
        """Record the spans that the application and its libraries make, too.

        OpenTelemetry has one provider per process and lets it be set once; False when somebody has set another.
        """
        if isinstance(otel_trace.get_tracer_provider(), otel_trace.ProxyTracerProvider):
            otel_trace.set_tracer_provider(self.provider)
            return True
        return False

    def current(self, parent: TraceContext | None) -> TraceContext | None:
        """See `SpanRecorder.current`."""
        span = otel_trace.get_current_span()
        found = span.get_span_context()
        if not found.is_valid:
            return parent
        if parent is not None and not parent.undecided:
            if found.trace_id != parent.trace_id:
                return parent
            if parent.remote:
                # Only a span that an instrumented server opened for this very request lies between it and us. Any
                # other belongs to an earlier call in this trace, whose task happened to make the connection.
                above = getattr(span, "parent", None)
                if above is None or above.span_id != parent.span_id:
                    return parent
        return _trace_of(found)

    def start(
        self, service: str, operation: str, kind: SpanKind, parent: TraceContext | None, trace_id: int
    ) -> OtelSpan:
        """See `SpanRecorder.start`."""
        if parent is None:
            surroundings = Context()
            self._roots.trace_id = trace_id
        else:
            surroundings = otel_trace.set_span_in_context(NonRecordingSpan(span_context(parent)))
        try:
            span = self._tracer.start_span(
                f"{service}/{operation}",
                surroundings,
                _KINDS[kind],
                {"rpc.system": "calve", "rpc.service": service, "rpc.method": operation},
            )
        finally:
            self._roots.trace_id = 0
        started = OtelSpan(span, _trace_of(span.get_span_context()))
        started.enter()
        return started

    async def close(self, timeout_seconds: float) -> None:
        """See `SpanRecorder.close`. The SDK's own shutdown waits up to 30 s for a collector that does not answer."""
        await in_daemon_thread(self.provider.shutdown, timeout_seconds, what="spans")


class _Roots(threading.local, RandomIdGenerator):
    """Trace ids: the one a call was sampled by, while its root span is being made; otherwise random ones.

    Random numbers come from a generator of its own, so that an application that seeds `random` does not repeat ids.
    """

    trace_id = 0

    def __init__(self) -> None:
        self._random = random.Random()

    def generate_trace_id(self) -> int:
        return self.trace_id or self._random.getrandbits(128) or 1

    def generate_span_id(self) -> int:
        return self._random.getrandbits(64) or 1


class _Rule(SdkSampler):
    """The sampling rule in the SDK's terms."""

    def __init__(self, sampler: Sampler, roots: _Roots) -> None:
        self._sampler, self._roots = sampler, roots

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: OtelKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        parent = otel_trace.get_current_span(parent_context).get_span_context()
        if parent.is_valid:
            sampled = self._sampler.follows(_trace_of(parent))
        elif self._roots.trace_id:
            sampled = True
        else:
            # A span of the application's without a parent span: inside a call that is not sampled, it is not either.
            call = current_call()
            trace = call.given_trace if call is not None else None
            sampled = self._sampler.accepts(trace_id) if trace is None else trace.sampled
        decision = Decision.RECORD_AND_SAMPLE if sampled else Decision.DROP
        return SamplingResult(
            decision, attributes if sampled else None, parent.trace_state if parent.is_valid else None
        )

    def get_description(self) -> str:
        return f"Calve{{{self._sampler}}}"


def _trace_of(span: SpanContext) -> TraceContext:
    state = span.trace_state.to_header() if span.trace_state else ""
    return TraceContext(span.trace_id, span.span_id, span.trace_flags.sampled, state)


def span_context(trace: TraceContext) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if trace.sampled else TraceFlags.DEFAULT)
    state = TraceState.from_header([trace.state]) if trace.state else None
    return SpanContext(trace.trace_id, trace.span_id, trace.remote, flags, state)
