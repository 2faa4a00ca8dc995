"""The whole way out: OTEL_* variables, real exporters, OTLP over HTTP, decoded by a collector."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from typing import Any

import pytest
from opentelemetry import trace as otel_trace

from calve.core.context import CallContext, _current
from calve.core.errors import ConfigError
from calve.core.trace import TraceContext, parse_traceparent
from calve.observe import Logger, Registry, Telemetry

from .conftest import Collector, attributes


def make(registry: Registry | None = None) -> Telemetry:
    return Telemetry.from_environment(app="shop", unit="money", registry=registry or Registry())


def call_over_a_hop(caller: Telemetry, callee: Telemetry) -> TraceContext:
    """orders/place calls wallet/debit in another process; returns the trace context of the inner operation."""
    outer = CallContext("orders.place")
    place = caller.tracing.start(outer, "orders", "place", "server")
    client = CallContext("wallet.debit", trace=outer.given_trace)
    sending = caller.tracing.start(client, "wallet", "debit", "client")
    assert client.given_trace is not None
    served = CallContext("wallet.debit", trace=parse_traceparent(client.given_trace.traceparent()))
    debit = callee.tracing.start(served, "wallet", "debit", "server")
    callee.tracing.finish(debit, "unavailable")
    caller.tracing.finish(sending, "unavailable")
    caller.tracing.finish(place)
    assert served.given_trace is not None
    return served.given_trace


async def test_traces_arrive_with_their_parents_kinds_and_outcomes(otlp: Collector) -> None:
    front, money = make(), make()
    call_over_a_hop(front, money)
    await front.close()
    await money.close()

    spans = {(span.name, span.kind): span for _, span in otlp.spans()}
    server, client = 2, 3  # SpanKind in opentelemetry/proto/trace/v1/trace.proto
    place, sending, debit = spans["orders/place", server], spans["wallet/debit", client], spans["wallet/debit", server]
    assert (place.parent_span_id, sending.parent_span_id, debit.parent_span_id) == (
        b"",
        place.span_id,
        sending.span_id,
    )
    assert len({place.trace_id, sending.trace_id, debit.trace_id}) == 1
    assert attributes(debit) == {
        "rpc.system": "calve",
        "rpc.service": "wallet",
        "rpc.method": "debit",
        "error.type": "unavailable",
    }
    assert (debit.status.code, place.status.code) == (2, 0)  # ERROR, UNSET
    assert debit.end_time_unix_nano >= debit.start_time_unix_nano > 0


async def test_the_resource_is_app_and_unit_unless_the_environment_says_otherwise(
    otlp: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resource_of_a_span() -> dict[str, Any]:
        telemetry = make()
        telemetry.tracing.finish(telemetry.tracing.start(CallContext(""), "wallet", "debit", "server"))
        await telemetry.close()
        return otlp.spans()[-1][0]

    plain = await resource_of_a_span()
    assert (plain["service.name"], plain["service.namespace"]) == ("money", "shop")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=market,deployment.environment.name=test")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "wallets")
    told = await resource_of_a_span()
    assert (told["service.name"], told["service.namespace"], told["deployment.environment.name"]) == (
        "wallets",
        "market",
        "test",
    )
    assert told["service.instance.id"] != plain["service.instance.id"]


async def test_metrics_arrive_at_intervals_and_at_the_end(otlp: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "10")
    registry = Registry()
    registry.gauge("calve.wire.connections", "Open connections", lambda: 4, peer="a")
    m = registry.operation("wallet", "debit", "command", "server")
    async with make(registry):
        for _ in range(2):
            assert await asyncio.to_thread(otlp.arrived.get, timeout=10) == "/v1/metrics"
        m.finish(0.3, "unavailable")
    metrics = otlp.metrics()
    [requests] = metrics["calve.operation.requests"].sum.data_points
    assert requests.as_int == 1
    assert attributes(requests) == {"service": "wallet", "operation": "debit", "kind": "command", "side": "server"}
    assert metrics["calve.operation.requests"].sum.is_monotonic
    assert metrics["calve.operation.requests"].sum.aggregation_temporality == 2  # CUMULATIVE
    [errors] = metrics["calve.operation.errors"].sum.data_points
    assert attributes(errors)["code"] == "unavailable"
    [duration] = metrics["calve.operation.duration"].histogram.data_points
    assert (duration.count, sum(duration.bucket_counts), duration.sum) == (1, 1, 0.3)
    assert not duration.HasField("min")
    assert metrics["calve.operation.duration"].unit == "s"
    [connections] = metrics["calve.wire.connections"].gauge.data_points
    assert (connections.as_double, attributes(connections)) == (4, {"peer": "a"})


async def test_logs_arrive_with_the_ids_of_their_call(otlp: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "level", logging.INFO)
    handlers = list(logging.getLogger().handlers)
    context = CallContext("wallet.debit")
    async with make() as telemetry:
        span = telemetry.tracing.start(context, "wallet", "debit", "server")
        token = _current.set(context)
        try:
            raise ValueError("no cents")
        except ValueError:
            Logger("shop.wallet").exception("failed", cents=42, tags=["a"], who=None)
        _current.reset(token)
        telemetry.tracing.finish(span)
        logging.getLogger("opentelemetry.exporter").error("export failed")
        logging.getLogger("library").debug("too quiet")
        logging.getLogger("library").critical("took %d ms", 3)
    assert logging.getLogger().handlers == handlers
    failed, critical = otlp.logs()
    assert context.given_trace is not None
    assert failed.trace_id.hex() == f"{context.given_trace.trace_id:032x}"
    assert failed.span_id.hex() == f"{context.given_trace.span_id:016x}"
    assert (failed.body.string_value, failed.severity_text, failed.severity_number) == ("failed", "ERROR", 17)
    found = attributes(failed)
    assert "raise ValueError" in found.pop("exception.stacktrace")
    assert found == {
        "cents": 42,
        "tags": '["a"]',
        "who": "null",
        "logger.name": "shop.wallet",
        "rpc.service": "wallet",
        "rpc.method": "debit",
        "exception.type": "ValueError",
        "exception.message": "no cents",
    }
    assert (critical.body.string_value, critical.severity_text, critical.trace_id) == ("took 3 ms", "FATAL", b"")


async def test_headers_are_sent(otlp: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc")
    async with make():
        pass
    assert otlp.headers[0]["authorization"] == "Bearer abc"


async def test_console_exporters_write_to_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "console")
    async with make() as telemetry:
        telemetry.tracing.finish(telemetry.tracing.start(CallContext(""), "wallet", "debit", "server"))
    written = capsys.readouterr().out
    assert '"name": "wallet/debit"' in written
    assert "calve.operation.requests" in written


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "otlp"},
        {"OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_TRACES_SAMPLER": "always_off"},
    ],
)
async def test_off(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)  # as if the extra were not installed
    before = list(logging.getLogger().handlers)
    async with make() as telemetry:
        assert not telemetry.tracing.enabled
        assert logging.getLogger().handlers == before


@pytest.mark.parametrize("signal", ["TRACES", "METRICS", "LOGS"])
def test_a_missing_extra_is_named(signal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"OTEL_{signal}_EXPORTER", "otlp")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    with pytest.raises(ConfigError, match=r"OpenTelemetry is missing or too old.*pip install 'calve\[otel\]'"):
        make()


def test_what_opentelemetry_refuses_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "-1")
    with pytest.raises(
        ConfigError, match="OpenTelemetry refuses its OTEL_\\* variables: max_export_batch_size must be"
    ):
        make()


async def test_nothing_global_is_changed(otlp: Collector) -> None:
    before = otel_trace.get_tracer_provider()
    async with make():
        assert otel_trace.get_tracer_provider() is before


def run(program: str, **environ: str) -> str:
    """Run a program in a process of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


CHILD = """
import asyncio
from opentelemetry import trace
from calve.core.context import CallContext
from calve.observe import Registry, Telemetry

async def main():
    registry = Registry()
    async with Telemetry.from_environment(app="shop", unit="money", registry=registry, install=True) as telemetry:
        context = CallContext("wallet.debit")
        span = telemetry.tracing.start(context, "wallet", "debit", "server")
        with trace.get_tracer("application").start_as_current_span("price"):
            pass
        telemetry.tracing.finish(span)
        registry.operation("wallet", "debit", "command", "server").finish(0.1)
        print(context.trace.traceparent())
    again = Telemetry.from_environment(app="shop", unit="money", registry=registry, install=True)
    await again.close()

asyncio.run(main())
"""


def test_a_process_exports_the_applications_own_spans_too(otlp: Collector) -> None:
    header = run(CHILD, OTEL_SERVICE_NAME="wallets", OTEL_TRACES_SAMPLER="parentbased_traceidratio").strip()
    spans = {span.name: (resource, span) for resource, span in otlp.spans()}
    resource, debit = spans["wallet/debit"]
    assert resource["service.name"] == "wallets"
    assert header == f"00-{debit.trace_id.hex()}-{debit.span_id.hex()}-01"
    assert spans["price"][1].parent_span_id == debit.span_id
    assert otlp.requests["/v1/metrics"]


IMPORTS = """
import asyncio, json, sys
from calve.observe import Logger, Registry, Telemetry, Tracing, configure_logging
async def main():
    async with Telemetry.from_environment(app="shop", unit="money", registry=Registry()):
        pass
asyncio.run(main())
print(json.dumps(sorted(sys.modules)))
"""


def test_without_variables_neither_opentelemetry_nor_prometheus_is_imported() -> None:
    loaded = {name.partition(".")[0] for name in json.loads(run(IMPORTS))}
    assert "calve" in loaded
    assert not loaded & {"opentelemetry", "prometheus_client", "google", "requests", "rich"}
