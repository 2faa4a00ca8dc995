"""Logs by OTLP: a standard handler that hands every line to OpenTelemetry's exporter in batches (OTEL_BLRP_*).

Lines of `opentelemetry` itself are left out: they are mostly about an export that failed, and would follow it in
circles. The SDK's own handler is deprecated there; this one takes what a line says from log_format.py, as the other
forms do.

This module imports the SDK; telemetry.py imports it when a log exporter is configured.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, set_span_in_context

from ..core.context import current_call
from .daemon import in_daemon_thread
from .log_format import describe_record, encode
from .otel_spans import span_context

_SEVERITIES = (
    (logging.CRITICAL, SeverityNumber.FATAL, "FATAL"),
    (logging.ERROR, SeverityNumber.ERROR, "ERROR"),
    (logging.WARNING, SeverityNumber.WARN, "WARN"),
    (logging.INFO, SeverityNumber.INFO, "INFO"),
    (logging.NOTSET, SeverityNumber.DEBUG, "DEBUG"),
)


class OtelLogHandler(logging.Handler):
    """Exports lines. Add it to the root logger; `aclose` takes it off again.

    Args:
        exporters: Where lines go.
        resource: What is said about this process with every line.
    """

    def __init__(self, exporters: Sequence[LogRecordExporter], resource: Resource) -> None:
        super().__init__()
        self._provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
        for exporter in exporters:
            self._provider.add_log_record_processor(BatchLogRecordProcessor(exporter))

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler.emit`; never raises."""
        if record.name.partition(".")[0] == "opentelemetry":
            return
        try:
            self._provider.get_logger(record.name).emit(_log_record(record))
        except Exception:  # noqa: BLE001  (whatever it is, the line that was logged is not at fault)
            self.handleError(record)

    async def aclose(self, timeout_seconds: float) -> None:
        """Stop, and hand over what is still buffered; returns after `timeout_seconds` in any case."""
        logging.getLogger().removeHandler(self)
        await in_daemon_thread(self._provider.shutdown, timeout_seconds, what="logs")
        self.close()


def _log_record(record: logging.LogRecord) -> LogRecord:
    line = describe_record(record)
    call = current_call()
    trace = call.given_trace if call is not None else None
    context = Context() if trace is None else set_span_in_context(NonRecordingSpan(span_context(trace)), Context())
    number, name = next((number, name) for level, number, name in _SEVERITIES if record.levelno >= level)
    stamp = int(record.created * 1e9)
    return LogRecord(
        timestamp=stamp,
        observed_timestamp=stamp,
        context=context,
        severity_text=name,
        severity_number=number,
        body=line["message"],
        attributes=_attributes(line),
    )


def _attributes(line: dict[str, Any]) -> dict[str, str | bool | int | float]:
    """The fields, and around them what the semantic conventions have names for."""
    attributes = {name: _plain(value) for name, value in line.get("fields", {}).items()}
    attributes["logger.name"] = line["logger"]
    if "service" in line:
        attributes["rpc.service"] = line["service"]
    if "operation" in line:
        attributes["rpc.method"] = line["operation"].rpartition(".")[2]
    for key, name in (("type", "exception.type"), ("message", "exception.message"), ("stack", "exception.stacktrace")):
        if key in line.get("exception", {}):
            attributes[name] = line["exception"][key]
    return attributes


def _plain(value: Any) -> str | bool | int | float:
    """A value as OTLP has it; structures become JSON, everything else its text."""
    if isinstance(value, str | bool | float) or (isinstance(value, int) and -(2**63) <= value < 2**63):
        return value
    return encode(value, 1).decode().strip('"')
