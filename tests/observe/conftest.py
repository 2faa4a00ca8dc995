"""An OTLP collector of our own, and an environment without OTEL_* variables."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_REQUESTS: dict[str, Any] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP and keeps it decoded."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.arrived: Queue[str] = Queue()
        """One path per request, for tests that wait."""
        self.requests: dict[str, list[Any]] = {path: [] for path in _REQUESTS}
        self.headers: list[dict[str, str]] = []

    def spans(self) -> list[tuple[dict[str, str], Any]]:
        """Every span with the attributes of its resource."""
        return [
            (attributes(resource.resource), span)
            for request in self.requests["/v1/traces"]
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def metrics(self) -> dict[str, Any]:
        """The metrics of the last export, by name."""
        last = self.requests["/v1/metrics"][-1]
        return {m.name: m for r in last.resource_metrics for scope in r.scope_metrics for m in scope.metrics}

    def logs(self) -> list[Any]:
        """Every log record."""
        return [
            record
            for request in self.requests["/v1/logs"]
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests[self.path].append(_REQUESTS[self.path].FromString(body))
        self.server.headers.append(dict(self.headers))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.arrived.put(self.path)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def attributes(holder: Any) -> dict[str, Any]:
    """Attributes of a decoded resource, span, data point or log record as a dict."""
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in holder.attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A running collector; its own thread, so that nothing blocks the loop."""
    server = Collector()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No OTEL_* variable of the machine reaches a test."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def otlp(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Collector:
    """The collector, with the one variable set that switches everything on."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    return collector
