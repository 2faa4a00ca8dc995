"""Telemetry of one unit: everything the OTEL_* variables ask for, made once and closed once.

    telemetry = Telemetry.from_environment(app="shop", unit="money", registry=registry)
    telemetry.tracing                         off, or real; for the call chain
    async with telemetry: ...                 metrics are pushed and logs exported while it is open

What is not asked for is not imported: without OTEL_* variables this module costs a few dictionary look-ups, and the
extra `calve[otel]` need not be installed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from ..core.clock import Clock, SystemClock
from ..core.errors import ConfigError
from .environment import exporters, milliseconds
from .metrics import Registry
from .sampling import Sampler
from .tracing import Tracing

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

    from .otel_logs import OtelLogHandler
    from .otlp import MetricsPush

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Telemetry:
    """Tracing, pushed metrics and exported logs of one unit.

    Args:
        tracing: For the call chain.
        push: Exports metrics, or None.
        handler: Exports logs, or None.
    """

    def __init__(
        self, tracing: Tracing, push: MetricsPush | None = None, handler: OtelLogHandler | None = None
    ) -> None:
        self.tracing = tracing
        self._push, self._handler = push, handler
        self._pushing: asyncio.Task[None] | None = None

    @classmethod
    def off(cls) -> Telemetry:
        """Nothing at all."""
        return cls(Tracing.off())

    @classmethod
    def from_environment(
        cls, *, app: str, unit: str, registry: Registry, clock: Clock | None = None, install: bool = False
    ) -> Telemetry:
        """Make what the process's OTEL_* variables ask for.

        Args:
            app, unit: Default `service.namespace` and `service.name` of everything exported; OTEL_SERVICE_NAME and
                OTEL_RESOURCE_ATTRIBUTES win.
            registry: The metrics to push.
            clock: Times the pushes.
            install: Make the tracer provider OpenTelemetry's global one, so that the application's own spans and those
                of instrumented libraries are exported, too. A process can do that once and cannot undo it.
        Raises: ConfigError: a variable is wrong, or the extra `calve[otel]` is not installed.
        """
        environ = os.environ
        traces, metrics, logs = (exporters(signal, environ) for signal in ("TRACES", "METRICS", "LOGS"))
        sampler = Sampler.from_environment(environ)
        if sampler.never:
            traces = ()
        if not (traces or metrics or logs):
            return cls.off()
        resource = _with_extra(lambda: _resource(app, unit))
        return cls(
            _with_extra(lambda: _tracing(traces, sampler, resource, install)) if traces else Tracing.off(),
            _with_extra(lambda: _push(metrics, registry, resource, clock or SystemClock())) if metrics else None,
            _with_extra(lambda: _handler(resource)) if logs else None,
        )

    async def start(self) -> None:
        """Begin to push metrics and to export what is logged from now on."""
        if self._handler is not None:
            logging.getLogger().addHandler(self._handler)
        if self._push is not None:
            self._pushing = asyncio.create_task(self._push.run(), name="calve-metrics-push")

    async def close(self, timeout_seconds: float = 5.0) -> None:
        """Export what is left; returns after about `timeout_seconds` in any case."""
        if self._pushing is not None:
            self._pushing.cancel()
            await asyncio.wait([self._pushing])
        last: list[Coroutine[Any, Any, None]] = [self.tracing.close(timeout_seconds)]
        if self._push is not None:
            last.append(self._push.close(timeout_seconds))
        if self._handler is not None:
            last.append(self._handler.aclose(timeout_seconds))
        await asyncio.gather(*last)

    async def __aenter__(self) -> Telemetry:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _with_extra(make: Callable[[], T]) -> T:
    """Make something of OpenTelemetry's; its absence and its complaints become ConfigErrors."""
    try:
        return make()
    except ImportError as error:
        raise ConfigError(
            f"OTEL_* variables ask for an export, but OpenTelemetry is missing or too old ({error})",
            fix="run pip install 'calve[otel]', or set OTEL_SDK_DISABLED=true",
        ) from error
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"OpenTelemetry refuses its OTEL_* variables: {error}", fix="correct the one it means, or unset it"
        ) from error


def _resource(app: str, unit: str) -> Resource:
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    ours = {"service.name": unit, "service.namespace": app, "service.instance.id": str(uuid4())}
    return Resource.create(ours).merge(OTELResourceDetector().detect())


def _tracing(names: tuple[str, ...], sampler: Sampler, resource: Resource, install: bool) -> Tracing:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter

    from .otel_spans import OtelSpanRecorder

    found = [OTLPSpanExporter() if name == "otlp" else ConsoleSpanExporter(out=sys.stdout) for name in names]
    recorder = OtelSpanRecorder(sampler, found, resource)
    if install and not recorder.install():
        _log.info(
            "OpenTelemetry has a tracer provider already; spans of the application and its libraries stay with that"
        )
    return Tracing(sampler, recorder)


def _push(names: tuple[str, ...], registry: Registry, resource: Resource, clock: Clock) -> MetricsPush:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter

    from .otlp import MetricsPush

    interval = milliseconds("OTEL_METRIC_EXPORT_INTERVAL", 60_000, os.environ)
    timeout = milliseconds("OTEL_METRIC_EXPORT_TIMEOUT", 30_000, os.environ)
    found = [OTLPMetricExporter() if name == "otlp" else ConsoleMetricExporter(out=sys.stdout) for name in names]
    return MetricsPush(registry, found, resource, clock=clock, interval_seconds=interval, timeout_seconds=timeout)


def _handler(resource: Resource) -> OtelLogHandler:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    from .otel_logs import OtelLogHandler

    return OtelLogHandler([OTLPLogExporter()], resource)
