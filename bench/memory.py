"""Memory that stays: after a million calls, and while and after ten thousand wire connections are open.

Growth is measured on the resident set of the serving process, between two states that should be equal: after a warm-up
and after the load. The figure beside it is what one open connection costs while it is open.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import socket
from pathlib import Path
from typing import Any
from uuid import uuid4

from calve.bootstrap import Base
from calve.contract import describe
from calve.core.context import CallContext
from calve.service import Chain, make_stub
from calve.transport.wire import Address, StaticResolver, WireClient, WireServer

from .common import Result, result
from .inprocess import Item, Wallet, WalletService

CALLS = 1_000_000
WARM_UP = 100_000
CONNECTIONS = 10_000
IN_FLIGHT = 64


def resident_mb() -> float:
    """Resident set of this process, MB; Linux only."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def _calls(call: Any, count: int) -> None:
    arguments = (uuid4(), 500, tuple(Item(sku=f"sku-{n}", quantity=n, cents=n) for n in range(1, 4)))

    async def caller() -> None:
        for _ in range(count // IN_FLIGHT):
            await call(*arguments)

    await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))


async def _growth(call: Any, count: int) -> float:
    await _calls(call, WARM_UP)
    before = resident_mb()
    await _calls(call, count)
    return resident_mb() - before


async def measure() -> list[Result]:
    """All three."""
    base, info = Base.make(), describe(Wallet)
    chain = Chain(wheel=base.wheel, clock=base.clock, registry=base.registry, tracing=base.tracing, log=base.log)
    operation = info.operations["debit"]
    endpoint = chain.endpoint("wallet", operation, WalletService().debit)
    stub = make_stub(info, "wallet", {"debit": endpoint}, hosted=True)
    local = await _growth(stub.debit, CALLS)

    server = WireServer([endpoint], wheel=base.wheel, clock=base.clock)
    address = await server.listen(Address.parse("tcp://127.0.0.1:0"))
    resolver = StaticResolver({"wallet": [f"tcp://127.0.0.1:{address.port}"]})
    client = WireClient(resolver, wheel=base.wheel, clock=base.clock)

    async def over_the_wire(*arguments: Any) -> Any:
        return await client.call("wallet", operation, operation.request(*arguments), CallContext("wallet.debit"))

    wire = await _growth(over_the_wire, CALLS)
    per_connection, kept = await _connections(server, address.port)
    await client.close()
    await server.close()
    return [
        result("a million calls in one process: growth of the resident set", local, "MB", "<= 2", {"calls": CALLS}),
        result("a million calls over the wire, client and server: growth", wire, "MB", "<= 2", {"calls": CALLS}),
        result(
            f"{CONNECTIONS} wire connections opened and closed again: growth",
            kept,
            "MB",
            "<= 10",
            {"kB per open connection": per_connection},
        ),
    ]


async def _connections(server: WireServer, port: int) -> tuple[float, float]:
    """Open many bare connections twice.

    Returns: kB of each while open, MB more after the second time than after the first.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(CONNECTIONS, hard // 2 - 100)
    after: list[float] = []
    each = 0.0
    for _ in range(2):
        before = resident_mb()
        sockets = []
        for opened in range(count):
            peer = socket.create_connection(("127.0.0.1", port))
            sockets.append(peer)
            if opened % 50 == 0:
                await asyncio.sleep(0)
        while server.connections < count:  # noqa: ASYNC110  (the server has no event for it)
            await asyncio.sleep(0.01)
        each = max(each, (resident_mb() - before) * 1000 / count)  # the second time takes over what the first gave back
        for peer in sockets:
            peer.close()
        while server.connections > 1:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        after.append(resident_mb())
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return each, after[1] - after[0]


def run() -> list[Result]:
    """Measure; takes about a minute and a half."""
    return asyncio.run(measure())
