"""Wire calls: ours over each kind of socket, beside the limit (a bare loop) and grpc.aio.

Every stack has a server and a client process, each pinned to a core and all ready from the start; then they take turns
of half a second, round after round, so that a slow second of the machine hits neighbours alike. A ratio is taken in
each round and its median over the rounds is the result: calls per second with 64 in flight, median latency with one.

    python -m bench.wire                                        all of it
    python -m bench.wire serve calve tcp://127.0.0.1:0          one server, prints its address
    python -m bench.wire load calve tcp://127.0.0.1:7400 64     one client; prints figures for each line it reads
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvloop

from calve.testing.certificates import Authority

from .common import Result, medians, pin, result, show

ROUNDS = 9
SECONDS = 0.5
IN_FLIGHT = 64
SERVER_CORE, CLIENT_CORE = 0, 1

STACKS = {
    "bare tcp": ("bare", "tcp://127.0.0.1:0"),
    "calve tcp": ("calve", "tcp://127.0.0.1:0"),
    "calve tls": ("calve", "tls://127.0.0.1:0"),
    "bare unix": ("bare", "unix:{folder}/bare.sock"),
    "calve unix": ("calve", "unix:{folder}/calve.sock"),
    "grpc.aio": ("grpc", "tcp://127.0.0.1:0"),
}

Figures = dict[str, float]
Load = Callable[[], Figures]


def run() -> list[Result]:
    """Measure everything."""
    rates: list[Figures] = []
    latencies: list[Figures] = []
    with contextlib.ExitStack() as running:
        folder = running.enter_context(tempfile.TemporaryDirectory())
        Authority.new().options(Path(folder), "127.0.0.1")
        os.environ["CALVE_BENCH_CERTIFICATES"] = folder
        many: dict[str, Load] = {}
        one: dict[str, Load] = {}
        for name, (kind, address) in STACKS.items():
            bound = running.enter_context(_server(kind, address.format(folder=folder)))
            many[name] = running.enter_context(_client(kind, bound, IN_FLIGHT))
            one[name] = running.enter_context(_client(kind, bound, 1))
        for _ in range(ROUNDS + 1):
            rates.append({name: load()["calls_per_second"] for name, load in many.items()})
            latencies.append({name: load()["p50_us"] for name, load in one.items()})
    return _results(rates[1:], latencies[1:])  # the first round warms up


def _results(rates: list[Figures], latencies: list[Figures]) -> list[Result]:
    def ratio(what: str, rounds: list[Figures], name: str, beside: str, target: str) -> Result:
        value = statistics.median(figures[name] / figures[beside] for figures in rounds)
        return result(f"wire, {what}: {name} / {beside}", value, "ratio", target, medians(rounds))

    many, one = f"{IN_FLIGHT} in flight, calls/s", "1 in flight, p50 us"
    return [
        ratio(many, rates, "calve tcp", "bare tcp", ">= 0.5"),
        ratio(many, rates, "calve unix", "bare unix", ">= 0.5"),
        ratio(many, rates, "calve tcp", "grpc.aio", ">= 12"),
        ratio(many, rates, "calve tls", "calve tcp", ">= 0.75"),
        ratio(one, latencies, "calve tcp", "bare tcp", "<= 1.5"),
        ratio(one, latencies, "calve unix", "bare unix", "<= 1.5"),
        ratio(one, latencies, "calve tcp", "grpc.aio", "<= 0.3333"),
        ratio(one, latencies, "calve tls", "calve tcp", "<= 1.25"),
    ]


@contextlib.contextmanager
def _process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.wire", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=10)


@contextlib.contextmanager
def _server(kind: str, address: str) -> Iterator[str]:
    with _process("serve", kind, address) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()


@contextlib.contextmanager
def _client(kind: str, address: str, in_flight: int) -> Iterator[Load]:
    with _process("load", kind, address, str(in_flight)) as process:

        def load() -> Figures:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
            figures: Figures = json.loads(process.stdout.readline())
            return figures

        yield load


async def _drive(call: Callable[[], Any], in_flight: int) -> Figures:
    """Call as fast as answers come, from so many tasks, for `SECONDS`."""
    latencies: list[float] = []
    clock = time.perf_counter

    async def worker(until: float) -> None:
        now = clock()
        while now < until:
            before = now
            await call()
            now = clock()
            latencies.append(now - before)

    started = clock()
    await asyncio.gather(*(worker(started + SECONDS) for _ in range(in_flight)))
    took = clock() - started
    return {"calls_per_second": len(latencies) / took, "p50_us": statistics.median(latencies) * 1e6}


async def _load(kind: str, address: str, in_flight: int) -> None:
    """Print figures for each line on standard input."""
    call = await importlib.import_module(f"bench.peers.wire_{kind}").connect(address)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await _drive(call, in_flight)), flush=True)


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
            uvloop.run(_load(kind, address, int(in_flight)))
        case _:
            show("wire", run())


if __name__ == "__main__":
    main(sys.argv[1:])
