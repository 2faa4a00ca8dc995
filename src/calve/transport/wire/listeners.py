"""Listening sockets: made, checked and cleaned up; everything that can be wrong with them is a ConfigError.

A Unix socket leaves a file behind when its process is killed, and a bound name cannot be bound again:

    no file                          bind
    a socket nobody answers at       stale: removed, then bind
    a socket somebody answers at     ConfigError: the unit runs already
    anything else                    ConfigError: never removed, it is not ours

A supervisor opens the sockets of its units itself and hands them down, so that clients can connect, and wait, while one
process takes the place of another.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
import sys
from collections.abc import Callable

from ...core.errors import ConfigError
from ..sockets import BACKLOG
from .address import Address
from .tls import TlsOptions, TlsReads, read_buffer, server_context


class Listener:
    """One listening socket."""

    def __init__(self, address: Address, server: asyncio.Server, inode: tuple[int, int] | None) -> None:
        self.address = address
        """Where it can be reached; the port is the real one."""
        self._server, self._inode = server, inode

    def close(self) -> None:
        """Accept nobody any more, and remove the file of a Unix socket. Connections go on."""
        self._server.close()
        if self._inode is not None and _inode(self.address.path) == self._inode:
            os.unlink(self.address.path)


async def listen(
    address: Address,
    factory: Callable[[], asyncio.Protocol],
    tls: TlsOptions | None,
    handshake_seconds: float,
    sock: socket.socket | None = None,
) -> Listener:
    """Open a listening socket.

    Args:
        address: Port 0 lets the system choose.
        factory: Makes the protocol of a connection.
        tls: For `tls://`, and only for it.
        handshake_seconds: How long a peer may take for the TLS handshake.
        sock: A Unix socket that listens at `address` already. Whoever opened it keeps its file.
    Raises: ConfigError: port or socket in use, no permission, no such host or folder, unreadable certificates.
    """
    if (address.scheme == "tls") != (tls is not None):
        what = "needs certificates" if tls is None else "cannot use certificates"
        raise ConfigError(f"address {address} {what}", fix="use tls:// together with cert, key and ca, or neither")
    loop = asyncio.get_running_loop()
    if sock is not None:
        return await _take_over(address, factory, loop, sock)
    if address.scheme == "unix":
        return await _listen_unix(address, factory, loop)
    context = server_context(tls) if tls is not None else None
    sock, buffer = await _bind(address, loop), read_buffer()
    server = await loop.create_server(
        factory if context is None else lambda: TlsReads(factory(), buffer),
        sock=sock,
        ssl=context,
        ssl_handshake_timeout=handshake_seconds if context is not None else None,
        backlog=BACKLOG,
    )
    return Listener(Address(address.scheme, host=address.host, port=sock.getsockname()[1]), server, None)


async def _bind(address: Address, loop: asyncio.AbstractEventLoop) -> socket.socket:
    """A TCP socket bound to the first address that the host stands for."""
    sock = None
    try:
        found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, place = found[0]
        sock = socket.socket(family, kind, protocol)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind(place)
        sock.listen(BACKLOG)  # here, where a port that another socket listens on is still an error of ours
    except OSError as error:
        if sock is not None:
            sock.close()
        raise _config_error(address, error) from error
    return sock


async def _listen_unix(
    address: Address, factory: Callable[[], asyncio.Protocol], loop: asyncio.AbstractEventLoop
) -> Listener:
    _remove_stale(address)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.bind(address.path)
        # Nobody can connect between bind and listen, so there is no moment at which the mode is still the default one.
        os.chmod(address.path, 0o600)
        server = await loop.create_unix_server(factory, sock=sock, backlog=BACKLOG)
    except OSError as error:
        sock.close()
        raise _config_error(address, error) from error
    return Listener(address, server, _inode(address.path))


async def _take_over(
    address: Address, factory: Callable[[], asyncio.Protocol], loop: asyncio.AbstractEventLoop, sock: socket.socket
) -> Listener:
    keep: dict[str, bool] = {}
    if sys.version_info >= (3, 13) and isinstance(loop, asyncio.BaseEventLoop):
        keep["cleanup_socket"] = False  # it would remove the file, which others listen at, too
    server = await loop.create_unix_server(factory, sock=sock, backlog=BACKLOG, **keep)  # type: ignore[arg-type]
    return Listener(address, server, None)


def _remove_stale(address: Address) -> None:
    try:
        mode = os.lstat(address.path).st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise _config_error(address, error) from error
    if not stat.S_ISSOCK(mode):
        raise ConfigError("is not a socket", where=str(address), fix="choose another path, or remove what is there")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # a live server whose backlog is full answers EAGAIN instead of keeping us waiting
        answer = probe.connect_ex(address.path)
    if answer == errno.ECONNREFUSED:
        os.unlink(address.path)
    elif answer != errno.ENOENT:
        raise _in_use(address)


def _in_use(address: Address) -> ConfigError:
    if address.scheme == "unix":
        fix = "stop the process that listens there, or choose another path"
        return ConfigError("another process already listens there", where=str(address), fix=fix)
    fix = f"stop the process that uses it (ss -ltnp 'sport = :{address.port}'), or choose another port"
    return ConfigError(f"port {address.port} is in use", where=str(address), fix=fix)


def _config_error(address: Address, error: OSError) -> ConfigError:
    if error.errno == errno.EADDRINUSE:
        return _in_use(address)
    if isinstance(error, PermissionError):
        fix = "choose a port above 1023 or a folder this user may write to"
        return ConfigError("permission denied", where=str(address), fix=fix)
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        folder = os.path.dirname(address.path)
        return ConfigError(f"folder {folder} does not exist", where=str(address), fix="make it, or choose another path")
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        fix = "use 127.0.0.1, 0.0.0.0 or an address of this machine"
        return ConfigError(f"host {address.host!r} is not this machine's", where=str(address), fix=fix)
    return ConfigError(f"cannot listen: {error}", where=str(address), fix="choose another address")


def _inode(path: str) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
