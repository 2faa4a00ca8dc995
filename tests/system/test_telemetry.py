"""What an operator sees of several processes: one trace per request, metrics of each, lines that name their call."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from prometheus_client.parser import text_string_to_metric_families

from .conftest import Running, calve_run, open_wallet, place_order, request, until

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Span(NamedTuple):
    """A span as the collector got it; ids in hexadecimal, as logs have them."""

    unit: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP and keeps the spans."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.spans: list[Span] = []
        self.paths: set[str] = set()

    def take(self, path: str, body: bytes) -> None:
        """Keep one export."""
        self.paths.add(path)
        if path != "/v1/traces":
            return
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            unit = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                kind = SpanMessage.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower()
                ids = (i.hex() for i in (span.trace_id, span.span_id, span.parent_span_id))
                self.spans.append(Span(unit, span.name, kind, *ids))

    def trace(self, trace: str, count: int) -> dict[tuple[str, str, str], Span]:
        """The spans of a trace by unit, name and kind, once there are so many."""
        until(lambda: sum(s.trace == trace for s in self.spans) >= count, f"{count} spans")
        return {(s.unit, s.name, s.kind): s for s in self.spans if s.trace == trace}


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """A running collector."""
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def settings(collector: Collector, **more: str) -> dict[str, str]:
    """The standard variables, with short pauses between exports."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "50"} | more


@pytest.fixture(scope="module")
def traced_shop(shop_folder: Path, short_tmp: Path, collector: Collector) -> Iterator[Running]:
    """The shop as three processes that export what they can."""
    with calve_run(shop_folder, short_tmp, "-t", "split", **settings(collector)) as running:
        running.line("shop is ready")
        yield running
        assert running.stop() == 0


def _order(url: str, **headers: str) -> None:
    body = {"id": str(uuid4()), "customer": str(open_wallet(url, 10_000_000))}
    items = [{"sku": "KIT-00000", "quantity": 1}]
    assert request(f"{url}/orders", "POST", body | {"items": items}, headers).status == 201


def test_an_order_is_one_trace_through_all_units(traced_shop: Running, collector: Collector) -> None:
    _order(traced_shop.url("front"), traceparent=f"00-{TRACE}-{CALLER}-01")
    spans = collector.trace(TRACE, 7)
    tree = {key: next((k for k, s in spans.items() if s.id == span.parent), span.parent) for key, span in spans.items()}
    place = ("front", "orders/place", "server")
    reserve, debit = ("front", "inventory/reserve", "client"), ("front", "wallet/debit", "client")
    assert tree == {
        place: CALLER,
        ("front", "catalog/prices", "internal"): place,
        reserve: place,
        ("stock", "inventory/reserve", "server"): reserve,
        debit: place,
        ("money", "wallet/debit", "server"): debit,
        ("front", "notification/notify", "internal"): place,
    }


def test_without_a_client_s_trace_there_is_a_new_one_for_each_request(
    traced_shop: Running, collector: Collector
) -> None:
    seen = {span.trace for span in collector.spans}
    _order(traced_shop.url("front"))
    roots = until(
        lambda: [s for s in collector.spans if s.name == "orders/place" and s.trace not in seen], "the order's trace"
    )
    assert [root.parent for root in roots] == [""]
    (root,) = roots
    assert len(collector.trace(root.trace, 7)) == 7


def test_a_client_that_does_not_sample_gets_no_spans(traced_shop: Running, collector: Collector) -> None:
    silent, loud = "a" * 32, "b" * 32
    _order(traced_shop.url("front"), traceparent=f"00-{silent}-{CALLER}-00")
    _order(traced_shop.url("front"), traceparent=f"00-{loud}-{CALLER}-01")
    collector.trace(loud, 7)
    assert [span for span in collector.spans if span.trace == silent] == []


def test_metrics_of_every_unit_can_be_scraped(traced_shop: Running) -> None:
    front = traced_shop.url("front")
    customer = open_wallet(front, 10_000_000)
    before = {unit: _requests(traced_shop.url(unit)) for unit in ("front", "money", "stock")}
    for _ in range(3):
        assert place_order(front, customer).status == 201
    assert place_order(front, uuid4()).status == 404
    after = {unit: _requests(traced_shop.url(unit)) for unit in ("front", "money", "stock")}
    more = {(unit, *key): n - before[unit].get(key, 0) for unit in after for key, n in after[unit].items()}
    assert more[("front", "orders", "place", "server")] == 4
    for unit, side in (("front", "client"), ("money", "server")):
        assert more[(unit, "wallet", "debit", side)] == 4
    for unit, side in (("front", "client"), ("stock", "server")):
        assert more[(unit, "inventory", "reserve", side)] == 4
        assert more[(unit, "inventory", "release", side)] == 1


def _requests(url: str) -> dict[tuple[str, str, str], float]:
    """Ended calls by service, operation and side; checks the rest of the page on the way."""
    answer = request(f"{url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    families = {f.name: f for f in text_string_to_metric_families(answer.body.decode())}
    assert {f"calve_operation_{n}" for n in ("requests", "errors", "duration_seconds", "in_flight")} <= set(families)
    assert "process_resident_memory_bytes" in families
    assert "calve_store_commits" in families
    assert all(family.documentation for name, family in families.items() if name.startswith("calve_"))
    counts = {
        (s.labels["service"], s.labels["operation"], s.labels["side"]): s.value
        for s in families["calve_operation_requests"].samples
    }
    ended = {
        (s.labels["service"], s.labels["operation"], s.labels["side"]): s.value
        for s in families["calve_operation_duration_seconds"].samples
        if s.name.endswith("_count")
    }
    assert ended == counts
    return counts


def test_log_lines_say_which_call_they_belong_to(till: Path, short_tmp: Path, collector: Collector) -> None:
    trace = uuid4().hex
    with calve_run(till, short_tmp, "-t", "split", **settings(collector, OTEL_METRIC_EXPORT_INTERVAL="50")) as running:
        url = running.url("front", start=1)
        request(f"{url}/answer", headers={"traceparent": f"00-{trace}-{CALLER}-01"})
        asked, counted = (json.loads(running.line(rf'^{{.*"message":"{m}".*}}$')[0]) for m in ("asked", "counted"))
        spans = collector.trace(trace, 3)
        until(lambda: collector.paths == {"/v1/traces", "/v1/metrics", "/v1/logs"}, "metrics and logs")
        assert running.stop() == 0
    desk, purse = spans[("front", "desk/answer", "server")], spans[("money", "purse/coins", "server")]
    _check_line(asked, "front", "desk", "desk.answer", trace, desk.id)
    _check_line(counted, "money", "purse", "purse.coins", trace, purse.id)
    for line in running.lines:
        assert isinstance(json.loads(line), dict), "every line of a run is JSON"


def _check_line(line: dict[str, Any], unit: str, service: str, operation: str, trace: str, span: str) -> None:
    """Assert that a line says where it comes from."""
    expected = {"unit": unit, "service": service, "operation": operation, "trace_id": trace, "span_id": span}
    assert {key: line.get(key) for key in expected} == expected


def test_without_tracing_lines_of_one_request_share_an_id(till: Path, short_tmp: Path) -> None:
    with calve_run(till, short_tmp, "-t", "split") as running:
        url = running.url("front", start=1)
        ids = []
        for nth in (1, 2):
            assert request(f"{url}/answer").status == 200
            lines = [json.loads(running.line(rf'^{{.*"message":"{m}".*}}$', nth=nth)[0]) for m in ("asked", "counted")]
            assert lines[0]["trace_id"] == lines[1]["trace_id"]
            ids.append(lines[0]["trace_id"])
        assert ids[0] != ids[1]
