"""The whole shop: Calve in one process and in three, FastAPI + httpx + SQLAlchemy in one process and in three.

All four run at the same time on core 0; one of them is loaded at a time from core 1, in turns over the rounds. The same
requests for all: of twenty, eleven open a product, three search, four ask for a balance, and two place an order of one
to three lines.

What flatters the peer: its one process has one database, so an order is one transaction there and five in Calve's shop,
whose services keep their own data as they would when apart; and in three processes its balances are asked of the money
process directly, while Calve's go through the edge, as its customers see one address.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote
from uuid import UUID

from .common import Result, cpu_seconds, family, medians, pin, result
from .http_load import Pool, Request, closed_loop, fixed_rate, request

ROOT = Path(__file__).parent.parent
SHOP = ROOT / "examples" / "shop"
ROUNDS = 3
CLOSED_SECONDS, FIXED_SECONDS = 2.5, 3.0
IN_FLIGHT, PER_SECOND = 32, 150
CUSTOMERS, PRODUCTS = 100, 3_000
DEPARTMENTS = ("KIT", "GAR", "OFF", "TOY", "SPO", "BTH")
SEARCHES = ("oak", "copper kett", "moss green", "sturdy", "glass jug", "tent", "linen towel", "folding")
SERVER_CORE, LOAD_CORE = 0, 1

ONE, THREE, PEER_ONE, PEER_THREE = "calve, one process", "calve, three processes", "usual, one", "usual, three"


class Variant(NamedTuple):
    """One shop, running."""

    name: str
    front: int
    """Port of everything but balances."""
    money: int
    """Port of balances."""
    processes: Sequence[subprocess.Popen[bytes]]


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def free_run(count: int) -> int:
    """The first of so many ports in a row that nobody listens on: the units of a topology count upwards from one."""
    while True:
        (first,) = free_ports(1)
        with contextlib.suppress(OSError, OverflowError):
            for port in range(first, first + count):
                socket.create_server(("127.0.0.1", port)).close()
            return first


def _spawn(arguments: Sequence[str], cwd: Path, log: Path, **environ: str) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=cwd,
            env={**os.environ, **environ},
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def start_calve(name: str, topology: str, data: Path) -> Variant:
    """Our shop in a topology."""
    port = free_run(3)
    process = _spawn(
        ["calve", "run", "--topology", topology],
        SHOP,
        data / "log",
        CALVE_HTTP_PORT=str(port),
        CALVE_STORE_URL=f"sqlite:///{data}/{{service}}.db",
        CALVE_LOG_LEVEL="warning",
    )
    return Variant(name, port, port, [process])


def start_peer(name: str, parts: Sequence[str], data: Path) -> Variant:
    """The usual shop in one part or three."""
    peer = "bench.peers.shop_fastapi"
    ports = dict(zip(parts, free_ports(len(parts)), strict=True))
    for part in parts:
        subprocess.run([sys.executable, "-m", peer, part, "--data", str(data), "--seed"], cwd=ROOT, check=True)
    others = [f"--{part}=http://127.0.0.1:{port}" for part, port in ports.items() if part != parts[0]]
    processes = [
        _spawn(
            [peer, part, "--data", str(data), "--port", str(port), *(others if part == "front" else [])],
            ROOT,
            data / f"{part}.log",
        )
        for part, port in ports.items()
    ]
    return Variant(name, ports[parts[0]], ports.get("money", ports[parts[0]]), processes)


def resident_mb(variant: Variant) -> float:
    """Resident memory of all processes of a shop, in MB of a million bytes."""
    pages = 0
    for process in variant.processes:
        pages += sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in family(process.pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def wait_ready(variant: Variant, seconds: float = 30.0) -> None:
    """Wait until every port says that it is ready."""
    end = time.monotonic() + seconds
    for port in {variant.front, variant.money}:
        while True:
            with contextlib.suppress(OSError):
                if await Pool().run(request(port, "GET", "/health/ready")):
                    break
            if time.monotonic() > end or any(process.poll() is not None for process in variant.processes):
                raise RuntimeError(f"{variant.name} did not become ready")
            await asyncio.sleep(0.05)


def customers() -> list[UUID]:
    """The customers, the same in every shop."""
    chance = random.Random(1)
    return [UUID(int=chance.getrandbits(128), version=4) for _ in range(CUSTOMERS)]


async def make_rich(variant: Variant) -> None:
    """Open the customers' wallets and fill them."""
    pool = Pool()
    for owner in customers():
        deposit = json.dumps({"cents": 10_000_000_000, "reference": str(owner)}).encode()
        assert await pool.run(request(variant.money, "PUT", f"/wallets/{owner}"))
        assert await pool.run(request(variant.money, "POST", f"/wallets/{owner}/deposits", deposit))
    pool.close()


def requests(variant: Variant, seed: int) -> Iterator[Request]:
    """The endless mix; the same for the same seed but for the ports."""
    chance, owners = random.Random(seed), customers()
    kinds = ["product"] * 11 + ["search"] * 3 + ["balance"] * 4 + ["order"] * 2

    def sku() -> str:
        number = chance.randrange(PRODUCTS)
        return f"{DEPARTMENTS[number % len(DEPARTMENTS)]}-{number:05}"

    while True:
        kind = chance.choice(kinds)
        if kind == "product":
            yield request(variant.front, "GET", f"/products/{sku()}")
        elif kind == "search":
            yield request(variant.front, "GET", f"/search?text={quote(chance.choice(SEARCHES))}&limit=10")
        elif kind == "balance":
            yield request(variant.money, "GET", f"/wallets/{chance.choice(owners)}")
        else:
            items = [{"sku": sku(), "quantity": 1} for _ in range(chance.randint(1, 3))]
            order = UUID(int=chance.getrandbits(128), version=4)
            body = {"id": str(order), "customer": str(chance.choice(owners)), "items": items}
            yield request(variant.front, "POST", "/orders", json.dumps(body).encode(), 201)


async def measure(variants: Sequence[Variant]) -> dict[str, dict[str, float]]:
    """Figures by kind, then by variant: medians over the rounds."""
    for variant in variants:
        await wait_ready(variant)
    await asyncio.sleep(1.0)  # start-up work that goes on after "ready" is not idle memory
    memory = {variant.name: resident_mb(variant) for variant in variants}
    seeds = itertools.count(1)
    for variant in variants:
        await make_rich(variant)
        await closed_loop(requests(variant, next(seeds)), 1.0, IN_FLIGHT)  # warm
    kinds = ("requests/CPU s", "requests/s", "p50", "p99")
    rounds: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    for _ in range(ROUNDS):
        figures: dict[str, dict[str, float]] = {kind: {} for kind in kinds}
        for variant in variants:
            before = cpu_seconds(p.pid for p in variant.processes)
            closed = await closed_loop(requests(variant, next(seeds)), CLOSED_SECONDS, IN_FLIGHT)
            used = cpu_seconds(p.pid for p in variant.processes) - before
            fixed = await fixed_rate(requests(variant, next(seeds)), FIXED_SECONDS, PER_SECOND)
            if closed.failures or fixed.failures:
                raise RuntimeError(f"{variant.name}: {closed.failures} + {fixed.failures} requests failed")
            for kind, figure in zip(
                kinds,
                (closed.requests / used, closed.requests / closed.seconds, fixed.percentile(50), fixed.percentile(99)),
                strict=True,
            ):
                figures[kind][variant.name] = figure
        for kind in kinds:
            rounds[kind].append(figures[kind])
    return {"memory": memory, **{kind: medians(rounds[kind]) for kind in kinds}}


def _stop(variants: Sequence[Variant]) -> None:
    processes = [process for variant in variants for process in variant.processes]
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def run() -> list[Result]:
    """Start the four shops, measure, stop them."""
    variants: list[Variant] = []
    with tempfile.TemporaryDirectory(prefix="shop-") as folder:
        data = {name: Path(folder, str(number)) for number, name in enumerate((ONE, THREE, PEER_ONE, PEER_THREE))}
        for path in data.values():
            path.mkdir()
        pin(0, SERVER_CORE)  # what is started now inherits it, threads included
        try:
            variants += [start_calve(ONE, "one", data[ONE]), start_calve(THREE, "split", data[THREE])]
            variants += [start_peer(PEER_ONE, ["all"], data[PEER_ONE])]
            variants += [start_peer(PEER_THREE, ["front", "money", "stock"], data[PEER_THREE])]
            pin(0, LOAD_CORE)
            figures = asyncio.run(measure(variants))
        finally:
            _stop(variants)
    work, rate = figures["requests/CPU s"], figures["requests/s"]
    return [
        result(
            "shop, requests per CPU second: Calve against the usual way, one process",
            work[ONE] / work[PEER_ONE],
            "ratio",
            "",
            work,
        ),
        result(
            "shop, requests per CPU second: Calve against the usual way, three processes",
            work[THREE] / work[PEER_THREE],
            "ratio",
            "",
            work,
        ),
        result(
            "shop, requests per CPU second: three processes against one", work[THREE] / work[ONE], "ratio", "", work
        ),
        result(
            f"shop, requests per second, {IN_FLIGHT} in flight, one core for all processes",
            rate[ONE],
            "requests/s",
            "",
            rate,
        ),
        result(f"shop, p50 at {PER_SECOND} requests/s", figures["p50"][ONE], "ms", "", figures["p50"]),
        result(f"shop, p99 at {PER_SECOND} requests/s", figures["p99"][ONE], "ms", "", figures["p99"]),
        result("shop, idle, one process: resident memory", figures["memory"][ONE], "MB", "<= 120", figures["memory"]),
    ]
