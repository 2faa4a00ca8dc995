"""Metrics by OTLP: the Registry in OpenTelemetry's terms, handed to its exporter every OTEL_METRIC_EXPORT_INTERVAL.

    calve.operation.requests      sum, monotonic       {service, operation, kind, side}
    calve.operation.errors        sum, monotonic       {…, code}
    calve.operation.duration      histogram, s         {service, operation, kind, side}
    calve.operation.in_flight     sum, not monotonic   {service, operation, kind, side}
    whatever was registered       sum or gauge         its labels

All sums are cumulative since the Registry was made. The SDK's own instruments and readers are not used: they would
keep a second set of numbers and count every call in microseconds. The snapshot is taken on the loop thread, which
owns the numbers; encoding and sending happen in a daemon thread.

This module imports the SDK; telemetry.py imports it when a metrics exporter is configured.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from ..core.clock import Clock
from .daemon import in_daemon_thread
from .metrics import BOUNDS_SECONDS, OperationMetrics, Registry

_CUMULATIVE = AggregationTemporality.CUMULATIVE
_SCOPE = InstrumentationScope("calve")


class MetricsPush:
    """Exports a Registry again and again.

    Args:
        registry: What to export.
        exporters: Where to.
        resource: What is said about this process with every export.
        clock: Times the interval.
        interval_seconds: From the end of one export to the begin of the next.
        timeout_seconds: Longest time for one export.
    """

    def __init__(
        self,
        registry: Registry,
        exporters: Sequence[MetricExporter],
        resource: Resource,
        *,
        clock: Clock,
        interval_seconds: float,
        timeout_seconds: float,
    ) -> None:
        self._registry, self._exporters, self._resource, self._clock = registry, tuple(exporters), resource, clock
        self._one_at_a_time = threading.Lock()
        self._interval_seconds, self._timeout_seconds = interval_seconds, timeout_seconds

    async def run(self) -> None:
        """Export at every interval until cancelled. A failed export is logged; the next one makes up for it."""
        while True:
            await self._clock.sleep(self._interval_seconds)
            await self.push()

    async def push(self, timeout_seconds: float | None = None) -> bool:
        """Export once. Returns whether every exporter took it in time."""
        data = metrics_data(self._registry, self._resource)
        results: list[MetricExportResult] = []

        def export() -> None:
            # An export that was given up may still be sending; exporters are not made for two threads.
            with self._one_at_a_time:
                results.extend(exporter.export(data) for exporter in self._exporters)

        limit = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        sent = await in_daemon_thread(export, limit, what="metrics")
        return sent and all(result is MetricExportResult.SUCCESS for result in results)

    async def close(self, timeout_seconds: float) -> None:
        """Export the last numbers, then close the exporters; returns after `timeout_seconds` in any case."""
        await self.push(timeout_seconds)
        for exporter in self._exporters:
            exporter.shutdown(timeout_millis=0)


def metrics_data(registry: Registry, resource: Resource) -> MetricsData:
    """A snapshot of the registry. Call it on the loop thread."""
    metrics = [*_operations(registry), *_instruments(registry)]
    scope = ScopeMetrics(_SCOPE, metrics, schema_url="")
    return MetricsData([ResourceMetrics(resource, [scope], schema_url="")])


def _operations(registry: Registry) -> Iterator[Metric]:
    since, now, operations = registry.started_ns, time.time_ns(), registry.operations()

    def number(m: OperationMetrics, value: float, **more: str) -> NumberDataPoint:
        return NumberDataPoint({**_attributes(m), **more}, since, now, value)

    requests = [number(m, m.requests) for m in operations]
    errors = [number(m, count, code=code) for m in operations for code, count in sorted(m.errors.items())]
    in_flight = [number(m, m.in_flight) for m in operations]
    durations = [_histogram(m, since, now) for m in operations]
    yield Metric("calve.operation.requests", "Ended calls", "{call}", Sum(requests, _CUMULATIVE, True))
    yield Metric("calve.operation.errors", "Ended calls without an answer", "{call}", Sum(errors, _CUMULATIVE, True))
    yield Metric("calve.operation.duration", "Durations of ended calls", "s", Histogram(durations, _CUMULATIVE))
    yield Metric("calve.operation.in_flight", "Calls begun and not ended", "{call}", Sum(in_flight, _CUMULATIVE, False))


def _histogram(m: OperationMetrics, since: int, now: int) -> HistogramDataPoint:
    # Minimum and maximum are optional in OTLP, but not in the SDK's class; keeping them would cost the hot path.
    unknown: Any = None
    return HistogramDataPoint(
        attributes=_attributes(m),
        start_time_unix_nano=since,
        time_unix_nano=now,
        count=m.requests,
        sum=m.seconds_sum,
        bucket_counts=tuple(m.buckets),
        explicit_bounds=BOUNDS_SECONDS,
        min=unknown,
        max=unknown,
    )


def _attributes(m: OperationMetrics) -> Mapping[str, str]:
    return {"service": m.service, "operation": m.operation, "kind": m.kind, "side": m.side}


def _instruments(registry: Registry) -> Iterator[Metric]:
    since, now = registry.started_ns, time.time_ns()
    points: dict[str, list[NumberDataPoint]] = {}
    for instrument, value in registry.read():
        known = points.get(instrument.name)
        point = NumberDataPoint(dict(instrument.labels), since, now, value)
        if known is not None:
            known.append(point)
            continue
        mine = points[instrument.name] = [point]
        data = Sum(mine, _CUMULATIVE, True) if instrument.monotonic else Gauge(mine)
        yield Metric(instrument.name, instrument.help, instrument.unit, data)
