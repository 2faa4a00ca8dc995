"""Ends that were asked for: draining and closing, on both sides; in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from calve.core.context import CallContext
from calve.core.errors import Unavailable
from calve.testing.loop import virtual_time
from calve.transport.wire.frames import Failure, GoAway, Response

from .conftest import ECHO, Kit, ScriptedServer, Slow, until


@virtual_time
async def test_draining_finishes_what_runs_and_takes_nothing_new() -> None:
    slow = Slow()
    async with Kit() as kit:
        old = kit.server(echo=slow)
        client = kit.client()
        running = asyncio.ensure_future(kit.call(client, ECHO, data=b"old"))
        await until(lambda: slow.started == 1)
        drained = asyncio.ensure_future(old.drain(30))
        await asyncio.sleep(0.001)
        kit.server()  # its successor, at the same address
        assert await kit.call(client, ECHO, data=b"new") == b"new"
        assert not drained.done()
        slow.release.set()
        assert await running == b"old"
        assert await drained is True
        await until(lambda: old.connections == 0)
        assert slow.started == 1


@virtual_time
async def test_draining_loses_nothing_under_load() -> None:
    async with Kit() as kit:
        client = kit.client("unix:/a", "unix:/b")
        servers = {address: kit.server(address) for address in ("unix:/a", "unix:/b")}
        done = 0

        async def caller(number: int) -> None:
            nonlocal done
            for turn in range(50):
                data = b"%d.%d" % (number, turn)
                assert await kit.call(client, ECHO, data=data) == data
                done += 1

        callers = [asyncio.ensure_future(caller(n)) for n in range(20)]
        for address in ("unix:/a", "unix:/b", "unix:/a"):
            target = done + 100
            await until(lambda target=target: done >= target)  # type: ignore[misc]
            old, servers[address] = servers[address], kit.server(address)
            assert await old.drain(30) is True
            await old.close()
        await asyncio.gather(*callers)
        assert done == 1000


@virtual_time
async def test_a_call_beyond_the_goaway_goes_elsewhere() -> None:
    async with Kit() as kit:
        scripted = ScriptedServer()
        kit.network.serve_protocol("unix:/a", lambda: scripted)
        client = kit.client()
        calls = [asyncio.ensure_future(kit.call(client, ECHO, data=b"%d" % n)) for n in range(2)]
        await until(lambda: len(scripted.frames) == 3)
        kit.server()
        scripted.connection._append(GoAway(1, "this server is stopping"), 4096)
        # The other call crossed the goaway: its refusal comes in the same piece, when nobody waits for it any more.
        scripted.connection._append(Failure(2, "unavailable", "this server is stopping", False), 4096)
        old: Any = b"old"
        scripted.connection._append(Response(1, old), 4096)
        scripted.send()
        assert await asyncio.gather(*calls) == [b"old", b"1"]


@virtual_time
async def test_a_drain_that_takes_too_long_says_so_and_close_cuts_it_off() -> None:
    slow = Slow()
    async with Kit() as kit:
        server = kit.server(echo=slow)
        client = kit.client()
        call = asyncio.ensure_future(kit.call(client, ECHO, seconds=60, data=b""))
        await until(lambda: slow.started == 1)
        assert await server.drain(2) is False
        assert kit.clock.monotonic() == pytest.approx(2, abs=0.1)
        await server.close()
        with pytest.raises(Unavailable, match="server has stopped") as caught:
            await call
        assert caught.value.may_have_run is True
        assert slow.cancelled == 1
        assert server.connections == 0


@virtual_time
async def test_closing_waits_for_no_operation_that_refuses_to_be_cancelled() -> None:
    started = asyncio.Event()

    async def stubborn(context: CallContext, request: Any) -> bytes:
        started.set()
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if kit.clock.monotonic() > 100:
                    raise

    async with Kit() as kit:
        server = kit.server(echo=stubborn)
        call = asyncio.ensure_future(kit.call(kit.client(), ECHO, seconds=90, data=b""))
        await started.wait()
        await server.close()
        assert kit.clock.monotonic() < 10
        with pytest.raises(Unavailable) as caught:
            await call
        assert caught.value.may_have_run is True
        await asyncio.sleep(100)


@virtual_time
async def test_closing_the_client_while_it_connects_leaves_nothing() -> None:
    async with Kit() as kit:
        client = kit.client()
        call = asyncio.ensure_future(kit.call(client, ECHO, data=b""))
        await asyncio.sleep(0.01)
        await client.close()
        with pytest.raises(Unavailable, match="closed"):
            await call
        assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual_time
async def test_no_call_begins_on_a_connection_that_is_closing() -> None:
    async with Kit() as kit:
        kit.server()
        client = kit.client()
        await kit.call(client, ECHO, data=b"")
        closing = asyncio.ensure_future(client.close())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="closed") as caught:
            await kit.call(client, ECHO, data=b"")
        assert caught.value.may_have_run is False
        await closing


@virtual_time
async def test_a_drain_waits_for_the_work_of_clients_that_are_gone() -> None:
    ended = False

    async def thorough(context: CallContext, request: Any) -> bytes:
        nonlocal ended
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(1)
            ended = True
        return b""

    async with Kit() as kit:
        server = kit.server(echo=thorough)
        call = asyncio.ensure_future(kit.call(kit.client(), ECHO, data=b""))
        await until(lambda: server.running == 1)
        kit.network.pipes[0].cut()
        with pytest.raises(Unavailable):
            await call
        assert (server.connections, server.running) == (0, 1)
        assert await server.drain(30) is True
        assert ended
        assert kit.clock.monotonic() == pytest.approx(1, abs=0.1)


@virtual_time
async def test_closing_the_client_fails_its_calls() -> None:
    slow = Slow()
    async with Kit() as kit:
        server = kit.server(echo=slow)
        client = kit.client()
        call = asyncio.ensure_future(kit.call(client, ECHO, data=b""))
        await until(lambda: slow.started == 1)
        await client.close()
        with pytest.raises(Unavailable, match="client has closed"):
            await call
        await until(lambda: slow.cancelled == 1 and server.connections == 0)


@virtual_time
async def test_a_connection_that_slipped_in_while_draining_is_sent_away() -> None:
    async with Kit() as kit:
        server = kit.server()
        await server.drain(1)
        with pytest.raises(Unavailable, match="the server hung up: this server is stopping") as caught:
            await kit.call(kit.client(), ECHO, seconds=1, data=b"")
        assert caught.value.may_have_run is False
