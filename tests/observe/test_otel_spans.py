"""Spans by the SDK: ids, nesting with the application's own spans, the rule for those, streams, shutdown."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Sequence

import pytest
from opentelemetry import trace as otel_trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from calve.core.context import CallContext, _current
from calve.core.trace import TraceContext, parse_traceparent
from calve.observe import Sampler, Tracing
from calve.observe.otel_spans import OtelSpanRecorder

REMOTE = parse_traceparent(f"00-{'ab' * 16}-{'cd' * 8}-01", "vendor=x")
assert REMOTE is not None


class Rig:
    """Tracing with an exporter in memory, and a tracer as the application would use it."""

    def __init__(self, sampler: Sampler | None = None) -> None:
        sampler = sampler or Sampler.of(1.0)
        self.exporter = InMemorySpanExporter()
        self.recorder = OtelSpanRecorder(sampler, [self.exporter], Resource({"service.name": "money"}))
        self.tracing = Tracing(sampler, self.recorder)
        self.application = self.recorder.provider.get_tracer("shop")

    async def spans(self) -> dict[str, ReadableSpan]:
        await self.tracing.close()
        finished = self.exporter.get_finished_spans()
        assert len({span.name for span in finished}) == len(finished)
        return {span.name: span for span in finished}


def context(trace: TraceContext | None = None, operation: str = "wallet.debit") -> CallContext:
    return CallContext(operation, trace=trace)


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent is not None else None


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.span_id)


async def test_a_span_says_what_was_called_and_where() -> None:
    rig, called = Rig(), context(REMOTE)
    rig.tracing.finish(rig.tracing.start(called, "wallet", "debit", "server"))
    span = (await rig.spans())["wallet/debit"]
    assert span.kind is SpanKind.SERVER
    assert dict(span.attributes or {}) == {"rpc.system": "calve", "rpc.service": "wallet", "rpc.method": "debit"}
    assert span.status.status_code is StatusCode.UNSET
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "calve"
    assert span.resource.attributes["service.name"] == "money"
    assert span.context is not None
    assert span.parent is not None
    assert (span.context.trace_id, span.parent.span_id) == (int("ab" * 16, 16), int("cd" * 8, 16))
    assert span.parent.is_remote
    assert span.context.trace_state.to_header() == "vendor=x"
    assert called.given_trace == TraceContext(span.context.trace_id, id_of(span), True, "vendor=x")


async def test_errors_are_typed_and_only_failures_have_status_error() -> None:
    rig = Rig()
    for operation, code in (("debit", "InsufficientFunds"), ("refund", "internal_error")):
        rig.tracing.finish(rig.tracing.start(context(), "wallet", operation, "server"), code)
    spans = await rig.spans()
    domain, failure = spans["wallet/debit"], spans["wallet/refund"]
    assert (domain.attributes or {})["error.type"] == "InsufficientFunds"
    assert domain.status.status_code is StatusCode.UNSET
    assert (failure.attributes or {})["error.type"] == "internal_error"
    assert failure.status.status_code is StatusCode.ERROR


async def test_a_root_keeps_the_trace_id_it_was_sampled_by() -> None:
    rig = Rig(Sampler.of(0.01, parent_based=False))
    sampled = 0
    while sampled < 3:
        root = context()
        span = rig.tracing.start(root, "wallet", f"debit{sampled}", "server")
        assert root.given_trace is not None
        assert root.given_trace.sampled == (span is not None)
        sampled += span is not None
        rig.tracing.finish(span)
    assert len(await rig.spans()) == 3
    assert all(s.context and s.context.trace_id % 2**64 < 0.01 * 2**64 for s in rig.exporter.get_finished_spans())


async def test_spans_of_the_application_and_calls_nest_both_ways() -> None:
    rig, outer = Rig(), context(REMOTE)
    span = rig.tracing.start(outer, "orders", "place", "server")
    with rig.application.start_as_current_span("price"):
        inner = context(outer.given_trace)
        child = rig.tracing.start(inner, "wallet", "debit", "client")
        rig.application.start_span("encode").end()
        rig.tracing.finish(child)
        rig.application.start_span("after").end()
    rig.tracing.finish(span)
    assert not otel_trace.get_current_span().get_span_context().is_valid

    spans = await rig.spans()
    place, price, debit = spans["orders/place"], spans["price"], spans["wallet/debit"]
    assert [parent_of(spans[name]) for name in ("price", "wallet/debit", "encode", "after")] == [
        id_of(place),
        id_of(price),
        id_of(debit),
        id_of(price),
    ]


async def test_a_call_from_a_span_of_the_application_continues_its_trace() -> None:
    rig = Rig()
    with rig.application.start_as_current_span("job"):
        rig.tracing.finish(rig.tracing.start(context(), "wallet", "debit", "client"))
    spans = await rig.spans()
    assert parent_of(spans["wallet/debit"]) == id_of(spans["job"])


async def test_a_call_from_an_unsampled_span_of_the_application_stays_in_its_trace() -> None:
    rig, called = Rig(Sampler.of(0.0)), context()
    with rig.application.start_as_current_span("job") as job:
        assert rig.tracing.start(called, "wallet", "debit", "client") is None
    assert called.given_trace is not None
    assert called.given_trace.trace_id == job.get_span_context().trace_id


async def test_a_span_of_another_trace_is_not_the_parent() -> None:
    rig, outer = Rig(), context(TraceContext.root(sampled=True))
    parent = outer.given_trace
    assert parent is not None
    with rig.application.start_as_current_span("elsewhere"):
        rig.tracing.finish(rig.tracing.start(outer, "wallet", "debit", "client"))
    assert parent_of((await rig.spans())["wallet/debit"]) == parent.span_id


async def test_the_trace_id_of_a_root_is_used_once() -> None:
    rig, called = Rig(), context()
    rig.tracing.finish(rig.tracing.start(called, "wallet", "debit", "server"))
    other = rig.application.start_span("other")
    assert called.given_trace is not None
    assert other.get_span_context().trace_id != called.given_trace.trace_id


async def test_an_instrumented_server_in_front_becomes_the_parent() -> None:
    rig = Rig()
    above = otel_trace.set_span_in_context(
        otel_trace.NonRecordingSpan(
            otel_trace.SpanContext(int("ab" * 16, 16), int("cd" * 8, 16), True, otel_trace.TraceFlags(1))
        )
    )
    with rig.application.start_as_current_span("POST /debits", above):
        rig.tracing.finish(rig.tracing.start(context(REMOTE), "wallet", "debit", "server"))
    spans = await rig.spans()
    assert parent_of(spans["wallet/debit"]) == id_of(spans["POST /debits"])


async def test_a_span_left_current_by_whoever_opened_the_connection_is_not_the_parent() -> None:
    rig = Rig()
    with rig.application.start_as_current_span("elsewhere"):
        rig.tracing.finish(rig.tracing.start(context(REMOTE), "wallet", "debit", "server"))
    assert REMOTE is not None
    assert parent_of((await rig.spans())["wallet/debit"]) == REMOTE.span_id


@pytest.mark.parametrize("sampled", [True, False])
async def test_within_a_call_the_application_records_what_the_call_does(sampled: bool) -> None:
    rig = Rig(Sampler.of(float(sampled)))
    call = context()
    token = _current.set(call)
    span = rig.tracing.start(call, "wallet", "debit", "server")
    rig.application.start_span("inside").end()
    rig.tracing.finish(span)
    _current.reset(token)
    assert ("inside" in await rig.spans()) is sampled


async def test_an_unsampled_call_silences_the_application_even_when_roots_are_sampled() -> None:
    rig, call = Rig(), context(TraceContext.root())
    token = _current.set(call)
    assert rig.tracing.start(call, "wallet", "debit", "server") is None
    rig.application.start_span("inside").end()
    _current.reset(token)
    rig.application.start_span("outside").end()
    assert list(await rig.spans()) == ["outside"]


async def test_a_stream_is_current_only_while_it_works() -> None:
    rig = Rig()

    async def items() -> AsyncIterator[int]:
        span = rig.tracing.start(context(), "wallet", "history", "server")
        assert span is not None
        span.leave()
        for item in range(2):
            span.enter()
            rig.application.start_span(f"read {item}").end()
            span.leave()
            yield item
        rig.tracing.finish(span)

    async for item in items():
        rig.application.start_span(f"use {item}").end()
    spans = await rig.spans()
    history = id_of(spans["wallet/history"])
    assert [parent_of(spans[name]) for name in ("read 0", "read 1", "use 0", "use 1")] == [history, history, None, None]


async def test_a_span_may_end_in_another_task(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    span = rig.tracing.start(context(), "wallet", "debit", "server")

    async def finish() -> None:
        rig.tracing.finish(span)

    await asyncio.create_task(finish())
    assert list(await rig.spans()) == ["wallet/debit"]
    assert caplog.text == ""


async def test_an_application_that_seeds_random_does_not_repeat_ids() -> None:
    rig = Rig()
    for operation in ("debit", "refund"):
        random.seed(1)
        rig.tracing.finish(rig.tracing.start(context(), "wallet", operation, "server"))
    spans = await rig.spans()
    assert len({s.context.trace_id for s in spans.values() if s.context}) == 2
    assert len({id_of(s) for s in spans.values()}) == 2


class StuckExporter(SpanExporter):
    """A collector that does not answer until the test lets it."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked.set()
        self.go.wait(30)
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        pass


async def test_close_does_not_wait_for_a_collector_that_does_not_answer(caplog: pytest.LogCaptureFixture) -> None:
    exporter = StuckExporter()
    tracing = Tracing(Sampler.of(1.0), OtelSpanRecorder(Sampler.of(1.0), [exporter], Resource({})))
    tracing.finish(tracing.start(context(), "wallet", "debit", "server"))
    await tracing.close(timeout_seconds=0.05)
    assert not exporter.go.is_set()
    assert await asyncio.to_thread(exporter.asked.wait, 10)
    assert "gave up waiting for the export of spans" in caplog.text
    exporter.go.set()
