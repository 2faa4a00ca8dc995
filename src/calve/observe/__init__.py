"""Room 10: what happens inside, for people and for machines. Every room above may import it.

    logs.py          Logger, configure_logging            what a service says
      └─ log_format.py                                    as JSON lines or console text
    metrics.py       Registry, OperationMetrics           what is counted
      ├─ prometheus.py   exposition(registry)             pulled by Prometheus
      └─ otlp.py         MetricsPush                      pushed by OTLP
    tracing.py       Tracing                              which calls get a span
      ├─ sampling.py     Sampler                          the rule
      ├─ base.py         SpanRecorder, Span               the port to whoever keeps spans
      └─ otel_spans.py   OtelSpanRecorder                 OpenTelemetry behind it
    watchdog.py      LoopWatch                            who blocks the event loop
    telemetry.py     Telemetry.from_environment(...)      all that the OTEL_* variables ask for (environment.py)
      └─ otel_logs.py    OtelLogHandler                   log lines by OTLP

The modules that import OpenTelemetry or prometheus_client are imported when they are needed, not before.
"""

from .base import Span, SpanKind, SpanRecorder
from .logs import Logger, LogSetup, configure_logging
from .metrics import BOUNDS_SECONDS, OperationMetrics, Registry
from .sampling import Sampler
from .telemetry import Telemetry
from .tracing import Tracing
from .watchdog import LoopWatch

__all__ = [
    "BOUNDS_SECONDS",
    "configure_logging",
    "exposition",
    "Logger",
    "LogSetup",
    "LoopWatch",
    "OperationMetrics",
    "Registry",
    "Sampler",
    "Span",
    "SpanKind",
    "SpanRecorder",
    "Telemetry",
    "Tracing",
]


def exposition(registry: Registry, accept: str = "") -> tuple[str, bytes]:
    """Everything in the registry, and about this process, as Prometheus text. Call it on the loop thread.

    Args:
        registry: What to show.
        accept: The scraper's `Accept` header; it gets OpenMetrics if it asks for that.
    Returns: content type and body.
    """
    from .prometheus import exposition as make

    return make(registry, accept)
