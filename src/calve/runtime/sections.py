"""Calve's own sections of calve.toml, each option documented where it is declared.

`settings_table()` is the whole reference: name, type, default, unit, help, environment variable. The docs are generated
from it, so an option without a help text fails a test.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from ..core.policy import Policy
from ..core.settings import Secret, SettingRow, Settings, describe_settings, option

NAME_PATTERN = r"^[a-z][a-z0-9_-]{0,39}$"
"""Names of applications, topologies and units: they become file names, socket paths and labels."""

NAMES_PATTERN = r"^(dns|srv)(\+tls)?://[A-Za-z0-9_.{}-]+(:[0-9]{1,5})?$"
NAMESERVER_PATTERN = r"^(\[[0-9A-Fa-f:.]+\]|[0-9.]+):[0-9]{1,5}$"
ADDRESS_PATTERN = r"^(unix:.+|(tcp|tls)://(\[[0-9A-Fa-f:.]+\]|[^:/\s]+):[0-9]{1,5})$"

MOUNT_PATTERN = r"^(/|(/[A-Za-z0-9._~-]+)+)$"

Names = Annotated[str, msgspec.Meta(pattern=NAMES_PATTERN)]
NameServer = Annotated[str, msgspec.Meta(pattern=NAMESERVER_PATTERN)]
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
        tuple[str, ...], option("dotted names of the services' packages; the last part names the service")
    ] = ()
    middleware: Annotated[
        tuple[str, ...], option('code around every operation, outermost first, as "module:Class" or "module:function"')
    ] = ()
    strict: Annotated[
        bool,
        option("refuse calls that no constructor declares; `calve check` asks for the owner of each service"),
    ] = False


class StoreSettings(Settings):
    """`[store]`: where services keep their data."""

    url: Annotated[
        str,
        option(
            "database of a service: sqlite:///path, from calve.toml's folder, or postgresql://role@host/database;"
            " {service} is its name"
        ),
    ] = "sqlite:///data/{service}.db"
    password: Annotated[Secret | None, option("password of the role on the PostgreSQL server")] = None
    connections_max: Annotated[
        int, option("connections of one service in one process to PostgreSQL", unit="connections", ge=1, le=1000)
    ] = 10
    hold_seconds_max: Annotated[
        float, option("longest time for one transaction; then it is rolled back", unit="seconds", gt=0, le=3600)
    ] = 30.0
    idempotency_hours: Annotated[
        float,
        option("how long a command's answer is kept under its idempotency key", unit="hours", gt=0, le=24 * 365),
    ] = 24.0


class EventSettings(Settings):
    """`[events]`: what services tell each other."""

    retention_hours: Annotated[
        float,
        option("how long published events are kept, at least; longer for consumers behind", unit="hours", gt=0),
    ] = 72.0
    attempts_max: Annotated[
        int, option("how often an event is tried before its key is parked", unit="attempts", ge=1, le=1000)
    ] = 8


class HttpSettings(Settings):
    """`[http]`: the REST edge."""

    host: Annotated[str, option("address to listen on; 0.0.0.0 for all of the machine's", min_length=1)] = "127.0.0.1"
    port: Annotated[Port, option("port of the edge unit; the others get the ports after it; 0 picks free ones")] = 8000
    server: Annotated[Literal["calve", "granian", "uvicorn"], option("HTTP server under the edge")] = "calve"
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
    dns: Annotated[
        Names | None,
        option("name of every unit, or {service}, where there is no file: dns://{unit}.default.svc:7000"),
    ] = None
    nameserver: Annotated[
        NameServer | None, option("address and port of the name server to ask; the system's when not set")
    ] = None
    addresses_max: Annotated[
        int, option("addresses of one name that are used; of more, some at random", unit="addresses", ge=1, le=1000)
    ] = 64


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
    loop_blocked_seconds: Annotated[
        float, option("how long the event loop may be blocked before that is logged; 0 for never", unit="seconds", ge=0)
    ] = 1.0
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
    heartbeat_seconds: Annotated[
        float, option("how often a unit is asked for a sign of life", unit="seconds", gt=0, le=600)
    ] = 2.0
    heartbeats_missed_max: Annotated[
        int, option("signs of life in a row that a unit may owe before it is killed and restarted", ge=1, le=1000)
    ] = 15


class RolloutSettings(Settings):
    """`[rollout]`: replacing the processes of a unit one by one."""

    watch_seconds: Annotated[
        float, option("how long a new process is watched before its predecessor goes", unit="seconds", ge=0, le=3600)
    ] = 1.0
    errors_max: Annotated[
        float, option("share of calls that a new process may fail beyond what its predecessor failed", ge=0, le=1)
    ] = 0.1
    drain_delay_seconds: Annotated[
        float,
        option(
            "how long a replaced process still serves while it sends its clients away", unit="seconds", ge=0, le=600
        ),
    ] = 0.5
    handover_seconds: Annotated[
        float,
        option(
            "how long each side may take to hand over files that one process may open", unit="seconds", gt=0, le=600
        ),
    ] = 5.0


class UnitSettings(Settings):
    """`[unit.<name>]`: one unit."""

    replicas: Annotated[int, option("processes that `calve run` starts of it", unit="processes", ge=1, le=64)] = 1
    listen: Annotated[Address | None, option("like [wire] listen, for this unit alone")] = None
    http_port: Annotated[
        Port | None, option("HTTP port of all replicas of this unit, instead of one counted from [http] port")
    ] = None


class ServiceSettings(Settings):
    """`[service.<name>]`: what Calve itself wants to know of a service, beside the service's own settings."""

    store_url: Annotated[str | None, option("like [store] url, for this service alone")] = None
    store_password: Annotated[Secret | None, option("like [store] password, for this service alone")] = None
    owner: Annotated[str, option("team that answers for the service, such as team-payments", max_length=100)] = ""


class Accepted(Settings):
    """`[[check.accept]]`: a violation that is meant to be there."""

    rule: Annotated[str, msgspec.Meta(min_length=1)]
    what: Annotated[str, msgspec.Meta(min_length=1)]
    """As `calve check` shows it, between quotation marks."""
    reason: Annotated[str, msgspec.Meta(min_length=1)]


class PolicySettings(Policy):
    """`[policy]` and the tables below it: what callers do when calls fail."""

    fallback: Annotated[
        str | None, option('answer of a query that gets none, or a function of its arguments, as "module:attribute"')
    ] = None


class CheckSettings(Settings):
    """`[check]`: the rules of `calve check`."""

    shared: Annotated[
        tuple[str, ...], option("modules and packages that belong to no service and that every service may import")
    ] = ()
    call_chain_max: Annotated[
        int, option("longest chain of calls that wait for each other, from service to service", unit="calls", ge=1)
    ] = 3
    accept: Annotated[
        tuple[Accepted, ...], option("violations that are meant: tables [[check.accept]] of rule, what and reason")
    ] = ()


class AdoptedSettings(ServiceSettings):
    """`[service.<name>]` with `asgi` or `wsgi`: an existing application as a service."""

    asgi: Annotated[str | None, option('ASGI application that becomes a service, as "module:attribute"')] = None
    wsgi: Annotated[str | None, option('WSGI application that becomes a service, as "module:attribute"')] = None
    mount: Annotated[
        str, option("path below which it gets every request that no contract claims", pattern=MOUNT_PATTERN)
    ] = "/"
    calls: Annotated[
        tuple[str, ...], option("services whose contracts it calls; they start before it and stop after it")
    ] = ()
    openapi: Annotated[
        str | None,
        option(
            "path of its own OpenAPI document, which is merged into that of the unit; '' for none; "
            "unless set, /openapi.json of an ASGI application"
        ),
    ] = None
    threads: Annotated[int, option("requests that a WSGI application handles at once", unit="threads", ge=1)] = 16
    startup_seconds: Annotated[
        float, option("how long its lifespan startup may take", unit="seconds", gt=0, le=3600)
    ] = 30.0


class RemoteSettings(ServiceSettings):
    """`[service.<name>]` with `url`: a contract that somebody else's HTTP service fulfils."""

    url: Annotated[
        str, option("where the HTTP service is, such as https://geo.example/v1", pattern=r"^https?://[^/?#]")
    ]
    contract: Annotated[str, option('the contract it fulfils, as "module:Class"')]
    token: Annotated[Secret | None, option("bearer token that goes with every request")] = None


SECTIONS: dict[str, type[Settings]] = {
    "app": AppSettings,
    "store": StoreSettings,
    "events": EventSettings,
    "http": HttpSettings,
    "wire": WireSettings,
    "discovery": DiscoverySettings,
    "log": LogSettings,
    "run": RunSettings,
    "rollout": RolloutSettings,
    "unit.<name>": UnitSettings,
    "service.<name>": ServiceSettings,
    "check": CheckSettings,
    "policy.<service>.<operation>": PolicySettings,
    "service.<adopted>": AdoptedSettings,
    "service.<remote>": RemoteSettings,
}


def settings_table() -> list[SettingRow]:
    """Every option of Calve itself, in the order of the sections above."""
    return [row for section, kind in SECTIONS.items() for row in describe_settings(section, kind)]
