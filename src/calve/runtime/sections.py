"""Calve's own sections of calve.toml, each option documented where it is declared.

`settings_table()` is the whole reference: name, type, default, unit, help, environment variable. The docs are generated
from it, so an option without a help text fails a test.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from ..core.settings import SettingRow, Settings, describe_settings, option

NAME_PATTERN = r"^[a-z][a-z0-9_-]{0,39}$"
"""Names of applications, topologies and units: they become file names, socket paths and labels."""

ADDRESS_PATTERN = r"^(unix:.+|(tcp|tls)://(\[[0-9A-Fa-f:.]+\]|[^:/\s]+):[0-9]{1,5})$"

Address = Annotated[str, msgspec.Meta(pattern=ADDRESS_PATTERN)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class AppSettings(Settings):
    """`[app]`: what this project is."""

    name: Annotated[
        str, option("name of the application: lower case, digits, '-' and '_', at most 40", pattern=NAME_PATTERN)
    ]
    version: Annotated[str, option("version of the application, shown in its OpenAPI document")] = "0.1.0"
    description: Annotated[str, option("text at the head of the OpenAPI document")] = ""
    services: Annotated[
        tuple[str, ...], option("dotted names of the services' packages; the last part names the service", min_length=1)
    ]
    middleware: Annotated[
        tuple[str, ...], option('code around every operation, outermost first, as "module:Class" or "module:function"')
    ] = ()


class StoreSettings(Settings):
    """`[store]`: where services keep their data."""

    url: Annotated[
        str, option("database of a service; {service} is its name, a relative path starts at calve.toml's folder")
    ] = "sqlite:///data/{service}.db"


class HttpSettings(Settings):
    """`[http]`: the REST edge."""

    host: Annotated[str, option("address to listen on; 0.0.0.0 for all of the machine's", min_length=1)] = "127.0.0.1"
    port: Annotated[Port, option("port of the edge unit; the others get the ports after it; 0 picks free ones")] = 8000
    server: Annotated[Literal["granian", "uvicorn"], option("HTTP server under the edge")] = "granian"
    edge: Annotated[
        str | None, option("unit that serves REST for all services; the first of the topology when not set")
    ] = None
    authenticator: Annotated[
        str | None, option('who a request is made for, as "module:Class" or "module:function"; nobody when not set')
    ] = None
    body_bytes_max: Annotated[int, option("largest request body", unit="bytes", ge=0)] = 1 << 20
    nesting_max: Annotated[int, option("deepest nesting of a JSON body", unit="levels", ge=1, le=500)] = 64


class WireSettings(Settings):
    """`[wire]`: calls between units."""

    listen: Annotated[
        Address | None, option("address a unit listens on when it runs alone: unix:, tcp:// or tls://")
    ] = None
    frame_bytes_max: Annotated[int, option("largest frame, hence message", unit="bytes", ge=1024)] = 16 << 20
    calls_max: Annotated[int, option("calls in flight on one connection", unit="calls", ge=1)] = 1024
    tls_cert: Annotated[Path | None, option("certificate of this unit, PEM")] = None
    tls_key: Annotated[Path | None, option("private key of this unit, PEM")] = None
    tls_ca: Annotated[Path | None, option("authority that both sides' certificates must come from, PEM")] = None


class DiscoverySettings(Settings):
    """`[discovery]`: where the other units are."""

    file: Annotated[
        Path | None, option('JSON file of addresses, watched: {"services": {"wallet": ["tcp://money:7000"]}}')
    ] = None


class LogSettings(Settings):
    """`[log]`: what is written about the run."""

    level: Annotated[Literal["debug", "info", "warning", "error"], option("least severe record that is written")] = (
        "info"
    )
    format: Annotated[
        Literal["auto", "console", "json"], option("form of a record; auto is console on a terminal, else json")
    ] = "auto"


class RunSettings(Settings):
    """`[run]`: starting, watching and stopping units."""

    topology: Annotated[str, option("topology when --topology is not given")] = "one"
    grace_seconds: Annotated[
        float, option("how long calls in flight may go on when a unit stops", unit="seconds", ge=0, le=3600)
    ] = 10.0
    drain_delay_seconds: Annotated[
        float, option("how long a stopping unit is unready but still accepts calls", unit="seconds", ge=0, le=600)
    ] = 0.0
    ready_seconds: Annotated[
        float, option("how long a unit may take to become ready before it is restarted", unit="seconds", gt=0, le=3600)
    ] = 60.0
    restart_delay_seconds: Annotated[
        float, option("pause before the first restart; doubles with each one in a row", unit="seconds", gt=0, le=600)
    ] = 0.5
    restart_delay_seconds_max: Annotated[
        float, option("longest pause before a restart", unit="seconds", gt=0, le=3600)
    ] = 30.0
    stable_seconds: Annotated[
        float,
        option("how long a unit has to stay up for its restarts to count as over", unit="seconds", ge=0, le=86400),
    ] = 60.0


class UnitSettings(Settings):
    """`[unit.<name>]`: one unit."""

    replicas: Annotated[int, option("processes that `calve run` starts of it", unit="processes", ge=1, le=64)] = 1
    listen: Annotated[Address | None, option("like [wire] listen, for this unit alone")] = None
    http_port: Annotated[Port | None, option("HTTP port of this unit, instead of one counted from [http] port")] = None


SECTIONS: dict[str, type[Settings]] = {
    "app": AppSettings,
    "store": StoreSettings,
    "http": HttpSettings,
    "wire": WireSettings,
    "discovery": DiscoverySettings,
    "log": LogSettings,
    "run": RunSettings,
    "unit.<name>": UnitSettings,
}


def settings_table() -> list[SettingRow]:
    """Every option of Calve itself, in the order of the sections above."""
    return [row for section, kind in SECTIONS.items() for row in describe_settings(section, kind)]
