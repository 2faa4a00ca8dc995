"""Units that find each other by DNS alone, as behind a headless service, with a name server of the test's own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.transport.wire.name_server import NameServer, name_server

from .conftest import calve_run, request, until


@contextmanager
def asked() -> Iterator[NameServer]:
    """A name server in a thread."""
    made: list[NameServer] = []
    up, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        async with name_server() as server:
            made.append(server)
            up.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    up.wait()
    try:
        yield made[0]
    finally:
        stop.set()
        thread.join()


def free_port(host: str) -> int:
    """One that was free a moment ago."""
    with socket.create_server((host, 0)) as sock:
        return int(sock.getsockname()[1])


def test_a_unit_finds_another_and_follows_it(till: Path, short_tmp: Path) -> None:
    port = free_port("127.0.0.1")
    with asked() as server:
        discovery = {
            "CALVE_DISCOVERY_DNS": f"dns://{{unit}}.till.test:{port}",
            "CALVE_DISCOVERY_NAMESERVER": f"127.0.0.1:{server.port}",
        }
        with calve_run(till, short_tmp, "--unit", "front", **discovery) as front:
            url = front.line(r'"url": ?"(http://[^"]+)"')[1]
            nobody = request(f"{url}/coins", headers={"X-Request-Timeout": "0.5"})
            assert nobody.status == 503
            assert f"dns://money.till.test:{port}: there is no such name" in nobody.json()["detail"]
            server.records["money.till.test.", "A"] = 1, ["127.0.0.1"]
            with calve_run(till, short_tmp, "--unit", "money", CALVE_WIRE_LISTEN=f"tcp://127.0.0.1:{port}") as money:
                money.line('"ready"')
                until(lambda: request(f"{url}/answer").status == 200, "the answer of the name server")
                assert money.stop() == 0
            server.records["money.till.test.", "A"] = 1, ["127.0.0.2"]
            with calve_run(till, short_tmp, "--unit", "money", CALVE_WIRE_LISTEN=f"tcp://127.0.0.2:{port}") as money:
                money.line('"ready"')
                until(lambda: request(f"{url}/answer").status == 200, "the new address")
                assert money.stop() == 0
            assert front.stop() == 0
