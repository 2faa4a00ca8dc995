"""The bank as a process: `python -m tests.service.idempotency.bank_process FOLDER`, killed wherever a test wants it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from calve.core.clock import SystemClock
from calve.core.deadline import TimerWheel
from calve.store import SqliteStore
from calve.testing import endpoints_of
from calve.transport.wire import Address, WireServer

from .conftest import SCHEMA, Bank, BankService


async def main(folder: Path) -> None:
    """Serve two banks over one store: the second gives its answers within its transactions."""
    clock = SystemClock()
    wheel = TimerWheel(asyncio.get_running_loop(), clock.monotonic)
    async with await SqliteStore.open(folder / "bank.db", [SCHEMA]) as store:
        for name in ("plain", "inside"):
            service = BankService(store)
            service.answers_inside = name == "inside"
            server = WireServer(endpoints_of(Bank, service, store=store).values(), wheel=wheel, clock=clock)
            await server.listen(Address.parse(f"unix:{folder}/{name}.sock"))
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
