"""Counting: buckets, codes, the registry."""

from __future__ import annotations

import logging

import pytest

from calve.observe import BOUNDS_SECONDS, OperationMetrics, Registry


def metrics() -> OperationMetrics:
    return Registry().operation("wallet", "debit", "command", "server")


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [(0.0, 0), (0.0005, 0), (0.00051, 1), (0.001, 1), (1.0, 10), (10.0, 13), (10.1, 14), (1e9, 14)],
)
def test_a_duration_falls_into_the_first_bucket_whose_bound_it_does_not_exceed(seconds: float, bucket: int) -> None:
    m = metrics()
    m.finish(seconds)
    assert [i for i, count in enumerate(m.buckets) if count] == [bucket]


def test_finish_counts_requests_errors_and_durations() -> None:
    m = metrics()
    m.finish(0.25)
    m.finish(0.5, "unavailable")
    m.finish(0.5, "unavailable")
    m.finish(20.0, "InsufficientFunds")
    assert m.requests == 4
    assert m.errors == {"unavailable": 2, "InsufficientFunds": 1}
    assert m.seconds_sum == pytest.approx(21.25)
    assert m.cumulative()[BOUNDS_SECONDS.index(0.25)] == 1
    assert m.cumulative()[-2:] == [3, 4]


def test_finish_leaves_in_flight_to_whoever_raised_it() -> None:
    m = metrics()
    m.in_flight += 1
    m.finish(0.1)
    assert m.in_flight == 1


def test_the_registry_keeps_one_object_per_operation_and_side() -> None:
    registry = Registry()
    served = registry.operation("wallet", "debit", "command", "server")
    called = registry.operation("wallet", "debit", "command", "client")
    assert registry.operation("wallet", "debit", "command", "server") is served
    assert called is not served
    assert registry.operations() == [called, served]


def test_registered_numbers_are_read_when_asked_for() -> None:
    registry, depth = Registry(), [3]
    registry.gauge("calve.store.queue", "Waiting", lambda: depth[0], service="wallet")
    registry.gauge("calve.store.queue", "Waiting", lambda: 9, service="orders")
    registry.counter("calve.store.commits", "Commits", lambda: 7)
    depth[0] = 5
    assert [(i.name, dict(i.labels), value) for i, value in registry.read()] == [
        ("calve.store.commits", {}, 7),
        ("calve.store.queue", {"service": "orders"}, 9),
        ("calve.store.queue", {"service": "wallet"}, 5),
    ]


def test_registering_again_replaces() -> None:
    registry = Registry()
    registry.gauge("calve.wire.connections", "Open", lambda: 1, peer="a")
    registry.gauge("calve.wire.connections", "Open", lambda: 2, peer="a")
    assert [value for _, value in registry.read()] == [2]


def test_a_broken_reader_is_left_out_and_said_so(caplog: pytest.LogCaptureFixture) -> None:
    registry = Registry()
    registry.gauge("calve.a", "Broken", lambda: 1 / 0)
    registry.gauge("calve.b", "Fine", lambda: 1)
    with caplog.at_level(logging.DEBUG):
        assert [i.name for i, _ in registry.read()] == ["calve.b"]
    assert "calve.a" in caplog.text


@pytest.mark.parametrize("name", ["", "Calve", "calve-wire", "calve..a", "calve.", "1calve", "calve.a b"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a metric name"):
        Registry().gauge(name, "", lambda: 0)


def test_one_name_has_one_kind_and_one_unit() -> None:
    registry = Registry()
    registry.gauge("calve.a", "A", lambda: 0, unit="s")
    with pytest.raises(ValueError, match="another"):
        registry.counter("calve.a", "A", lambda: 0, unit="s", peer="b")
    with pytest.raises(ValueError, match="another"):
        registry.gauge("calve.a", "A", lambda: 0, unit="By", peer="b")
