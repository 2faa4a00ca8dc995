"""Sockets that are opened by one process and accepted from by others."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

from calve.runtime.sockets import NO_SOCKETS, VARIABLE, Sockets, http_socket, wire_socket


def test_they_are_taken_over_by_number(short_tmp: Path) -> None:
    ours = Sockets(http_socket("127.0.0.1", 0, "here"), wire_socket(short_tmp / "money.sock"))
    assert ours.http is not None
    assert ours.wire is not None
    environ = {VARIABLE: ours.environ()[VARIABLE]}
    copies = {number: os.dup(number) for number in ours.numbers()}  # as a child of this process would have them
    for number, copy in copies.items():
        environ[VARIABLE] = environ[VARIABLE].replace(f"={number}", f"={copy}")
    taken = Sockets.take(environ)
    assert environ == {}, "children of the unit would see it"
    assert taken.http is not None
    assert taken.wire is not None
    assert taken.http.getsockname() == ours.http.getsockname()
    assert taken.wire.getsockname() == str(short_tmp / "money.sock")
    for mine in (taken.http, taken.wire):
        mine.dup().close()
        assert not os.get_blocking(mine.fileno()), "whoever loses a race for a connection would hang"
    for sock in (*ours, *taken):
        assert sock is not None
        assert not os.get_inheritable(sock.fileno())
        sock.close()


def test_most_processes_have_none() -> None:
    assert Sockets.take({}) == NO_SOCKETS
    assert (NO_SOCKETS.environ(), NO_SOCKETS.numbers()) == ({}, ())


def test_connections_wait_for_whoever_accepts_next(short_tmp: Path) -> None:
    path = short_tmp / "money.sock"
    listening = wire_socket(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"hello")
        listening.setblocking(True)
        accepted, _ = listening.accept()
        assert accepted.recv(5) == b"hello"
        accepted.close()
    listening.close()
