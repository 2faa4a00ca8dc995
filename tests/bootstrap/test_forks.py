"""Which open files are the unit's own, and what is told of forks; real ones are in tests/system/test_adopted.py."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from calve.bootstrap.forks import ForkGuard, find_sockets
from calve.observe import Logger
from calve.testing.fakes.observe import CapturedLogs
from calve.transport.wire import Address


def test_sockets_are_found_by_their_addresses(sockets: Path) -> None:
    ours, others = str(sockets / "ours.sock"), str(sockets / "others.sock")
    listening = {path: socket.socket(socket.AF_UNIX) for path in (ours, others)}
    for path, sock in listening.items():
        sock.bind(path)
        sock.listen()
    web, foreign = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
    client, stranger = socket.socket(socket.AF_UNIX), socket.create_connection(foreign.getsockname())
    client.connect(others)
    visitor = socket.create_connection(web.getsockname())
    accepted, _ = web.accept()
    loose, (read, write) = socket.socket(), os.pipe()
    port = Address("tcp", host="0.0.0.0", port=web.getsockname()[1])
    found = set(find_sockets([Address("unix", path=ours), port], [Address("unix", path=others)]))
    assert found == {sock.fileno() for sock in (listening[ours], web, accepted, client)}
    assert set(find_sockets([], [])) == set()
    for sock in (*listening.values(), web, foreign, client, stranger, visitor, accepted, loose):
        sock.close()
    os.close(read)
    os.close(write)


async def test_each_line_that_forks_is_told_once() -> None:
    guard = ForkGuard(list, list, list, Logger("test"))

    def fork() -> None:
        guard.fork_seen()

    with CapturedLogs() as logs:
        for _ in range(3):
            fork()
        guard.fork_seen()
    places = [line.fields["place"] for line in logs.lines if "forked" in line.message]
    assert len(places) == 2
    assert all(place.startswith(__file__) for place in places)
