"""A server in a process of its own, for tests that kill or stop it: `python wallet_process.py unix:/path`.

Serves an `echo` that answers at once, except to `hang`, which it never answers. Prints a line when it is ready and
another when `hang` has arrived.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Protocol

from calve.contract import Contract, Endpoint, describe, query
from calve.core.clock import SystemClock
from calve.core.deadline import TimerWheel
from calve.transport.wire import Address, WireServer


class Wallet(Contract, Protocol, version="1.2"):
    """The part of the tests' contract that is served here."""

    @query()
    async def echo(self, data: bytes) -> bytes: ...


async def echo(context: object, request: Any) -> bytes:
    """Answer, or not."""
    if request.data == b"hang":
        print("hanging", flush=True)
        await asyncio.Event().wait()
    return bytes(request.data)


async def main(address: str) -> None:
    """Serve until killed."""
    clock = SystemClock()
    wheel = TimerWheel(asyncio.get_running_loop(), clock.monotonic)
    server = WireServer([Endpoint("wallet", describe(Wallet).operations["echo"], echo)], wheel=wheel, clock=clock)
    await server.listen(Address.parse(address))
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
