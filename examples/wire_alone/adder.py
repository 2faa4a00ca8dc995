"""The wire alone: two plain asyncio programs that call each other, without services, calve.toml or `calve run`.

    $ python adder.py serve &
    $ python adder.py 19 23

What it still gives: many calls on one connection, deadlines, cancellation, typed errors, reconnection.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any, Protocol

from calve import CallContext, Contract, query
from calve.contract import Endpoint, describe
from calve.core.clock import SystemClock
from calve.core.deadline import TimerWheel
from calve.transport.wire import Address, StaticResolver, WireClient, WireServer

ADDRESS = f"unix:{Path('adder.sock').absolute()}"


class Adder(Contract, Protocol, version="1.0"):
    """What both programs agree on."""

    @query()
    async def add(self, left: int, right: int) -> int: ...


ADD = describe(Adder).operations["add"]


async def answer(context: CallContext, request: Any) -> int:
    """Any coroutine function can stand behind an endpoint."""
    return int(request.left + request.right)


async def serve(wheel: TimerWheel, clock: SystemClock) -> None:
    """Listen until SIGTERM, then let the calls in flight finish."""
    server, stop = WireServer([Endpoint("adder", ADD, answer)], wheel=wheel, clock=clock), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print("ready on", await server.listen(Address.parse(ADDRESS)), flush=True)
    await stop.wait()
    await server.drain(grace_seconds=5)
    await server.close()


async def ask(wheel: TimerWheel, clock: SystemClock, left: int, right: int) -> None:
    """One call."""
    client = WireClient(StaticResolver({"adder": [ADDRESS]}), wheel=wheel, clock=clock)
    context = CallContext("adder.add", deadline=clock.monotonic() + 5)
    print(await client.call("adder", ADD, ADD.request(left, right), context))
    await client.close()


async def main(arguments: list[str]) -> None:
    clock = SystemClock()
    wheel = TimerWheel(asyncio.get_running_loop(), clock.monotonic)
    await (serve(wheel, clock) if arguments == ["serve"] else ask(wheel, clock, *map(int, arguments)))


asyncio.run(main(sys.argv[1:]))
