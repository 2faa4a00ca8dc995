"""What a unit does about forks of its process (core/forks.py): the child lets go of what is the unit's.

sockets      those that listen, those that were accepted, those to other units: found by their addresses, because
             the HTTP server and the event loop keep theirs to themselves
stores       their locks, and their connections without closing them
the loop     ends the child if it ever gets to run there
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator

from ..core.forks import become_child, leave_if_forked, release, watch_forks
from ..observe import Logger
from ..store import Store
from ..transport.wire import Address

_DESCRIPTORS = ("/proc/self/fd", "/dev/fd")
_STANDARD = 2


class ForkGuard:
    """Keeps the forks of one unit's process from acting as the unit. Made on its loop; ends when it is dropped.

    Args:
        ours: Addresses that the unit listens at; asked in the child.
        others: Addresses that it connects to.
        stores: Its databases.
        log: Told of forks, once per line of code that makes them.
    """

    def __init__(
        self,
        ours: Callable[[], Iterable[Address]],
        others: Callable[[], Iterable[Address]],
        stores: Callable[[], Iterable[Store]],
        log: Logger,
    ) -> None:
        self._ours, self._others, self._stores, self._log = ours, others, stores, log
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._seen: set[str] = set()
        watch_forks(self)

    def forked(self) -> None:
        """See `Forkable.forked`."""
        become_child()
        release(find_sockets(self._ours(), self._others()))
        for store in self._stores():
            store.forked()
        if threading.get_ident() == self._thread:
            self._loop.call_soon(leave_if_forked)

    def fork_seen(self) -> None:
        """See `Forkable.fork_seen`."""
        place = _place()
        if place not in self._seen:
            self._seen.add(place)
            self._log.warning("a process was forked from this unit; it has none of its connections", place=place)


def find_sockets(ours: Iterable[Address], others: Iterable[Address]) -> Iterator[int]:
    """Descriptors of the sockets that are bound to one of our addresses, or connected to one of the others."""
    local, remote = _names(ours), _names(others)
    for descriptor in _descriptors():
        try:
            with _Borrowed(descriptor) as sock:
                if _name(sock.getsockname()) in local or (remote and _name(sock.getpeername()) in remote):
                    yield descriptor
        except OSError:  # no socket, or not connected
            continue


class _Borrowed:
    """A socket object for a descriptor that somebody else owns."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> socket.socket:
        self._sock = socket.socket(fileno=self._descriptor)
        return self._sock

    def __exit__(self, *_: object) -> None:
        self._sock.detach()


def _descriptors() -> list[int]:
    for folder in _DESCRIPTORS:
        try:
            return [int(name) for name in os.listdir(folder) if int(name) > _STANDARD]
        except OSError:
            continue
    return list(range(_STANDARD + 1, 1024))


def _names(addresses: Iterable[Address]) -> set[str | int]:
    return {address.path or address.port for address in addresses}


def _name(found: object) -> object:
    """The path of a Unix socket, or the port of another: addresses of the machine may be written in many ways."""
    return found[1] if isinstance(found, tuple) else found


def _place() -> str:
    """The line that forked: the innermost one outside of Calve and the standard library."""
    frame = sys._getframe(1)
    ours, standard = os.path.dirname(os.path.dirname(__file__)), os.path.dirname(os.__file__)
    found = ""
    while frame is not None:
        name = frame.f_code.co_filename
        found = f"{name}:{frame.f_lineno}"
        library = name.startswith(standard) and "site-packages" not in name
        if not (library or name.startswith((ours, "<"))):
            break
        frame = frame.f_back  # type: ignore[assignment]
    return found
