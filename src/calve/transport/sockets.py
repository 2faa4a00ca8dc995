"""TCP sockets to listen on; everything that can be wrong with them is a ConfigError.

Here and not beside a server, because the supervisor opens sockets that servers in other processes accept from.
"""

from __future__ import annotations

import errno
import socket

from ..core.errors import ConfigError

BACKLOG = 1024
"""Connections the system accepts ahead of the server."""


def listen_tcp(host: str, port: int, where: str) -> socket.socket:
    """A listening socket. Without SO_REUSEPORT, which would let two servers share a port without either knowing.

    Args:
        host: Address or name to listen on.
        port: 0 picks a free one.
        where: The settings that say so, for the error.
    Raises: ConfigError: nobody can listen there.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise ConfigError(f"host {host!r} is not an address of any machine", where=where, fix="set host") from error
    family, kind, proto, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    sock = socket.socket(family, kind, proto)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted connections inherit it
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise _cannot_listen(error, host, port, where) from error
    return sock


def _cannot_listen(error: OSError, host: str, port: int, where: str) -> ConfigError:
    if error.errno == errno.EADDRINUSE:
        fix = "stop the process that has it, or set another port (0 picks a free one)"
        return ConfigError(f"port {port} of {host} is in use", where=where, fix=fix)
    if error.errno == errno.EACCES:
        return ConfigError(f"port {port} needs privileges this process lacks", where=where, fix="set a port above 1023")
    if error.errno == errno.EADDRNOTAVAIL:
        return ConfigError(f"{host} is not an address of this machine", where=where, fix="set host")
    return ConfigError(f"cannot listen on {host}, port {port}: {error.strerror}", where=where)
