"""REST: our edge beside the limit (a bare ASGI function with msgspec on the same server) and FastAPI on uvicorn.

Servers and the load generator are processes of their own, each pinned to a core; all servers stand ready (an idle one
costs nothing) and take turns, a round going through all of them. 64 keep-alive connections, a request in flight on
each. The bare function is served by granian's own worker process, as its documentation says; ours by granian embedded
in its loop. uvicorn is taken in both forms: as it installs itself (h11, asyncio), and with httptools and uvloop.

    python -m bench.rest                            all of it
    python -m bench.rest serve "calve granian"      one server, prints its port
    python -m bench.rest load 8000                  one client, prints its figures
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

import uvloop

from calve.transport.rest import AsgiApp, HttpServer
from calve.transport.rest.server import ServerKind

from .common import Result, cpu_seconds, medians, pin, result, show
from .http_load import closed_loop, request
from .messages import BODY, PATH

ROUNDS = 5
SECONDS = 2.0
CONNECTIONS = 64
SERVER_CORE, CLIENT_CORE = 0, 1

OURS, BARE, OTHER_BARE = "calve calve", "bare calve", "bare granian"
PLAIN, FAST = "fastapi uvicorn h11", "fastapi uvicorn"
STACKS = (OURS, "calve granian", BARE, OTHER_BARE, "bare uvicorn", PLAIN, FAST)


class Server(NamedTuple):
    """A running one."""

    port: int
    pid: int


def run() -> list[Result]:
    """Measure everything."""
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(_server(name)) for name in STACKS}
        rounds = [{name: _load(server) for name, server in servers.items()} for _ in range(ROUNDS)]
    rate, latency, economy = (
        medians({name: figures[which] for name, figures in one.items()} for one in rounds)
        for which in ("per_second", "p50_ms", "per_cpu_second")
    )
    claim = f"REST, {CONNECTIONS} connections, requests/s"
    standard = "FastAPI on uvicorn with httptools and uvloop"
    return [
        result(f"{claim}: times FastAPI on uvicorn as installed", rate[OURS] / rate[PLAIN], "ratio", ">= 4", rate),
        result(f"{claim}: times {standard}", rate[OURS] / rate[FAST], "ratio", ">= 4", rate),
        result(
            f"{claim}: share of a bare ASGI function on the same server",
            rate[OURS] / rate[BARE],
            "ratio",
            ">= 0.7",
            rate,
        ),
        result(
            f"{claim}: share of a bare ASGI function on granian", rate[OURS] / rate[OTHER_BARE], "ratio", ">= 0.7", rate
        ),
        result(
            f"REST, requests per CPU second of the server: times {standard}",
            economy[OURS] / economy[FAST],
            "ratio",
            "",
            economy,
        ),
        result(f"REST, {CONNECTIONS} connections, p50", latency[OURS], "ms", "", latency),
    ]


@contextlib.contextmanager
def _server(name: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "bench.rest", "serve", name]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        _wait_for(port)
        yield Server(port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def _wait_for(port: int) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def _load(server: Server) -> dict[str, float]:
    before = cpu_seconds([server.pid])
    command = [sys.executable, "-m", "bench.rest", "load", str(server.port)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    figures["per_cpu_second"] = figures.pop("requests") / (cpu_seconds([server.pid]) - before)
    return figures


async def _drive(port: int) -> dict[str, float]:
    requests = itertools.repeat(request(port, "POST", PATH, BODY))
    warm_up = await closed_loop(requests, SECONDS / 5, CONNECTIONS)
    load = await closed_loop(requests, SECONDS, CONNECTIONS)
    assert not load.failures, f"{load.failures} of {load.requests} requests failed"
    return {
        "per_second": load.requests / load.seconds,
        "p50_ms": load.percentile(50),
        "requests": warm_up.requests + load.requests,
    }


async def _serve(app: AsgiApp, kind: ServerKind) -> None:
    server = HttpServer(app, host="127.0.0.1", port=0, kind=kind)
    await server.start()
    print(server.port, flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await server.stop(1)


async def _serve_calve(kind: ServerKind) -> None:
    from .peers import rest_calve

    await _serve(rest_calve.make(), kind)


async def _serve_bare() -> None:
    from .peers import rest_bare

    await _serve(rest_bare.app, "calve")


def _serve_by_granian(app: str) -> None:
    """The peer's own way: a supervisor, this process, and a worker, which inherits the core."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    print(port, flush=True)
    options = ["--interface", "asginl", "--port", str(port), "--no-ws", "--loop", "uvloop", "--backlog", "1024"]
    os.execv(sys.executable, [sys.executable, "-m", "granian", *options, "--no-log", app])


def _serve_by_uvicorn(app: str, *, standard: bool) -> None:
    import uvicorn

    # Its protocol said, as by uvicorn's own command line: asyncio switches Nagle's algorithm off for no other socket.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    loop, http = ("uvloop", "httptools") if standard else ("asyncio", "h11")
    uvicorn.Server(uvicorn.Config(app, loop=loop, http=http, log_level="warning", access_log=False)).run([listener])


def main(arguments: list[str]) -> None:
    """The three forms of the module's docstring."""
    match arguments:
        case ["serve", name]:
            pin(0, SERVER_CORE)
            match name.split():
                case ["calve", "calve" | "granian" | "uvicorn" as kind]:
                    uvloop.run(_serve_calve(kind))
                case ["bare", "calve"]:
                    uvloop.run(_serve_bare())
                case [peer, "granian"]:
                    _serve_by_granian(f"bench.peers.rest_{peer}:app")
                case [peer, "uvicorn", *parser]:
                    _serve_by_uvicorn(f"bench.peers.rest_{peer}:app", standard=not parser)
        case ["load", port]:
            pin(0, CLIENT_CORE)
            print(json.dumps(uvloop.run(_drive(int(port)))))
        case _:
            show("rest", run())


if __name__ == "__main__":
    main(sys.argv[1:])
