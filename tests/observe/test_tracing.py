"""Who gets a span, and what the trace context says afterwards; with spans kept in a list."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from calve.core.context import CallContext
from calve.core.trace import TraceContext, parse_traceparent
from calve.observe import Sampler, Tracing
from calve.observe.base import SpanRecorder
from calve.testing.fakes.observe import RecordingTracing


def context(trace: TraceContext | None = None) -> CallContext:
    return CallContext("wallet.debit", trace=trace)


def test_off_makes_nothing_and_leaves_the_context_alone() -> None:
    tracing, root = Tracing.off(), context()
    assert not tracing.enabled
    assert tracing.start(root, "wallet", "debit", "server") is None
    assert root.given_trace is None
    tracing.finish(None)


def test_a_sampler_that_never_samples_switches_tracing_off() -> None:
    assert not RecordingTracing(Sampler.of(0.0, parent_based=False)).enabled
    assert RecordingTracing(Sampler.of(0.0)).enabled


def test_a_sampled_root_gets_a_span_whose_ids_go_on() -> None:
    tracing, root = RecordingTracing(), context()
    span = tracing.start(root, "wallet", "debit", "server")
    assert span is not None
    assert root.given_trace == span.trace
    assert span.trace.sampled
    made = tracing.span("wallet/debit")
    assert (made.kind, made.parent, made.ended) == ("server", None, False)
    tracing.finish(span)
    assert made.ended


def test_an_unsampled_root_still_gets_a_trace_so_that_everything_below_agrees() -> None:
    tracing, root = RecordingTracing(Sampler.of(0.0)), context()
    assert tracing.start(root, "wallet", "debit", "server") is None
    assert root.given_trace is not None
    assert not root.given_trace.sampled
    child = context(root.given_trace)
    assert tracing.start(child, "wallet", "balance", "client") is None
    assert child.given_trace == root.given_trace


def test_below_an_unsampled_root_nobody_decides_anew() -> None:
    tracing = RecordingTracing(Sampler.of(1.0))
    unsampled = TraceContext.root()
    for kind in ("server", "client"):
        below = context(unsampled)
        assert tracing.start(below, "wallet", "debit", "server" if kind == "server" else "client") is None
        assert below.given_trace is unsampled
    assert tracing.spans == []


def test_half_the_roots_of_a_ratio_of_a_half_are_sampled() -> None:
    tracing = RecordingTracing(Sampler.of(0.5))
    for _ in range(400):
        tracing.finish(tracing.start(context(), "wallet", "debit", "server"))
    assert 120 < len(tracing.spans) < 280
    assert all(Sampler.of(0.5).accepts(span.trace.trace_id) for span in tracing.spans)


def test_a_call_within_the_process_is_internal_and_a_child_of_its_caller() -> None:
    tracing, outer = RecordingTracing(), context()
    span = tracing.start(outer, "orders", "place", "server")
    inner = context(outer.given_trace)
    tracing.finish(tracing.start(inner, "wallet", "debit", "server"))
    tracing.finish(span)
    debit, place = tracing.span("wallet/debit"), tracing.span("orders/place")
    assert (place.kind, debit.kind) == ("server", "internal")
    assert debit.parent == place.trace
    assert debit.trace.trace_id == place.trace.trace_id


def test_a_hop_over_a_wire_keeps_trace_tracestate_and_parentage() -> None:
    here, there = RecordingTracing(), RecordingTracing()
    outer = context(parse_traceparent(f"00-{'ab' * 16}-{'cd' * 8}-01", "vendor=x"))
    client = here.start(outer, "wallet", "debit", "client")
    assert outer.given_trace is not None
    header, state = outer.given_trace.traceparent(), outer.given_trace.state

    served = context(parse_traceparent(header, state))
    server = there.start(served, "wallet", "debit", "server")
    there.finish(server)
    here.finish(client)

    caller, callee = here.span("wallet/debit"), there.span("wallet/debit")
    assert (caller.kind, callee.kind) == ("client", "server")
    assert callee.parent is not None
    assert callee.parent.span_id == caller.trace.span_id
    assert callee.parent.remote
    assert callee.trace.trace_id == caller.trace.trace_id == int("ab" * 16, 16)
    assert callee.trace.state == "vendor=x"


def test_without_a_span_the_trace_context_travels_unchanged() -> None:
    tracing = RecordingTracing(Sampler.of(1.0))
    header = f"00-{'ab' * 16}-{'cd' * 8}-00"
    passing = context(parse_traceparent(header, "vendor=x"))
    assert tracing.start(passing, "wallet", "debit", "server") is None
    assert passing.given_trace is not None
    assert (passing.given_trace.traceparent(), passing.given_trace.state) == (header, "vendor=x")


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_an_undecided_entry_is_decided_here_and_keeps_its_trace_id(ratio: float) -> None:
    tracing, entry = RecordingTracing(Sampler.of(ratio)), TraceContext.entry()
    entered = context(entry)
    span = tracing.start(entered, "wallet", "debit", "server")
    assert (span is not None) == bool(ratio)
    assert entered.given_trace is not None
    assert entered.given_trace.trace_id == entry.trace_id
    assert entered.given_trace.sampled == bool(ratio)
    assert not entered.given_trace.undecided
    assert [(s.kind, s.parent) for s in tracing.spans] == [("server", None)] * int(ratio)


def test_what_an_untraced_process_passes_on_is_decided_where_there_is_tracing() -> None:
    here, there, entry = Tracing.off(), RecordingTracing(), TraceContext.entry()
    outer = context(entry)
    assert here.start(outer, "orders", "place", "client") is None
    assert outer.given_trace is entry
    served = context(parse_traceparent(entry.traceparent(), entry.state))
    there.finish(there.start(served, "wallet", "debit", "server"))
    made = there.span("wallet/debit")
    assert (made.kind, made.parent, made.trace.trace_id) == ("server", None, entry.trace_id)
    assert made.trace.state == ""


@pytest.mark.parametrize(
    ("code", "failed"),
    [
        (None, False),
        ("InsufficientFunds", False),
        ("invalid_argument", False),
        ("permission_denied", False),
        ("cancelled", False),
        ("internal_error", True),
        ("unavailable", True),
        ("deadline_exceeded", True),
        ("overloaded", True),
    ],
)
def test_only_what_is_not_the_callers_fault_fails_a_span(code: str | None, failed: bool) -> None:
    tracing = RecordingTracing()
    tracing.finish(tracing.start(context(), "wallet", "debit", "server"), code)
    span = tracing.span("wallet/debit")
    assert (span.error_type, span.failed) == (code, failed)


async def test_calls_side_by_side_do_not_become_each_others_children() -> None:
    tracing, outer = RecordingTracing(), context()
    span = tracing.start(outer, "orders", "place", "server")
    both_open = asyncio.Barrier(2)

    async def call(operation: str) -> None:
        inner = context(outer.given_trace)
        child = tracing.start(inner, "wallet", operation, "client")
        await both_open.wait()
        tracing.finish(child)

    await asyncio.gather(call("debit"), call("refund"))
    tracing.finish(span)
    parents = [tracing.span(f"wallet/{name}").parent for name in ("debit", "refund")]
    assert parents == [tracing.span("orders/place").trace] * 2


async def test_close_reaches_the_recorder() -> None:
    closed: list[float] = []

    class Recorder:
        current = start = None

        async def close(self, timeout_seconds: float) -> None:
            closed.append(timeout_seconds)

    await Tracing.off().close()
    await Tracing(Sampler.of(1.0), cast(SpanRecorder, Recorder())).close(2.5)
    assert closed == [2.5]
