"""REST: our edge beside the limit (a bare ASGI function with msgspec on the same server) and FastAPI on uvicorn.

Servers and the load generator are processes of their own, each pinned to a core; all servers stand ready (an idle one
costs nothing) and take turns, a round going through all of them. 64 keep-alive connections, a request in flight on
each. The bare function is served by granian's own worker process, as its documentation says; ours by granian embedded
in its loop.

    python -m bench.rest                            all of it
    python -m bench.rest serve "calve granian" 0    one server, prints its port
    python -m bench.rest load 8000 64               one client, prints its figures
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

import uvloop

from calve.transport.rest import AsgiApp, HttpServer
from calve.transport.rest.server import ServerKind

from .common import Result, medians, pin, result, show
from .http_load import closed_loop, request
from .rest_messages import BODY, PATH

ROUNDS = 5
SECONDS = 2.0
CONNECTIONS = 64
SERVER_CORE, CLIENT_CORE = 0, 1

STACKS = ("calve granian", "calve uvicorn", "bare granian", "bare uvicorn", "fastapi uvicorn")


def run() -> list[Result]:
    """Measure everything."""
    with contextlib.ExitStack() as servers:
        ports = {name: servers.enter_context(_server(name)) for name in STACKS}
        rates, latencies = [], []
        for _ in range(ROUNDS):
            figures = {name: _load(port) for name, port in ports.items()}
            rates.append({name: figure["requests_per_second"] for name, figure in figures.items()})
            latencies.append({name: figure["p50_ms"] for name, figure in figures.items()})
    return _results(medians(rates), medians(latencies))


def _results(rate: dict[str, float], latency: dict[str, float]) -> list[Result]:
    ours = f"REST, {CONNECTIONS} connections, requests/s"
    return [
        result(
            f"{ours}: times FastAPI on uvicorn", rate["calve granian"] / rate["fastapi uvicorn"], "ratio", ">= 4", rate
        ),
        result(
            f"{ours}: share of a bare ASGI function on granian",
            rate["calve granian"] / rate["bare granian"],
            "ratio",
            ">= 0.7",
            rate,
        ),
        result(f"REST, {CONNECTIONS} connections, p50", latency["calve granian"], "ms", "", latency),
    ]


@contextlib.contextmanager
def _server(name: str) -> Iterator[int]:
    command = [sys.executable, "-m", "bench.rest", "serve", name, "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        _wait_for(port)
        yield port
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


def _load(port: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.rest", "load", str(port), str(CONNECTIONS)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


async def _drive(port: int, connections: int) -> dict[str, float]:
    requests = itertools.repeat(request(port, "POST", PATH, BODY))
    await closed_loop(requests, SECONDS / 5, connections)  # warm-up
    load = await closed_loop(requests, SECONDS, connections)
    assert not load.failures, f"{load.failures} of {load.requests} requests failed"
    return {"requests_per_second": load.requests / load.seconds, "p50_ms": load.percentile(50)}


async def _serve(app: AsgiApp, port: int, kind: ServerKind) -> None:
    server = HttpServer(app, host="127.0.0.1", port=port, kind=kind)
    await server.start()
    print(server.port, flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await server.stop(1)


async def _serve_ours(port: int, kind: ServerKind) -> None:
    from .peers import rest_calve

    await _serve(rest_calve.make(), port, kind)


def _serve_by_granian(app: str) -> None:
    """The peer's own way: a worker process, which inherits the core it is pinned to."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    print(port, flush=True)
    options = ["--interface", "asginl", "--port", str(port), "--no-ws", "--loop", "uvloop", "--backlog", "1024"]
    os.execv(sys.executable, [sys.executable, "-m", "granian", *options, "--no-log", app])  # the supervisor stays ours


def _serve_by_uvicorn(app: str) -> None:
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(app, loop="uvloop", http="httptools", log_level="warning", access_log=False)
    uvicorn.Server(config).run([listener])


def main(arguments: list[str]) -> None:
    """The three forms of the module's docstring."""
    match arguments:
        case ["serve", name, port]:
            pin(0, SERVER_CORE)
            match name.split():
                case ["calve", "granian" | "uvicorn" as kind]:
                    uvloop.run(_serve_ours(int(port), kind))
                case [peer, "granian"]:
                    _serve_by_granian(f"bench.peers.rest_{peer}:app")
                case [peer, _]:
                    _serve_by_uvicorn(f"bench.peers.rest_{peer}:app")
        case ["load", port, connections]:
            pin(0, CLIENT_CORE)
            print(json.dumps(uvloop.run(_drive(int(port), int(connections)))))
        case _:
            show("rest", run())


if __name__ == "__main__":
    main(sys.argv[1:])
