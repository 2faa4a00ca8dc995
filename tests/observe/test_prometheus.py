"""The exposition, read back by prometheus_client's own parsers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from calve.observe import Registry, exposition

parse_openmetrics: Any = openmetrics_parser.text_string_to_metric_families  # the library has no types for it


def filled() -> Registry:
    registry = Registry()
    m = registry.operation("wallet", "debit", "command", "server")
    m.in_flight = 2
    m.finish(0.002)
    m.finish(0.3, "unavailable")
    registry.operation("wallet", "debit", "command", "client")
    registry.gauge("calve.wire.connections", "Open connections", lambda: 4, peer="unix:/run/a.sock")
    registry.gauge("calve.wire.connections", "Open connections", lambda: 5, peer='b"\n')
    registry.counter("calve.store.commits", "Commits", lambda: 7, service="wallet")
    registry.gauge("calve.store.size", "File", lambda: 4096, unit="By")
    return registry


def samples(families: Iterable[Any]) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def read(registry: Registry) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    content_type, body = exposition(registry)
    assert content_type.startswith("text/plain")
    return samples(parser.text_string_to_metric_families(body.decode()))


SERVED = {"service": "wallet", "operation": "debit", "kind": "command", "side": "server"}


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


def test_operations_are_shown_by_their_names_and_labels() -> None:
    found = read(filled())
    assert found[key("calve_operation_requests_total", **SERVED)] == 2
    assert found[key("calve_operation_requests_total", **{**SERVED, "side": "client"})] == 0
    assert found[key("calve_operation_errors_total", **SERVED, code="unavailable")] == 1
    assert found[key("calve_operation_in_flight", **SERVED)] == 2


def test_the_histogram_is_cumulative_and_complete() -> None:
    found = read(filled())
    assert found[key("calve_operation_duration_seconds_bucket", **SERVED, le="0.001")] == 0
    assert found[key("calve_operation_duration_seconds_bucket", **SERVED, le="0.0025")] == 1
    assert found[key("calve_operation_duration_seconds_bucket", **SERVED, le="0.5")] == 2
    assert found[key("calve_operation_duration_seconds_bucket", **SERVED, le="+Inf")] == 2
    assert found[key("calve_operation_duration_seconds_count", **SERVED)] == 2
    assert found[key("calve_operation_duration_seconds_sum", **SERVED)] == 0.302


def test_registered_numbers_get_their_unit_into_the_name_and_their_labels_escaped() -> None:
    found = read(filled())
    assert found[key("calve_wire_connections", peer="unix:/run/a.sock")] == 4
    assert found[key("calve_wire_connections", peer='b"\n')] == 5
    assert found[key("calve_store_commits_total", service="wallet")] == 7
    assert found[key("calve_store_size_bytes")] == 4096


def test_the_process_is_shown_too() -> None:
    names = {name for name, _ in read(Registry())}
    assert {"process_cpu_seconds_total", "process_resident_memory_bytes", "python_info"} <= names


def test_a_scraper_that_asks_for_openmetrics_gets_it() -> None:
    content_type, body = exposition(filled(), "application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    found = samples(parse_openmetrics(body.decode()))
    assert found[key("calve_operation_requests_total", **SERVED)] == 2


def test_two_registries_share_nothing() -> None:
    assert exposition(filled()) != exposition(Registry())
    assert not any(name.startswith("calve_operation_requests") for name, _ in read(Registry()))
