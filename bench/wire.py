"""Wire calls: ours over each kind of socket, beside the limit (a bare loop) and grpc.aio.

Server and client are processes of their own, each pinned to a core; all servers stand ready (an idle one costs
nothing), the clients run one after the other, and every round goes through all stacks, so that a slow minute of the
machine hits all of them. Figures are medians over the rounds: calls per second with 64 in flight, and the median
latency with one.

    python -m bench.wire                                        all of it
    python -m bench.wire serve calve tcp://127.0.0.1:0          one server, prints its address
    python -m bench.wire load calve tcp://127.0.0.1:7400 64     one client, prints its figures
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop

from calve.testing.certificates import Authority

from .common import Result, medians, pin, result, show

ROUNDS = 3
SECONDS = 2.0
IN_FLIGHT = 64
SERVER_CORE, CLIENT_CORE = 0, 1

STACKS = {
    "bare tcp": ("bare", "tcp://127.0.0.1:0"),
    "bare unix": ("bare", "unix:{folder}/bare.sock"),
    "calve tcp": ("calve", "tcp://127.0.0.1:0"),
    "calve unix": ("calve", "unix:{folder}/calve.sock"),
    "calve tls": ("calve", "tls://127.0.0.1:0"),
    "grpc.aio": ("grpc", "tcp://127.0.0.1:0"),
}


def run() -> list[Result]:
    """Measure everything."""
    with tempfile.TemporaryDirectory() as folder:
        Authority.new().options(Path(folder), "127.0.0.1")
        os.environ["CALVE_BENCH_CERTIFICATES"] = folder
        with contextlib.ExitStack() as servers:
            addresses = {
                name: servers.enter_context(_server(kind, address.format(folder=folder)))
                for name, (kind, address) in STACKS.items()
            }
            many, one = [], []
            for _ in range(ROUNDS):
                figures = {name: _load(STACKS[name][0], address, IN_FLIGHT) for name, address in addresses.items()}
                many.append({name: figure["calls_per_second"] for name, figure in figures.items()})
                figures = {name: _load(STACKS[name][0], address, 1) for name, address in addresses.items()}
                one.append({name: figure["p50_us"] for name, figure in figures.items()})
    return _results(medians(many), medians(one))


def _results(rate: dict[str, float], latency: dict[str, float]) -> list[Result]:
    results = []
    for kind in ("tcp", "unix"):
        ours, bare = f"calve {kind}", f"bare {kind}"
        claim = f"wire over {kind}, {IN_FLIGHT} in flight, calls/s: share of the bare loop"
        results.append(result(claim, rate[ours] / rate[bare], "ratio", ">= 0.5", rate))
        claim = f"wire over {kind}, 1 in flight, p50 us: times the bare loop"
        results.append(result(claim, latency[ours] / latency[bare], "ratio", "<= 1.5", latency))
    claim = f"wire over tcp, {IN_FLIGHT} in flight, calls/s: times grpc.aio"
    results.append(result(claim, rate["calve tcp"] / rate["grpc.aio"], "ratio", ">= 12", rate))
    claim = "wire over tcp, 1 in flight, p50 us: share of grpc.aio"
    results.append(result(claim, latency["calve tcp"] / latency["grpc.aio"], "ratio", "<= 0.3333", latency))
    claim = f"wire over tls, {IN_FLIGHT} in flight, calls/s: share of plain tcp"
    results.append(result(claim, rate["calve tls"] / rate["calve tcp"], "ratio", ">= 0.75", rate))
    claim = "wire over tls, 1 in flight, p50 us: times plain tcp"
    results.append(result(claim, latency["calve tls"] / latency["calve tcp"], "ratio", "<= 1.25", latency))
    return results


@contextlib.contextmanager
def _server(kind: str, address: str) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.wire", "serve", kind, address], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(10)


def _load(kind: str, address: str, in_flight: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.wire", "load", kind, address, str(in_flight)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


async def _drive(kind: str, address: str, in_flight: int) -> dict[str, float]:
    """Call as fast as answers come, from so many tasks, for `SECONDS`."""
    call = await importlib.import_module(f"bench.peers.wire_{kind}").connect(address)
    latencies: list[float] = []
    clock = time.perf_counter

    async def worker(until: float) -> None:
        now = clock()
        while now < until:
            before = now
            await call()
            now = clock()
            latencies.append(now - before)

    await asyncio.gather(*(worker(clock() + SECONDS / 5) for _ in range(in_flight)))  # warm-up
    latencies.clear()
    started, used = clock(), time.process_time()
    await asyncio.gather(*(worker(started + SECONDS) for _ in range(in_flight)))
    took = clock() - started
    used = time.process_time() - used
    latencies.sort()
    calls = len(latencies)
    return {
        "calls": calls,
        "calls_per_second": calls / took,
        "p50_us": latencies[calls // 2] * 1e6,
        "client_cpu_us": used / calls * 1e6,
    }


async def _serve(kind: str, address: str) -> None:
    module: Any = importlib.import_module(f"bench.peers.wire_{kind}")
    await module.serve(address, lambda bound: print(bound, flush=True))


def main(arguments: list[str]) -> None:
    """The three forms of the module's docstring."""
    match arguments:
        case ["serve", kind, address]:
            pin(0, SERVER_CORE)
            uvloop.run(_serve(kind, address))
        case ["load", kind, address, in_flight]:
            pin(0, CLIENT_CORE)
            figures = uvloop.run(_drive(kind, address, int(in_flight)))
            print(json.dumps(figures))
            sys.stdout.flush()
            os._exit(0)  # no stack is asked to hang up nicely
        case _:
            show("wire", run())


if __name__ == "__main__":
    main(sys.argv[1:])
