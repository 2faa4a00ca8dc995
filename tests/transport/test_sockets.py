"""Listening sockets and what can be wrong with them."""

from __future__ import annotations

import os
import socket

import pytest

from calve.core.errors import ConfigError
from calve.transport.sockets import listen_tcp


def test_connections_are_accepted() -> None:
    with listen_tcp("127.0.0.1", 0, "here") as sock, socket.create_connection(sock.getsockname()) as client:
        client.sendall(b"x")
        sock.setblocking(True)
        accepted, _ = sock.accept()
        with accepted:
            assert accepted.recv(1) == b"x"
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_in_use() -> None:
    with listen_tcp("127.0.0.1", 0, "here") as sock:
        port = sock.getsockname()[1]
        with pytest.raises(ConfigError, match=f"here: port {port} of 127.0.0.1 is in use; stop the process"):
            listen_tcp("127.0.0.1", port, "here")


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("nowhere.invalid", "here: host 'nowhere.invalid' is not an address of any machine; set host"),
        ("192.0.2.1", "here: 192.0.2.1 is not an address of this machine; set host"),
    ],
)
def test_a_host_that_is_not_this_one(host: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        listen_tcp(host, 0, "here")


@pytest.mark.skipif(os.geteuid() == 0, reason="only on an unprivileged user: root may listen anywhere")
def test_a_port_of_the_system() -> None:
    with pytest.raises(ConfigError, match="here: port 1 needs privileges this process lacks; set a port above 1023"):
        listen_tcp("127.0.0.1", 1, "here")
