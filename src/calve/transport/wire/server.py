"""The serving side of the wire: listens, keeps track of its connections, drains and closes them.

    NEW --listen--> SERVING --drain--> DRAINING --(no call running, or grace over)--> close --> CLOSED

Draining: nobody new is accepted, every client is told which of its calls are still taken (`goaway`) so that it sends
the others elsewhere, and the running ones finish.

Closing: clients hang up first. What one sends before it has read the goaway is refused, and it knows that the call did
not run; if the server hung up first, the call would be lost between the two.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from contextvars import copy_context

from ...contract import Endpoint
from ...core.clock import Clock
from ...core.context import _current
from ...core.deadline import TimerWheel
from .address import Address
from .base import DEFAULT_OPTIONS, WireOptions
from .listeners import Listener, listen
from .served import ServedOperations
from .server_link import ServerLink
from .tls import TlsOptions

CLOSE_SECONDS = 2.0
"""How long closing waits for cancelled calls to end and for clients to take their answers and hang up."""

STOPPING = "this server is stopping"


class WireServer:
    """Serves endpoints on any number of addresses.

    Args:
        endpoints: What can be called.
        wheel: Timer wheel of the loop it is used on.
        clock: The wheel's clock.
        options: Bounds and patience.
        software: Name and version told to clients.
    """

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        *,
        wheel: TimerWheel,
        clock: Clock,
        options: WireOptions = DEFAULT_OPTIONS,
        software: str = "calve",
    ) -> None:
        self._served = ServedOperations(endpoints)
        self._wheel, self._clock, self._options, self._software = wheel, clock, options, software
        self._listeners: list[Listener] = []
        self._links: set[ServerLink] = set()
        # As of now, so that what a process sets for itself holds for its calls, too.
        self._surroundings = copy_context()
        self._surroundings.run(_current.set, None)
        self._draining = False
        self._idle = asyncio.Event()

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where it listens, with real ports; empty after `drain`."""
        return tuple(listener.address for listener in self._listeners)

    @property
    def connections(self) -> int:
        """Number of connections, whether anything is called on them or not."""
        return sum(not link.closed.done() for link in self._links)

    @property
    def running(self) -> int:
        """Number of calls something still works on."""
        return sum(link.running for link in self._links)

    async def listen(
        self, address: Address, tls: TlsOptions | None = None, sock: socket.socket | None = None
    ) -> Address:
        """Accept connections at one more address; from `sock`, if one listens there already.

        Returns: the address with its real port.
        Raises: ConfigError: see `listeners.listen`.
        """
        opening = listen(address, self.accept, tls, self._options.hello_seconds, sock)
        # A task of its own, because what connections do later runs in the context in which the socket was opened.
        listener = await asyncio.get_running_loop().create_task(opening, context=self._surroundings.copy())
        self._listeners.append(listener)
        return listener.address

    def accept(self) -> ServerLink:
        """The protocol of a new connection, for a transport of any kind."""
        return ServerLink(
            self._served,
            wheel=self._wheel,
            clock=self._clock,
            options=self._options,
            loop=asyncio.get_running_loop(),
            surroundings=self._surroundings,
            software=self._software,
            on_begin=self._on_begin,
            on_idle=self._on_idle,
            on_end=self._links.discard,
        )

    async def drain(self, grace_seconds: float) -> bool:
        """Take no more calls and wait for the running ones.

        Args:
            grace_seconds: Longest wait; what still runs then goes on until `close`.
        Returns: whether every call has ended.
        """
        self._draining = True
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        for link in self._links:
            link.connection.go_away(STOPPING)
        self._idle.clear()
        self._on_idle()
        try:
            async with asyncio.timeout(grace_seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """End everything; running calls are cancelled and their callers learn that they may have run. Idempotent."""
        await self.drain(0)
        links = list(self._links)
        for link in links:
            link.stop_calls()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                if links:
                    await self._until_idle()
                await asyncio.gather(*(asyncio.shield(link.closed) for link in links))
        except TimeoutError:
            for link in links:
                link.abort("this server has stopped")

    def _on_begin(self, link: ServerLink) -> None:
        self._links.add(link)
        if self._draining:  # accepted by the system before the listening socket was closed
            link.connection.go_away(STOPPING)

    async def _until_idle(self) -> None:
        self._idle.clear()
        self._on_idle()
        await self._idle.wait()

    def _on_idle(self) -> None:
        if self._draining and not self.running:
            self._idle.set()
