"""The OTEL_* variables that decide what is exported at all; read without importing OpenTelemetry.

    OTEL_SDK_DISABLED=true                        nothing
    OTEL_<SIGNAL>_EXPORTER=otlp,console           exactly these; `none` is none
    otherwise, OTEL_EXPORTER_OTLP_ENDPOINT or
    OTEL_EXPORTER_OTLP_<SIGNAL>_ENDPOINT set      otlp
    otherwise                                     nothing

<SIGNAL> is TRACES, METRICS or LOGS. Endpoints, headers, certificates, compression and batch sizes are read by the
OpenTelemetry exporters themselves. Not read: OTEL_PROPAGATORS (W3C trace context on every hop) and OTEL_CONFIG_FILE.
Source: OpenTelemetry specification, SDK environment variables and OTLP exporter configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ..core.errors import ConfigError
from ..core.suggest import did_you_mean

Signal = Literal["TRACES", "METRICS", "LOGS"]

_EXPORTERS: dict[Signal, tuple[str, ...]] = {
    "TRACES": ("otlp", "console"),
    # The Prometheus endpoint is always there, so asking for it is fulfilled already.
    "METRICS": ("otlp", "console", "prometheus"),
    "LOGS": ("otlp",),
}
PROTOCOL = "http/protobuf"


def exporters(signal: Signal, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The exporters asked for, without repetitions, in order: `otlp` and `console`.

    Raises: ConfigError: an exporter or an OTLP protocol that is not supported.
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ()
    variable = f"OTEL_{signal}_EXPORTER"
    chosen = list(
        dict.fromkeys(name for part in environ.get(variable, "").split(",") if (name := part.strip().lower()))
    )
    if not chosen and _endpoint(signal, environ):
        chosen = ["otlp"]
    for name in chosen:
        if name not in (*_EXPORTERS[signal], "none"):
            raise ConfigError(
                f"there is no exporter {name!r}", where=variable, fix=did_you_mean(name, (*_EXPORTERS[signal], "none"))
            )
    if "otlp" in chosen:
        _check_protocol(signal, environ)
        _check_temporality(signal, environ)
    return tuple(name for name in chosen if name not in ("none", "prometheus"))


def milliseconds(variable: str, default: float, environ: Mapping[str, str]) -> float:
    """A positive duration from a variable in milliseconds, as seconds.

    Args: default: Milliseconds when the variable is unset.
    Raises: ConfigError: not a positive number.
    """
    text = environ.get(variable, "").strip()
    try:
        value = float(text) if text else default
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise ConfigError(
            f"{text!r} is not a duration in milliseconds",
            where=variable,
            fix=f"give a number above 0, such as {default:.0f}",
        )
    return value / 1000


def _endpoint(signal: Signal, environ: Mapping[str, str]) -> bool:
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    return any(environ.get(name, "").strip() for name in names)


def _check_protocol(signal: Signal, environ: Mapping[str, str]) -> None:
    for variable in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        protocol = environ.get(variable, "").strip().lower()
        if not protocol:
            continue
        if protocol != PROTOCOL:
            raise ConfigError(
                f"OTLP over {protocol!r} is not supported",
                where=variable,
                fix=f"set it to {PROTOCOL}; collectors listen for that on port 4318",
            )
        return


def _check_temporality(signal: Signal, environ: Mapping[str, str]) -> None:
    variable = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
    preference = environ.get(variable, "").strip().lower()
    if signal == "METRICS" and preference not in ("", "cumulative"):
        raise ConfigError(
            f"{preference!r} temporality is not supported",
            where=variable,
            fix="unset it; a collector's cumulativetodelta processor converts for backends that need deltas",
        )
