"""Which context variables a call starts with: those of the process, and nothing of whoever made the connection."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from calve.core.context import CallContext, call_options, current_call
from calve.core.errors import Unavailable
from calve.testing.fakes.observe import CapturedLogs
from calve.transport.wire import Address

from .conftest import ECHO, Kit, RawPeer, until

theirs: ContextVar[str] = ContextVar("theirs", default="unset")
ours: ContextVar[str] = ContextVar("ours", default="unset")


class Seen:
    """A handler that notes what it finds."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, CallContext | None]] = []

    async def __call__(self, context: CallContext, request: Any) -> bytes:
        self.calls.append((theirs.get(), ours.get(), current_call()))
        return b""


async def as_somebody(kit: Kit, client: Any) -> None:
    """One call from within a call, by somebody with a variable of their own."""
    theirs.set("caller")
    with call_options(timeout_seconds=5):
        await kit.call(client, ECHO, data=b"")


@pytest.mark.parametrize("sockets", [False, True], ids=["memory", "socket"])
async def test_a_call_sees_what_its_process_has_set_and_nothing_of_its_caller(tmp_path: Path, sockets: bool) -> None:
    seen = Seen()
    async with Kit() as kit:
        ours.set("process")
        with call_options(timeout_seconds=5):
            server = kit.server(echo=seen)
            address = str(await server.listen(Address.parse(f"unix:{tmp_path}/a"))) if sockets else "unix:/a"
        ours.set("later")
        client = kit.client(address, sockets=sockets)
        await asyncio.create_task(as_somebody(kit, client))
        await kit.call(client, ECHO, data=b"")
    assert seen.calls == [("unset", "process", None)] * 2


async def test_calls_do_not_see_what_another_call_has_set() -> None:
    found = []

    async def leave_something(context: CallContext, request: Any) -> bytes:
        found.append(ours.get())
        ours.set("left behind")
        return b""

    async with Kit() as kit:
        kit.server(echo=leave_something)
        client = kit.client()
        for _ in range(2):
            await kit.call(client, ECHO, data=b"")
    assert found == ["unset", "unset"]


async def test_a_connection_belongs_to_no_call_although_one_has_made_it() -> None:
    found: list[CallContext | None] = []

    class Probe(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            found.append(current_call())
            transport.close()

    async with Kit() as kit:
        kit.network.serve_protocol("unix:/a", Probe)
        client = kit.client()
        with call_options(timeout_seconds=0.01), pytest.raises(Unavailable):
            await kit.call(client, ECHO, seconds=0.01, data=b"")
    assert found
    assert set(found) == {None}


async def test_what_a_server_logs_about_a_peer_has_no_trace_of_whoever_opened_the_socket(tmp_path: Path) -> None:
    peer = RawPeer()
    async with Kit() as kit:
        server = kit.server()
        with call_options() as call:
            assert call.trace
            address = await server.listen(Address.parse(f"unix:{tmp_path}/a"))
        with CapturedLogs() as logs:
            await asyncio.get_running_loop().create_unix_connection(lambda: peer, address.path)
            peer.send(b"\xff" * 100)
            await until(lambda: peer.lost)
    dropped = [line for line in logs.lines if "dropped" in line.message]
    assert [line.trace_id for line in dropped] == [None]
