"""Metrics by OTLP: the conversion, and when it happens."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    Sum,
)
from opentelemetry.sdk.resources import Resource

from calve.core.clock import SystemClock
from calve.observe import BOUNDS_SECONDS, Registry
from calve.observe.otlp import MetricsPush, metrics_data

LABELS = {"service": "wallet", "operation": "debit", "kind": "command", "side": "server"}


def filled() -> Registry:
    registry = Registry()
    m = registry.operation("wallet", "debit", "command", "server")
    m.in_flight = 2
    m.finish(0.002)
    m.finish(0.3, "unavailable")
    registry.gauge("calve.wire.connections", "Open connections", lambda: 4, peer="a")
    registry.gauge("calve.wire.connections", "Open connections", lambda: 5, peer="b")
    registry.counter("calve.store.commits", "Commits", lambda: 7)
    return registry


def converted(registry: Registry) -> dict[str, Any]:
    [resource] = metrics_data(registry, Resource({"service.name": "money"})).resource_metrics
    [scope] = resource.scope_metrics
    assert len({m.name for m in scope.metrics}) == len(scope.metrics)
    return {m.name: m for m in scope.metrics}


def test_counters_are_cumulative_monotonic_sums_since_the_registry_was_made() -> None:
    registry = filled()
    metrics = converted(registry)
    for name, value, labels in (
        ("calve.operation.requests", 2, LABELS),
        ("calve.operation.errors", 1, {**LABELS, "code": "unavailable"}),
        ("calve.store.commits", 7, {}),
    ):
        data = metrics[name].data
        assert isinstance(data, Sum)
        assert (data.is_monotonic, data.aggregation_temporality) == (True, AggregationTemporality.CUMULATIVE)
        [point] = data.data_points
        assert isinstance(point, NumberDataPoint)
        assert (point.value, dict(point.attributes or {})) == (value, labels)
        assert point.start_time_unix_nano == registry.started_ns <= point.time_unix_nano


def test_in_flight_may_go_down_and_gauges_are_gauges() -> None:
    metrics = converted(filled())
    in_flight = metrics["calve.operation.in_flight"].data
    assert isinstance(in_flight, Sum)
    assert not in_flight.is_monotonic
    connections = metrics["calve.wire.connections"].data
    assert isinstance(connections, Gauge)
    assert [(p.value, p.attributes) for p in connections.data_points] == [(4, {"peer": "a"}), (5, {"peer": "b"})]


def test_durations_are_a_histogram_with_explicit_bounds() -> None:
    metric = converted(filled())["calve.operation.duration"]
    assert metric.unit == "s"
    assert isinstance(metric.data, Histogram)
    [point] = metric.data.data_points
    assert point.explicit_bounds == BOUNDS_SECONDS
    assert len(point.bucket_counts) == len(BOUNDS_SECONDS) + 1
    assert (point.count, sum(point.bucket_counts)) == (2, 2)
    assert point.sum == pytest.approx(0.302)


class Exporter(MetricExporter):
    """Keeps what it is given; answers as told, and not before `go`."""

    def __init__(self, result: MetricExportResult | Exception = MetricExportResult.SUCCESS) -> None:
        super().__init__()
        self.result, self.exported, self.closed = result, list[MetricsData](), False
        self.inside, self.entered = 0, threading.Event()
        self.go = threading.Event()
        self.go.set()

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        self.inside += 1
        self.entered.set()
        self.go.wait(30)
        self.inside -= 1
        self.exported.append(metrics_data)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self.closed = True


class Turns(SystemClock):
    """A clock whose sleepers wait until the test gives them a turn."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[float] = asyncio.Queue()
        self.turns = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        self.asked.put_nowait(seconds)
        await self.turns.acquire()


def push(*exporters: Exporter, clock: SystemClock | None = None, timeout_seconds: float = 5.0) -> MetricsPush:
    return MetricsPush(
        filled(),
        exporters,
        Resource({}),
        clock=clock or SystemClock(),
        interval_seconds=60,
        timeout_seconds=timeout_seconds,
    )


async def test_run_exports_after_every_interval() -> None:
    clock, exporter = Turns(), Exporter()
    running = asyncio.create_task(push(exporter, clock=clock).run())
    for so_far in range(3):
        assert await clock.asked.get() == 60
        assert len(exporter.exported) == so_far
        clock.turns.release()
    await clock.asked.get()
    running.cancel()
    await asyncio.wait([running])
    assert len(exporter.exported) == 3


@pytest.mark.parametrize("result", [MetricExportResult.FAILURE, ConnectionError("refused")])
async def test_a_failed_export_is_said_and_survived(result: MetricExportResult | Exception) -> None:
    pushing = push(Exporter(result))
    assert not await pushing.push()
    assert not await pushing.push()


async def test_every_exporter_must_take_it() -> None:
    assert await push(Exporter(), Exporter()).push()
    assert not await push(Exporter(), Exporter(MetricExportResult.FAILURE)).push()


async def test_an_export_that_was_given_up_is_not_overtaken() -> None:
    exporter = Exporter()
    exporter.go.clear()
    pushing = push(exporter, timeout_seconds=0.02)
    assert [await pushing.push() for _ in range(3)] == [False] * 3
    assert await asyncio.to_thread(exporter.entered.wait, 10)
    assert (exporter.inside, exporter.exported) == (1, [])
    exporter.go.set()
    assert await pushing.push(timeout_seconds=10)
    assert exporter.inside == 0


async def test_close_exports_the_last_numbers_and_closes() -> None:
    exporter = Exporter()
    await push(exporter).close(5.0)
    assert (len(exporter.exported), exporter.closed) == (1, True)


async def test_close_does_not_wait_for_a_collector_that_does_not_answer(caplog: pytest.LogCaptureFixture) -> None:
    exporter = Exporter()
    exporter.go.clear()
    await push(exporter).close(0.02)
    assert exporter.exported == []
    assert exporter.closed
    assert "gave up waiting for the export of metrics" in caplog.text
    exporter.go.set()
