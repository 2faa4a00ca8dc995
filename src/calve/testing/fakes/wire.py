"""The native wire without sockets: pipes in memory that a test can stall, cut and look into.

    client = memory_client(server, wheel=wheel, clock=clock)         every service is at `server`
    await client.call("wallet", operation, request, context)

    network = MemoryNetwork()                                        or several servers, and faults
    network.serve("unix:/a", server_a)
    client = WireClient(StaticResolver({"wallet": ["unix:/a", "unix:/b"]}), ..., dialler=network)
    network.pipes[0].stall()                                         nothing arrives any more, nobody notices
    network.pipes[0].cut()                                           both sides lose the connection

Frames, codec, flow control and back-pressure are the real ones; only the socket is not. Works in virtual time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Any

from ...core.clock import Clock
from ...core.deadline import TimerWheel
from ...transport.wire import Address, WireClient, WireOptions, WireServer

BUFFER_BYTES = 65536
"""What a pipe takes in one direction before it makes its writer wait, as a socket would."""


class MemoryTransport(asyncio.Transport):
    """One end of a pipe."""

    def __init__(self, pipe: MemoryPipe, protocol: asyncio.Protocol) -> None:
        super().__init__({"peername": "in memory"})
        self.protocol = protocol
        self.peer: MemoryTransport
        self.sent = 0
        """Bytes written here so far."""
        self._pipe, self._loop = pipe, asyncio.get_running_loop()
        self._buffer = bytearray()
        self._high, self._paused, self._reading, self._closing, self._lost = BUFFER_BYTES, False, True, False, False

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send; the peer gets it on a later turn of the loop."""
        if self._closing:
            return
        self.sent += len(data)
        self._buffer += data
        if len(self._buffer) > self._high + BUFFER_BYTES and not self._paused:
            self._paused = True
            self.protocol.pause_writing()
        self._loop.call_soon(self.deliver)

    def deliver(self) -> None:
        """Hand the peer what is waiting for it, if the pipe flows and the peer reads."""
        if self._pipe.stalled or not self.peer._reading or self.peer._lost:
            return
        if self._buffer:
            data = bytes(self._buffer)
            self._buffer.clear()
            if self._paused:
                self._paused = False
                self.protocol.resume_writing()
            # As with a socket, nothing of the writer's context variables comes along.
            Context().run(self.peer.protocol.data_received, data)
        if self._closing:
            self.lose(None)
            self.peer.lose(None)

    def lose(self, error: Exception | None) -> None:
        """End this end."""
        if not self._lost:
            self._lost = self._closing = True
            self._loop.call_soon(self.protocol.connection_lost, error)

    def close(self) -> None:
        """End the pipe once everything written has arrived."""
        self._closing = True
        self._loop.call_soon(self.deliver)

    def abort(self) -> None:
        """End the pipe at once."""
        self._pipe.cut()

    def is_closing(self) -> bool:
        """Whether it is ending or has ended."""
        return self._closing

    def pause_reading(self) -> None:
        """Let the peer's data wait."""
        self._reading = False

    def resume_reading(self) -> None:
        """Take what has been waiting."""
        self._reading = True
        self._loop.call_soon(self.peer.deliver)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """How much may wait beyond what the pipe takes."""
        self._high = BUFFER_BYTES if high is None else high

    def get_write_buffer_size(self) -> int:
        """Bytes that have not arrived."""
        return len(self._buffer)


class MemoryPipe:
    """A connection in memory, as the test sees it."""

    def __init__(self, client: asyncio.Protocol, server: asyncio.Protocol) -> None:
        self.stalled = False
        """Whether nothing arrives at either side."""
        self.client, self.server = MemoryTransport(self, client), MemoryTransport(self, server)
        self.client.peer, self.server.peer = self.server, self.client
        server.connection_made(self.server)
        client.connection_made(self.client)

    def stall(self) -> None:
        """Let nothing arrive any more, as a network does that drops packets. Nobody is told."""
        self.stalled = True

    def flow(self) -> None:
        """End a stall; what was sent meanwhile arrives."""
        self.stalled = False
        self.client.deliver()
        self.server.deliver()

    def cut(self) -> None:
        """End the connection for both sides at once; what was on its way is lost."""
        error = ConnectionResetError("connection reset by peer")
        self.client.lose(error)
        self.server.lose(error)


class MemoryNetwork:
    """Servers by address; a `Dialler`."""

    def __init__(self) -> None:
        self.pipes: list[MemoryPipe] = []
        """Every connection ever made, the oldest first."""
        self.attempts = 0
        """Connections asked for, refused ones included."""
        self._accept: dict[Address, Callable[[], asyncio.Protocol]] = {}

    def serve(self, address: str, server: WireServer) -> None:
        """Let a server be reached at an address, in place of what was there."""
        self.serve_protocol(address, server.accept)

    def serve_protocol(self, address: str, accept: Callable[[], asyncio.Protocol]) -> None:
        """Let anything be reached at an address, such as a peer that misbehaves."""
        self._accept[Address.parse(address)] = accept

    def remove(self, address: str) -> None:
        """Refuse connections to an address from now on; those that are there go on."""
        del self._accept[Address.parse(address)]

    async def dial(self, address: Address, factory: Callable[[], asyncio.Protocol]) -> None:
        """Connect. Raises ConnectionRefusedError when nobody is there."""
        self.attempts += 1
        accept = self._accept.get(address)
        if accept is None:
            raise ConnectionRefusedError(111, "Connection refused")
        self.pipes.append(MemoryPipe(factory(), accept()))


class _Everywhere:
    """A resolver that says the same of every service."""

    def __init__(self, address: Address) -> None:
        self._addresses = (address,)

    def resolve(self, service: str) -> Sequence[Address]:
        return self._addresses

    def missing(self, service: str) -> str:
        return "nobody is there"


def memory_client(
    server: WireServer, *, wheel: TimerWheel, clock: Clock, options: WireOptions | None = None
) -> WireClient:
    """A client for which every service is at `server`, connected in memory.

    Args:
        server: Does not have to listen anywhere.
        wheel, clock: Of the running loop.
        options: Of the client.
    """
    network, address = MemoryNetwork(), "unix:/memory"
    network.serve(address, server)
    resolver = _Everywhere(Address.parse(address))
    return WireClient(resolver, wheel=wheel, clock=clock, options=options or WireOptions(), dialler=network)
