"""The Prometheus exposition of a Registry, written by prometheus_client's own encoder.

    calve_operation_requests_total{service,operation,kind,side}           counter
    calve_operation_errors_total{service,operation,kind,side,code}        counter
    calve_operation_duration_seconds{service,operation,kind,side}         histogram
    calve_operation_in_flight{service,operation,kind,side}                gauge
    calve_<room>_<name>[_<unit>]                                          whatever was registered
    process_*, python_gc_*, python_info                                   prometheus_client's

Nothing of prometheus_client is in the hot path: its objects are made at scrape time and thrown away, in a registry of
their own. This module is imported at the first scrape.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from .metrics import BOUNDS_SECONDS, OperationMetrics, Registry

_LABELS = ("service", "operation", "kind", "side")
_UNITS = {"s": "seconds", "By": "bytes", "1": "ratio"}


def exposition(registry: Registry, accept: str = "") -> tuple[str, bytes]:
    """Everything in the registry, and about this process, as text. Call it on the loop thread.

    Args:
        registry: What to show.
        accept: The scraper's `Accept` header; it gets OpenMetrics if it asks for that.
    Returns: content type and body.
    """
    collectors = CollectorRegistry(auto_describe=False)
    collectors.register(_RegistryCollector(registry))
    ProcessCollector(registry=collectors)
    PlatformCollector(registry=collectors)
    GCCollector(registry=collectors)
    encode, content_type = choose_encoder(accept)
    return content_type, encode(collectors)


class _RegistryCollector(Collector):
    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        yield from _operations(self._registry.operations())
        yield from _instruments(self._registry)


def _operations(operations: list[OperationMetrics]) -> Iterator[Metric]:
    requests = CounterMetricFamily("calve_operation_requests", "Ended calls", labels=_LABELS)
    errors = CounterMetricFamily("calve_operation_errors", "Ended calls without an answer", labels=(*_LABELS, "code"))
    duration = HistogramMetricFamily("calve_operation_duration_seconds", "Durations of ended calls", labels=_LABELS)
    in_flight = GaugeMetricFamily("calve_operation_in_flight", "Calls begun and not ended", labels=_LABELS)
    bounds = [*map(str, BOUNDS_SECONDS), "+Inf"]
    for m in operations:
        labels = (m.service, m.operation, m.kind, m.side)
        requests.add_metric(labels, m.requests)
        for code, count in sorted(m.errors.items()):
            errors.add_metric((*labels, code), count)
        duration.add_metric(labels, list(zip(bounds, m.cumulative(), strict=True)), m.seconds_sum)
        in_flight.add_metric(labels, m.in_flight)
    yield from (requests, errors, duration, in_flight)


def _instruments(registry: Registry) -> Iterator[Metric]:
    families: dict[str, Metric] = {}
    for instrument, value in registry.read():
        family = families.get(instrument.name)
        if family is None:
            name = instrument.name.replace(".", "_")
            unit = _UNITS.get(instrument.unit, "")
            name = f"{name}_{unit}" if unit and not name.endswith(unit) else name
            family = families[instrument.name] = Metric(
                name, instrument.help, "counter" if instrument.monotonic else "gauge"
            )
        suffix = "_total" if instrument.monotonic else ""
        family.add_sample(family.name + suffix, dict(instrument.labels), value)
    yield from families.values()
