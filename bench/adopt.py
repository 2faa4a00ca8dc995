"""An adopted application: FastAPI as a service of `calve run`, beside the same application on bare uvicorn.

Bare uvicorn is taken in both forms: as it installs itself (h11, asyncio), and with httptools and uvloop. An ASGI
function that does next to nothing shows what adoption itself costs: a context for each request, metrics by route,
tasks with an owner, exceptions contained. Nothing of Calve is switched off.

Every server is one process that serves (beside Calve's, a supervisor), all on one core, the client on another. All
stand ready and take turns, each round going through all of them. 64 keep-alive connections, a request in flight on
each.

    python -m bench.adopt                              all of it
    python -m bench.adopt serve "fastapi calve"        one server, in the place of this process; prints its port
    python -m bench.adopt load 8000                    one client, prints its figures
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import uvloop

from .common import Result, cpu_seconds, medians, pin, result, show
from .http_load import closed_loop, request
from .messages import BODY, PATH

ROUNDS = 7
SECONDS = 2.0
CONNECTIONS = 64
SERVER_CORE, CLIENT_CORE = 0, 1

OURS, PLAIN, FAST = "fastapi calve", "fastapi uvicorn h11", "fastapi uvicorn"
OUR_BARE, FAST_BARE = "bare calve", "bare uvicorn"
STACKS = (OURS, FAST, PLAIN, OUR_BARE, FAST_BARE)

TOML = """\
[app]
name = "guest"
services = []

[service.guest]
asgi = "bench.peers.rest_{app}:app"

[http]
port = 0
"""


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
    claim = f"adopted FastAPI, {CONNECTIONS} connections, requests/s"
    standard = "on uvicorn with httptools and uvloop"
    added = 1e6 / economy[OUR_BARE] - 1e6 / economy[FAST_BARE]
    return [
        result(f"{claim}: share of the same app on bare uvicorn", rate[OURS] / rate[PLAIN], "ratio", ">= 0.9", rate),
        result(f"{claim}: share of the same {standard}", rate[OURS] / rate[FAST], "ratio", ">= 0.9", rate),
        result(
            f"adopted FastAPI, requests per CPU second: share of the same {standard}",
            economy[OURS] / economy[FAST],
            "ratio",
            "",
            economy,
        ),
        result(f"adopted ASGI function, CPU time of a request: added to that {standard}", added, "us", "", economy),
        result(f"adopted FastAPI, {CONNECTIONS} connections, p50", latency[OURS], "ms", "", latency),
    ]


@contextlib.contextmanager
def _server(name: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        command = [sys.executable, "-m", "bench.adopt", "serve", name, folder]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            yield Server(_port(process), process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)


def _port(process: subprocess.Popen[str]) -> int:
    """Where it listens, from what it writes once it does."""
    assert process.stderr is not None
    for line in process.stderr:
        if match := re.search(r"(?:ready|running) on http://127\.0\.0\.1:(\d+)", line):
            return int(match[1])
    raise RuntimeError("it did not become ready")


def _load(server: Server) -> dict[str, float]:
    before = cpu_seconds([server.pid])
    command = [sys.executable, "-m", "bench.adopt", "load", str(server.port)]
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


def _serve_by_calve(app: str, folder: Path) -> None:
    (folder / "calve.toml").write_text(TOML.format(app=app))
    environ = {**os.environ, "PYTHONPATH": os.getcwd(), "CALVE_LOG_FORMAT": "console", "TMPDIR": "/tmp"}
    os.chdir(folder)
    os.execve(sys.executable, [sys.executable, "-m", "calve", "run"], environ)


def _serve_by_uvicorn(app: str, *, standard: bool) -> None:
    """By its own command line, so that it opens its socket itself."""
    loop, http = ("uvloop", "httptools") if standard else ("asyncio", "h11")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = ["--port", str(port), "--loop", loop, "--http", http, "--no-access-log"]
    os.execv(sys.executable, [sys.executable, "-m", "uvicorn", *options, f"bench.peers.rest_{app}:app"])


def main(arguments: list[str]) -> None:
    """The three forms of the module's docstring."""
    match arguments:
        case ["serve", name, *folder]:
            pin(0, SERVER_CORE)
            match name.split():
                case [app, "calve"]:
                    _serve_by_calve(app, Path(folder[0] if folder else tempfile.mkdtemp()))
                case [app, "uvicorn", *parser]:
                    _serve_by_uvicorn(app, standard=not parser)
        case ["load", port]:
            pin(0, CLIENT_CORE)
            print(json.dumps(uvloop.run(_drive(int(port)))))
        case _:
            show("adopt", run())


if __name__ == "__main__":
    main(sys.argv[1:])
