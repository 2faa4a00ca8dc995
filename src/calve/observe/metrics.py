"""Metrics: plain Python numbers, mutated on the loop thread and read when somebody asks.

    hot path                    m.in_flight += 1 … m.in_flight -= 1; m.finish(seconds, code)
    scrape (prometheus.py)      Registry ──> text          on the loop thread, so no locks anywhere
    push (otlp.py)              Registry ──> OTLP

A metrics library's counter costs one to three microseconds per update for locks and label lookup; an operation here
finishes in about a tenth of one. Names follow OpenTelemetry
(`calve.operation.duration`, unit `s`); the Prometheus exposition derives its own
(`calve_operation_duration_seconds`).
"""

from __future__ import annotations

import logging
import re
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Literal, NamedTuple

Side = Literal["server", "client"]

BOUNDS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the duration buckets, inclusive; one more bucket holds what took longer."""

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_log = logging.getLogger(__name__)


class OperationMetrics:
    """What is counted about one operation on one side. Not thread-safe: the loop thread writes and reads.

    Args:
        service: Name of the service, such as `wallet`.
        operation: Name of the operation, such as `debit`.
        kind: `command` or `query`.
        side: `server` for calls that run here, `client` for calls made from here over the wire.
    """

    __slots__ = ("buckets", "errors", "in_flight", "kind", "operation", "seconds_sum", "service", "side")

    def __init__(self, service: str, operation: str, kind: str, side: Side) -> None:
        self.service, self.operation, self.kind, self.side = service, operation, kind, side
        self.in_flight = 0
        """Calls begun and not ended; whoever begins one adds one, and takes it off at the end."""
        self.errors: dict[str, int] = {}
        """Failed calls by code: a CallError's `code`, or the class name of a domain error."""
        self.buckets = [0] * (len(BOUNDS_SECONDS) + 1)
        """Ended calls by duration, not cumulative."""
        self.seconds_sum = 0.0
        """All durations together."""

    def finish(self, seconds: float, error_code: str | None = None) -> None:
        """Count one ended call.

        Args:
            seconds: How long it took.
            error_code: What it failed with; None for an answer.
        """
        self.seconds_sum += seconds
        self.buckets[bisect_left(BOUNDS_SECONDS, seconds)] += 1
        if error_code is not None:
            self.errors[error_code] = self.errors.get(error_code, 0) + 1

    @property
    def requests(self) -> int:
        """Ended calls; the sum of the buckets, so that the hot path has one number less to keep."""
        return sum(self.buckets)

    def cumulative(self) -> list[int]:
        """Calls at or below each bound, the last of all; what Prometheus calls `le`."""
        return list(accumulate(self.buckets))


class Instrument(NamedTuple):
    """A number that something else keeps: read at every scrape."""

    name: str
    """OpenTelemetry name, such as `calve.store.commits`."""
    help: str
    unit: str
    """UCUM unit such as `s` or `By`; '' for plain counts."""
    monotonic: bool
    """True for a counter, False for a gauge."""
    labels: Mapping[str, str]
    read: Callable[[], float]


class Registry:
    """All metrics of one unit. One per unit (or test); there is no global one."""

    def __init__(self) -> None:
        self.started_ns = time.time_ns()
        """When counting began, nanoseconds since 1970; the start of every cumulative sum."""
        self._operations: dict[tuple[str, str, Side], OperationMetrics] = {}
        self._instruments: dict[tuple[str, tuple[tuple[str, str], ...]], Instrument] = {}

    def operation(self, service: str, operation: str, kind: str, side: Side) -> OperationMetrics:
        """The metrics of one operation; the same object for the same service, operation and side."""
        key = (service, operation, side)
        found = self._operations.get(key)
        if found is None:
            found = self._operations[key] = OperationMetrics(service, operation, kind, side)
        return found

    def operations(self) -> list[OperationMetrics]:
        """All of them, sorted by service, operation and side."""
        return [self._operations[key] for key in sorted(self._operations)]

    def gauge(self, name: str, help: str, read: Callable[[], float], *, unit: str = "", **labels: str) -> None:  # noqa: A002
        """Register a number that goes up and down, such as open connections.

        Args:
            name: Dotted, such as `calve.wire.connections`; the same name may be registered with other labels.
            help: One sentence without a full stop.
            read: Called on the loop thread at every scrape; must be quick. One that raises is left out of that scrape.
            unit: UCUM, such as `s` or `By`.
            labels: Names and values; a second registration with the same replaces the first.
        Raises: ValueError: not such a name, or registered before with another unit or as a counter.
        """
        self._register(Instrument(name, help, unit, False, labels, read))

    def counter(self, name: str, help: str, read: Callable[[], float], *, unit: str = "", **labels: str) -> None:  # noqa: A002
        """Register a number that only grows, such as commits. Args: as for `gauge`."""
        self._register(Instrument(name, help, unit, True, labels, read))

    def _register(self, instrument: Instrument) -> None:
        if not _NAME.fullmatch(instrument.name):
            raise ValueError(f"{instrument.name!r} is not a metric name; write it like 'calve.wire.connections'")
        for other in self._instruments.values():
            if other.name == instrument.name and (other.unit, other.monotonic) != (
                instrument.unit,
                instrument.monotonic,
            ):
                raise ValueError(f"{instrument.name} is already registered with another unit or as another kind")
        self._instruments[instrument.name, tuple(sorted(instrument.labels.items()))] = instrument

    def read(self) -> Iterator[tuple[Instrument, float]]:
        """Every registered number with its value now, sorted by name; instruments of one name follow each other."""
        for key in sorted(self._instruments):
            instrument = self._instruments[key]
            try:
                value = float(instrument.read())
            except Exception:  # noqa: BLE001  (a broken reader, of a closed store say, must not spoil the scrape)
                _log.debug("metric %s could not be read", instrument.name, exc_info=True)
                continue
            yield instrument, value
