"""Faults that are turned on and off, and a proxy through which nothing comes while a test says so."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from calve.core.context import CallContext
from calve.core.deadline import NEVER
from calve.core.errors import Unavailable
from calve.service import Call
from calve.testing.faults import Fault, Faults, FaultsSettings, FaultSwitch, SocketProxy


@pytest.fixture
def switch(tmp_path: Path) -> FaultSwitch:
    """One that is off."""
    return FaultSwitch(tmp_path)


def made(switch: FaultSwitch) -> Faults:
    """The middleware in a process that has the switch's environment."""
    return Faults(FaultsSettings(file=switch.environ()["CALVE_MIDDLEWARE_FAULTS_FILE"]))


async def ask(faults: Faults, service: str = "wallet") -> Any:
    """A call through it."""

    async def proceed(call: Call) -> str:
        return "answer"

    operation: Any = None
    return await faults(Call(service, operation, None, CallContext(service, NEVER)), proceed)


async def test_each_kind_of_fault_while_it_is_on(switch: FaultSwitch) -> None:
    faults = made(switch)
    assert await ask(faults) == "answer"
    with switch.on(Fault("wallet", "fail")), pytest.raises(RuntimeError):
        await ask(faults)
    with switch.on(Fault("wallet", "refuse")):
        with pytest.raises(Unavailable) as refused:
            await ask(faults)
        assert not refused.value.may_have_run
    with switch.on(Fault("wallet", "slow", 0.05)):
        slow = asyncio.ensure_future(ask(faults))
        await asyncio.sleep(0)
        assert not slow.done()
        assert await slow == "answer"
    with switch.on(Fault("wallet", "block", 0.05)):
        started, blocked = time.monotonic(), asyncio.ensure_future(ask(faults))
        await asyncio.sleep(0)
        assert time.monotonic() - started >= 0.05
        assert await blocked == "answer"
    assert await ask(faults) == "answer"
    assert switch.received == 4


async def test_a_fault_is_one_service_s_and_one_process_s(switch: FaultSwitch) -> None:
    faults = made(switch)
    with switch.on(Fault("wallet", "fail", pid=os.getpid() + 1)):
        assert await ask(faults) == "answer"
    with switch.on(Fault("wallet", "fail", pid=os.getpid())):
        assert await ask(faults, "stock") == "answer"
        with pytest.raises(RuntimeError):
            await ask(faults)
    assert switch.received == 1


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="calve-") as name:
        yield Path(name)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server of lines."""
    while line := await reader.readline():
        writer.write(line)
    writer.close()


class Client:
    """Asks through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, folder: Path) -> Client:
        """A new connection."""
        return cls(*await asyncio.open_unix_connection(folder / "proxy"))

    async def ask(self, line: bytes, seconds: float = 20.0) -> bytes:
        """Say something and wait for the answer."""
        self.writer.write(line)
        async with asyncio.timeout(seconds):
            return await self.reader.readline()


async def test_a_proxy_hands_on_holds_and_severs(folder: Path) -> None:
    server = await asyncio.start_unix_server(echo, folder / "server")
    with SocketProxy(folder / "proxy", folder / "server") as proxy:
        client = await Client.connect(folder)
        assert await client.ask(b"1\n") == b"1\n"
        proxy.hold()
        held = await Client.connect(folder)
        for each in (client, held):
            with pytest.raises(TimeoutError):
                await each.ask(b"2\n", seconds=0.05)
        proxy.flow()
        assert (await client.ask(b"3\n"), await client.reader.readline()) == (b"2\n", b"3\n")
        assert await held.reader.readline() == b"2\n"
        proxy.sever()
        fresh = await Client.connect(folder)
        assert await fresh.ask(b"4\n") == b"4\n"
        with pytest.raises(TimeoutError):
            await client.ask(b"4\n", seconds=0.05)
    assert await client.reader.read() == b"", "it hangs up on everybody at its end"
    for each in (client, held, fresh):
        each.writer.close()
    server.close()
