"""The same over real sockets of each kind, on each loop: what memory pipes cannot show."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from calve.core.context import CallContext
from calve.core.errors import DeadlineExceeded, InvalidArgument, Unavailable
from calve.transport.wire import Address, WireOptions, WireServer
from calve.transport.wire.frames import GoAway, Request
from calve.transport.wire.link import Link
from calve.transport.wire.protocol_server import ServerConnection

from .conftest import DEBIT, ECHO, ECHO_BODY, OWNER, Balance, InsufficientFunds, Kit, Place, RawPeer, endpoints, until

Run = Callable[[Coroutine[Any, Any, Any]], Any]


def test_calls_errors_and_streams(run: Run, place: Place) -> None:
    async def debit(context: CallContext, request: Any) -> Balance:
        if request.cents > 100:
            raise InsufficientFunds(missing_cents=request.cents - 100)
        return Balance(owner=request.owner, cents=100 - request.cents)

    async def main() -> None:
        async with Kit() as kit:
            server, address = await kit.listen(place, debit=debit)
            client = kit.client(address, sockets=True, tls=place.tls)
            assert await kit.call(client, DEBIT, owner=OWNER, cents=1) == Balance(owner=OWNER, cents=99)
            with pytest.raises(InsufficientFunds):
                await kit.call(client, DEBIT, owner=OWNER, cents=101)
            calls = [kit.call(client, ECHO, data=b"%d" % n) for n in range(500)]
            assert await asyncio.gather(*calls) == [b"%d" % n for n in range(500)]
            assert [item async for item in kit.stream(client, 500)] == list(range(500))
            assert server.connections == 1

    run(main())


def test_large_messages_both_ways_beside_small_ones(run: Run, place: Place) -> None:
    async def main() -> None:
        async with Kit() as kit:
            _, address = await kit.listen(place)
            client = kit.client(address, sockets=True, tls=place.tls)
            data = bytes(range(256)) * 4 * 1024 * 8  # 8 MiB
            calls = [kit.call(client, ECHO, 60, data=data if n % 10 == 0 else b"%d" % n) for n in range(20)]
            answers = await asyncio.gather(*calls)
            assert answers == [data if n % 10 == 0 else b"%d" % n for n in range(20)]
            with pytest.raises(InvalidArgument, match="limit is 16777216"):
                await kit.call(client, ECHO, data=data * 2)

    run(main())


def test_deadlines_and_cancellation(run: Run, place: Place) -> None:
    async def main() -> None:
        cancelled = 0

        async def echo(context: CallContext, request: Any) -> bytes:
            nonlocal cancelled
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                cancelled += 1
                raise
            return b""

        async with Kit() as kit:
            server, address = await kit.listen(place, echo=echo)
            client = kit.client(address, sockets=True, tls=place.tls)
            with pytest.raises(DeadlineExceeded):
                await kit.call(client, ECHO, 0.05, data=b"")
            await until(lambda: cancelled == 1)
            task = asyncio.ensure_future(kit.call(client, ECHO, data=b""))
            await until(lambda: server.running == 1)
            task.cancel()
            await until(lambda: cancelled == 2 and server.running == 0)

    run(main())


def test_a_consumer_that_reads_slowly_holds_the_producer_back(run: Run, place: Place) -> None:
    async def main() -> None:
        produced = 0

        async def count(context: CallContext, request: Any) -> AsyncIterator[int]:
            nonlocal produced
            for number in range(request.upto):
                produced = number + 1
                yield number

        async with Kit() as kit:
            _, address = await kit.listen(place, count=count)
            client = kit.client(address, sockets=True, tls=place.tls, options=WireOptions(window_items=16))
            taken = 0
            async for _ in kit.stream(client, 2000):
                taken += 1
                assert produced <= taken + 17
            assert taken == 2000

    run(main())


def test_a_drain_under_load_loses_nothing(run: Run, folder: Path) -> None:
    async def main() -> None:
        async with Kit() as kit:
            places = [Place(Address("unix", path=f"{folder}/{name}"), None) for name in "ab"]
            servers = [(await kit.listen(place))[0] for place in places]
            client = kit.client(*(str(place.address) for place in places), sockets=True)
            done = 0

            async def caller(number: int) -> None:
                nonlocal done
                for turn in range(100):
                    data = b"%d.%d" % (number, turn)
                    assert await kit.call(client, ECHO, data=data) == data
                    done += 1

            callers = asyncio.gather(*(caller(n) for n in range(20)))
            for index in (0, 1, 0, 1):
                target = done + 200
                await until(lambda target=target: done >= target)  # type: ignore[misc]
                assert await servers[index].drain(10) is True
                await servers[index].close()
                servers[index], _ = await kit.listen(places[index])
            await callers
            assert done == 2000

    run(main())


@contextmanager
def served_by_a_thread(path: Path) -> Iterator[None]:
    """A server on a loop of its own, whose `echo` takes a while."""
    started, stop = threading.Event(), threading.Event()

    async def echo(context: CallContext, request: Any) -> bytes:
        await asyncio.to_thread(stop.wait, 0.5)
        return bytes(request.data)

    async def main() -> None:
        async with Kit() as kit:
            await kit.listen(Place(Address("unix", path=str(path)), None), echo=echo)
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    started.wait()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_client_that_stood_still_itself_takes_nobody_for_silent(run: Run, folder: Path) -> None:
    async def main() -> None:
        async with Kit() as kit:
            addresses = [f"unix:{folder}/{name}" for name in "ab"]
            client = kit.client(*addresses, sockets=True, options=WireOptions(suspect_seconds=0.02))
            route = client._routes.to("wallet")
            calls = [asyncio.ensure_future(kit.call(client, ECHO, 60, data=b"x")) for _ in range(4)]
            while not all(call.done() for call in calls):
                time.sleep(0.05)  # noqa: ASYNC251  (so that every timer is late)
                await asyncio.sleep(0)
                assert not any(channel.fitness.silent for channel in route.channels)
            assert await asyncio.gather(*calls) == [b"x"] * 4

    with served_by_a_thread(folder / "a"), served_by_a_thread(folder / "b"):
        run(main())


def test_a_server_that_closes_lets_its_clients_hang_up_first(run: Run, folder: Path) -> None:
    async def main() -> None:
        async with Kit() as kit:
            server, _ = await kit.listen(Place(Address("unix", path=f"{folder}/a.sock"), None))
            peer = RawPeer()
            transport, _ = await asyncio.get_running_loop().create_unix_connection(lambda: peer, f"{folder}/a.sock")
            await until(lambda: server.connections == 1)
            transport.pause_reading()  # a busy client: it does not know yet that the server goes away
            closing = asyncio.ensure_future(server.close())
            for number in range(1, 100):
                await asyncio.sleep(0)
                peer.connection.send_request(Request(number, "wallet/Wallet/1.2/echo", 5000, ECHO_BODY))
                peer.send()
            transport.resume_reading()
            await until(lambda: peer.lost or any(type(frame) is GoAway for frame in peer.frames))
            assert not peer.lost
            assert not closing.done()
            transport.close()
            await closing

    run(main())


def test_a_call_that_the_system_does_not_take_is_made_again(run: Run, folder: Path) -> None:
    async def main() -> None:
        loop, address = asyncio.get_running_loop(), Address("unix", path=f"{folder}/a.sock")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.setblocking(False)
            listening.bind(address.path)
            listening.listen()
            async with Kit() as kit:
                client = kit.client(str(address), sockets=True)
                channel = client._routes.to("wallet").channels[0]
                channel.want()
                old, _ = await loop.sock_accept(listening)
                await loop.sock_sendall(old, ServerConnection(WireOptions(), RawPeer()).take())
                await until(lambda: channel.link is not None)
                new = WireServer(endpoints({}), wheel=kit.wheel, clock=kit.clock)
                kit.servers.append(new)
                await new.listen(address, sock=listening.dup())
                old.close()  # and nobody can have noticed when the call is sent
                assert await kit.call(client, ECHO, data=b"x") == b"x"

    run(main())


def test_reconnects_after_a_restart_at_the_same_address(run: Run, folder: Path) -> None:
    async def main() -> None:
        place = Place(Address("unix", path=f"{folder}/a"), None)
        async with Kit() as kit:
            server, address = await kit.listen(place)
            client = kit.client(address, sockets=True)
            assert await kit.call(client, ECHO, data=b"1") == b"1"
            await server.close()
            waiting = asyncio.ensure_future(kit.call(client, ECHO, data=b"2"))
            await asyncio.sleep(0.01)
            await kit.listen(place)
            assert await waiting == b"2"

    run(main())


@contextmanager
def wallet_process(address: str) -> Iterator[subprocess.Popen[str]]:
    """A server in a process of its own."""
    script = Path(__file__).with_name("wallet_process.py")
    process = subprocess.Popen([sys.executable, str(script), address], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


async def hang(kit: Kit, client: Any, process: subprocess.Popen[str]) -> asyncio.Future[Any]:
    """Make a call that the process never answers, and wait until it works on it."""
    call = asyncio.ensure_future(kit.call(client, ECHO, 60, data=b"hang"))
    assert process.stdout is not None
    assert await asyncio.to_thread(process.stdout.readline) == "hanging\n"
    return call


def test_a_process_killed_in_the_middle(run: Run, folder: Path) -> None:
    async def main() -> None:
        async with Kit() as kit:
            client = kit.client(f"unix:{folder}/a", sockets=True)
            with wallet_process(f"unix:{folder}/a") as process:
                call = await hang(kit, client, process)
                process.kill()
                with pytest.raises(Unavailable, match="lost during the call") as caught:
                    await call
                assert caught.value.may_have_run is True
                with pytest.raises(Unavailable, match="could not be reached") as caught:
                    await kit.call(client, ECHO, 0.2, data=b"")
                assert caught.value.may_have_run is False
            with wallet_process(f"unix:{folder}/a"):  # over the socket file that the killed one left behind
                assert await kit.call(client, ECHO, data=b"back") == b"back"

    run(main())


def test_a_process_that_stops_answering(run: Run, folder: Path) -> None:
    async def main() -> None:
        async with Kit() as kit:
            client = kit.client(f"unix:{folder}/a", sockets=True, options=WireOptions(keepalive_seconds=0.1))
            with wallet_process(f"unix:{folder}/a") as process:
                call = await hang(kit, client, process)
                process.send_signal(signal.SIGSTOP)
                with pytest.raises(Unavailable, match="no sign of life") as caught:
                    await call
                assert caught.value.may_have_run is True

    run(main())


def links() -> int:
    """How many connections exist in memory, ended or not."""
    gc.collect()
    return sum(isinstance(found, Link) for found in gc.get_objects())


def test_connections_that_come_and_go_leave_nothing(run: Run, place: Place) -> None:
    async def main() -> None:
        before = links()
        async with Kit() as kit:
            server, address = await kit.listen(place)

            async def wave() -> None:
                clients = [kit.client(address, sockets=True, tls=place.tls) for _ in range(50)]
                await asyncio.gather(*(kit.call(client, ECHO, data=b"x") for client in clients))
                assert server.connections == 50
                await asyncio.gather(*(client.close() for client in clients))
                kit.clients.clear()
                await until(lambda: server.connections == 0)

            kept = []
            for _ in range(4):
                tracemalloc.start()
                for _ in range(1 if place.tls else 5):
                    await wave()
                assert links() == before
                kept.append(tracemalloc.get_traced_memory()[0])
                tracemalloc.stop()
            assert min(kept[1:]) < 100_000, f"{kept} bytes kept after 250 connections each"

    run(main())


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 100, b"\xff" * 10_000, b"\0\0\0\x05\x95\0\x01\x01\x01"]
)
def test_strangers_are_dropped_and_nobody_else_notices(run: Run, folder: Path, data: bytes) -> None:
    async def main() -> None:
        async with Kit() as kit:
            place = Place(Address("unix", path=f"{folder}/a"), None)
            server, address = await kit.listen(place)
            client = kit.client(address, sockets=True)
            await kit.call(client, ECHO, data=b"")
            peer = RawPeer()
            await asyncio.get_running_loop().create_unix_connection(lambda: peer, place.address.path)
            peer.send(data)
            await until(lambda: peer.lost and server.connections == 1)
            assert await kit.call(client, ECHO, data=b"x") == b"x"

    run(main())
