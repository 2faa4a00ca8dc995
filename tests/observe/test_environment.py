"""What the OTEL_* variables ask for."""

from __future__ import annotations

import pytest

from calve.core.errors import ConfigError
from calve.observe.environment import exporters, milliseconds

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


@pytest.mark.parametrize(
    ("environ", "traces", "metrics", "logs"),
    [
        ({}, (), (), ()),
        (ENDPOINT, ("otlp",), ("otlp",), ("otlp",)),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, (), (), ()),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/v1/traces"}, ("otlp",), (), ()),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c/v1/metrics"}, (), ("otlp",), ()),
        ({**ENDPOINT, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "None"}, ("otlp",), (), ()),
        ({**ENDPOINT, "OTEL_METRICS_EXPORTER": "prometheus"}, ("otlp",), (), ("otlp",)),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, ("otlp",), (), ()),
        ({"OTEL_TRACES_EXPORTER": "console, otlp,console"}, ("console", "otlp"), (), ()),
        ({"OTEL_METRICS_EXPORTER": "console"}, (), ("console",), ()),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "TRUE"}, (), (), ()),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "false"}, ("otlp",), ("otlp",), ("otlp",)),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "yes"}, ("otlp",), ("otlp",), ("otlp",)),
    ],
)
def test_exporters(
    environ: dict[str, str], traces: tuple[str, ...], metrics: tuple[str, ...], logs: tuple[str, ...]
) -> None:
    assert (exporters("TRACES", environ), exporters("METRICS", environ), exporters("LOGS", environ)) == (
        traces,
        metrics,
        logs,
    )


def test_an_unknown_exporter_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(
        ConfigError, match=r"OTEL_TRACES_EXPORTER: there is no exporter 'zipkin'; known: console, none, otlp"
    ):
        exporters("TRACES", {"OTEL_TRACES_EXPORTER": "zipkin"})


@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"])
def test_another_protocol_than_http_is_refused_with_the_port_to_use(variable: str) -> None:
    with pytest.raises(ConfigError, match=rf"{variable}.*'grpc' is not supported.*http/protobuf.*4318"):
        exporters("TRACES", {**ENDPOINT, variable: "grpc"})


def test_the_protocol_of_the_signal_wins_over_the_general_one() -> None:
    environ = {**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}
    assert exporters("TRACES", environ) == ("otlp",)


def test_a_protocol_nobody_uses_does_not_matter() -> None:
    assert exporters("TRACES", {"OTEL_TRACES_EXPORTER": "console", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}) == (
        "console",
    )


def test_delta_temporality_is_refused_for_metrics_only() -> None:
    environ = {**ENDPOINT, "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta"}
    assert exporters("TRACES", environ) == ("otlp",)
    with pytest.raises(ConfigError, match="'delta' temporality is not supported"):
        exporters("METRICS", environ)


def test_milliseconds() -> None:
    assert milliseconds("X", 60_000, {}) == 60
    assert milliseconds("X", 60_000, {"X": " 250 "}) == 0.25


@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan", "inf"])
def test_a_duration_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=rf"X: '{text}' is not a duration in milliseconds; .*60000"):
        milliseconds("X", 60_000, {"X": text})
