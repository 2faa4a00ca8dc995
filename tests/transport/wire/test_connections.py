"""Connections coming and going: reconnecting, backoff, keep-alive; in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from calve.core.context import CallContext
from calve.core.errors import DeadlineExceeded, Unavailable
from calve.testing.loop import virtual_time
from calve.transport.wire import Address, WireOptions
from calve.transport.wire.frames import Request

from .conftest import ECHO, ECHO_BODY, Kit, RawPeer, ScriptedServer, Slow, until


@virtual_time
async def test_a_call_that_could_not_be_sent_waits_for_the_server() -> None:
    async with Kit() as kit:
        client = kit.client()
        call = asyncio.ensure_future(kit.call(client, ECHO, data=b"x"))
        await asyncio.sleep(2)
        kit.server()
        assert await call == b"x"
        assert kit.clock.monotonic() < 5
        assert 4 < kit.network.attempts < 20, "pauses grow"


@virtual_time
async def test_nobody_there_until_the_deadline_is_unavailable_and_has_not_run() -> None:
    async with Kit() as kit:
        with pytest.raises(Unavailable, match="unix:/a: Connection refused") as caught:
            await kit.call(kit.client(), ECHO, seconds=3, data=b"")
        assert caught.value.may_have_run is False
        assert kit.clock.monotonic() == pytest.approx(3, abs=0.02)


@virtual_time
async def test_pauses_between_attempts_grow_to_their_limit() -> None:
    async with Kit() as kit:
        client = kit.client(options=WireOptions(backoff_first_seconds=0.1, backoff_max_seconds=2.0))
        with pytest.raises(Unavailable):
            await kit.call(client, ECHO, seconds=600, data=b"")
        assert 290 < kit.network.attempts < 610


@virtual_time
async def test_nobody_connects_while_nobody_calls() -> None:
    async with Kit() as kit:
        client = kit.client()
        with pytest.raises(Unavailable):
            await kit.call(client, ECHO, seconds=1, data=b"")
        before = kit.network.attempts
        await asyncio.sleep(3600)
        assert kit.network.attempts <= before + 1


@virtual_time
async def test_a_connection_lost_during_a_call_says_that_it_may_have_run() -> None:
    slow = Slow()
    async with Kit() as kit:
        kit.server(echo=slow)
        call = asyncio.ensure_future(kit.call(kit.client(), ECHO, data=b""))
        await until(lambda: slow.started == 1)
        kit.network.pipes[0].cut()
        with pytest.raises(Unavailable, match=r"lost during the call.*reset by peer") as caught:
            await call
        assert caught.value.may_have_run is True
        await until(lambda: slow.cancelled == 1)


@virtual_time
async def test_a_request_that_never_left_goes_over_another_connection() -> None:
    async with Kit() as kit:
        kit.server()
        client = kit.client()
        await kit.call(client, ECHO, data=b"")
        call = asyncio.ensure_future(kit.call(client, ECHO, data=b"again"))
        kit.network.pipes[0].client.lose(ConnectionResetError("gone"))  # before the loop has flushed the request
        assert await call == b"again"
        assert len(kit.network.pipes) == 2


@virtual_time
async def test_after_a_loss_the_next_call_reconnects() -> None:
    async with Kit() as kit:
        kit.server()
        client = kit.client()
        for expected in range(1, 4):
            assert await kit.call(client, ECHO, data=b"x") == b"x"
            assert len(kit.network.pipes) == expected
            kit.network.pipes[-1].cut()
            await asyncio.sleep(0.01)


@virtual_time
async def test_a_peer_that_stops_answering_is_taken_for_dead() -> None:
    slow = Slow()
    async with Kit() as kit:
        server = kit.server(echo=slow, options=WireOptions(keepalive_seconds=10))
        client = kit.client(options=WireOptions(keepalive_seconds=10))
        call = asyncio.ensure_future(kit.call(client, ECHO, seconds=3600, data=b""))
        await until(lambda: slow.started == 1)
        kit.network.pipes[0].stall()
        with pytest.raises(Unavailable, match="no sign of life for 20") as caught:
            await call
        assert caught.value.may_have_run is True
        assert 20 <= kit.clock.monotonic() <= 40
        assert slow.cancelled == 1
        assert server.connections == 1, "that which took the place of the dead one"


@virtual_time
async def test_a_connection_that_fell_silent_is_replaced_while_calls_wait_on_it() -> None:
    async with Kit() as kit:
        kit.server()
        client = kit.client()
        assert await kit.call(client, ECHO, data=b"1") == b"1"
        kit.network.pipes[0].stall()
        cut_off = asyncio.ensure_future(kit.call(client, ECHO, seconds=30, data=b"2"))
        await asyncio.sleep(1.6)  # three intervals and a little: heard, asked, silent
        assert [await kit.call(client, ECHO, seconds=0.1, data=b"3") for _ in range(3)] == [b"3"] * 3
        assert len(kit.network.pipes) == 2
        assert not cut_off.done()
        kit.network.pipes[0].flow()  # it was only slow
        assert await cut_off == b"2"
        await until(lambda: kit.servers[0].connections == 1)


@virtual_time
async def test_a_server_that_nothing_reaches_is_found_soon_after_the_way_is_open() -> None:
    async with Kit() as kit:
        server = kit.server()
        client = kit.client()
        assert await kit.call(client, ECHO, data=b"1") == b"1"
        kit.network.pipes[0].stall()
        kit.network.serve_protocol("unix:/a", asyncio.Protocol)
        for _ in range(20):
            with pytest.raises(DeadlineExceeded):
                await kit.call(client, ECHO, seconds=1, data=b"2")
        assert len(kit.network.pipes) <= 40, "two a second at most"
        kit.network.serve("unix:/a", server)
        await asyncio.sleep(WireOptions().connect_seconds)
        assert await kit.call(client, ECHO, seconds=0.1, data=b"4") == b"4"


@virtual_time
async def test_an_idle_connection_stays_and_a_slow_call_is_no_silence() -> None:
    slow = Slow()
    async with Kit() as kit:
        kit.server(echo=slow)
        client = kit.client()
        call = asyncio.ensure_future(kit.call(client, ECHO, seconds=7200, data=b"x"))
        await asyncio.sleep(3600)
        slow.release.set()
        assert await call == b"x"
        await asyncio.sleep(3600)
        await kit.call(client, ECHO, data=b"")
        assert len(kit.network.pipes) == 1


@virtual_time
async def test_a_peer_that_never_says_hello_is_dropped_by_both_sides() -> None:
    async with Kit() as kit:
        server = kit.server(options=WireOptions(hello_seconds=2))
        await kit.network.dial(next(iter(kit.network._accept)), asyncio.Protocol)
        assert server.connections == 1
        await asyncio.sleep(5)
        assert server.connections == 0
        kit.network.serve_protocol("unix:/b", asyncio.Protocol)
        client = kit.client("unix:/b", options=WireOptions(connect_seconds=2))
        with pytest.raises(Unavailable, match="no connection within 2"):
            await kit.call(client, ECHO, seconds=3, data=b"")


@virtual_time
async def test_another_protocol_version_names_both_at_once() -> None:
    async with Kit() as kit:
        kit.network.serve_protocol("unix:/a", lambda: ScriptedServer(version=2))
        with pytest.raises(Unavailable, match=r"\(calve 9.0\) speaks version 2 .*, this side version 1") as caught:
            await kit.call(kit.client(), ECHO, seconds=60, data=b"")
        assert caught.value.may_have_run is False
        assert kit.clock.monotonic() < 1, "trying again cannot help"


@virtual_time
async def test_what_cannot_be_helped_is_tried_again_all_the_same() -> None:
    async with Kit() as kit:
        kit.network.serve_protocol("unix:/a", lambda: ScriptedServer(version=2))
        client = kit.client()
        for _ in range(100):
            with pytest.raises(Unavailable, match="version 2"):
                await kit.call(client, ECHO, data=b"")
        assert kit.network.attempts < 20, "but not for every call"
        kit.server()
        await asyncio.sleep(10)
        assert await kit.call(client, ECHO, data=b"mended") == b"mended"


@virtual_time
async def test_a_dialler_that_fails_in_an_unknown_way_is_no_reason_to_spin(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        attempts = 0

        async def dial(self, address: object, factory: object) -> None:
            self.attempts += 1
            raise RuntimeError("what is this")

    async with Kit() as kit:
        broken = Broken()
        with pytest.raises(Unavailable, match="RuntimeError: what is this"):
            await kit.call(kit.client(dialler=broken), ECHO, data=b"")
        assert broken.attempts == 1
    assert "may not fail with" in caplog.text


@virtual_time
async def test_a_server_that_breaks_the_protocol_loses_the_calls_it_had() -> None:
    async with Kit() as kit:
        scripted = ScriptedServer()
        kit.network.serve_protocol("unix:/a", lambda: scripted)
        call = asyncio.ensure_future(kit.call(kit.client(), ECHO, seconds=3, data=b""))
        await until(lambda: len(scripted.frames) == 2)
        scripted.transport.write(b"\0\0\0\x02hi")
        with pytest.raises(Unavailable, match="no frame") as caught:
            await call
        assert caught.value.may_have_run is True


@virtual_time
async def test_a_call_waits_while_the_server_does_not_read() -> None:
    async with Kit() as kit:
        kit.server()
        client = kit.client()
        await kit.call(client, ECHO, data=b"")
        pipe = kit.network.pipes[0]
        pipe.stall()
        big = asyncio.ensure_future(kit.call(client, ECHO, seconds=600, data=b"x" * 1_000_000))
        await asyncio.sleep(0.001)
        small = asyncio.ensure_future(kit.call(client, ECHO, seconds=600, data=b"small"))
        await asyncio.sleep(1)
        sent = pipe.client.sent
        assert sent < 1_100_000
        pipe.flow()
        assert await small == b"small"
        assert len(await big) == 1_000_000
        assert kit.clock.monotonic() < 1.01, "it goes on when the server reads, not when somebody looks"


@virtual_time
async def test_a_client_that_does_not_read_its_answers_may_not_ask_for_more() -> None:
    answered = 0

    async def large(context: CallContext, request: Any) -> bytes:
        nonlocal answered
        answered += 1
        return b"x" * 50_000

    async with Kit() as kit:
        kit.server(echo=large)
        peer = RawPeer()
        await kit.network.dial(Address.parse("unix:/a"), lambda: peer)
        peer.transport.pause_reading()
        for _ in range(500):
            request = Request(peer.connection.new_id(), "wallet/Wallet/1.2/echo", None, ECHO_BODY)
            peer.connection.send_request(request)
            peer.send()
            await asyncio.sleep(0.001)
        assert answered < 20
        peer.transport.resume_reading()
        await until(lambda: answered == 500)
