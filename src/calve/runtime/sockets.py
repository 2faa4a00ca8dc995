"""Listening sockets that outlive the processes that accept from them.

    supervisor   opens    one TCP socket per unit, for HTTP; all replicas of the unit accept from it
                          one Unix socket per replica, for the wire; so that callers choose the replica
    process      inherits both, by the numbers in CALVE_LISTEN_FDS: `http=5,wire=6`

While a process is replaced, restarted or hangs, connections wait in the system's queue instead of being refused; a port
is never free for anybody else to take; and a port in use is found before any process starts.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from pathlib import Path
from typing import NamedTuple

from ..core.errors import ConfigError
from ..transport.sockets import BACKLOG, listen_tcp

VARIABLE = "CALVE_LISTEN_FDS"
SOCKET_PATH_BYTES_MAX = 103
"""The smallest limit of the systems we run on (macOS: 104 with the closing zero; Linux: 108)."""


class Sockets(NamedTuple):
    """What a unit's process listens at instead of opening sockets of its own."""

    http: socket.socket | None = None
    wire: socket.socket | None = None

    @classmethod
    def take(cls, environ: MutableMapping[str, str]) -> Sockets:
        """The sockets this process inherited. Their variable is removed, so that children of it do not see it."""
        made: dict[str, socket.socket] = {}
        for pair in environ.pop(VARIABLE, "").split(","):
            name, _, number = pair.partition("=")
            if number:
                made[name] = socket.socket(fileno=int(number))
                made[name].set_inheritable(False)
                # Python would take it for blocking and make it so with the first `dup`, for all who share it.
                made[name].setblocking(False)
        return cls(**made)

    def environ(self) -> dict[str, str]:
        """The variable for a process that inherits them."""
        pairs = [f"{name}={sock.fileno()}" for name, sock in self._asdict().items() if sock is not None]
        return {VARIABLE: ",".join(pairs)} if pairs else {}

    def close(self) -> None:
        """Listen no more with these; other processes that have them, and duplicates, go on."""
        for sock in self:
            if sock is not None:
                sock.close()

    def numbers(self) -> tuple[int, ...]:
        """Their descriptors."""
        return tuple(sock.fileno() for sock in self if sock is not None)


NO_SOCKETS = Sockets()
"""Of a process that opens its own."""


def http_socket(host: str, port: int, where: str) -> socket.socket:
    """What the replicas of a unit accept HTTP from. Raises ConfigError like `listen_tcp`."""
    return listen_tcp(host, port, where)


def wire_socket(path: Path) -> socket.socket:
    """What one replica accepts calls from; only this user can connect.

    Raises: ConfigError: the path is too long for a socket.
    """
    check_path(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.bind(os.fspath(path))
        path.chmod(0o600)
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def check_path(path: Path) -> None:
    """Raises ConfigError: too long for a socket."""
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES_MAX:
        what = f"{path} is too long for a socket (at most {SOCKET_PATH_BYTES_MAX} bytes)"
        raise ConfigError(what, where="TMPDIR", fix="set TMPDIR to a shorter folder, such as /tmp")
