"""What the tests of the wire share: a contract, servers with handlers of the test's own, clients."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast
from uuid import UUID

import pytest
import uvloop

from calve.contract import Contract, DomainError, Endpoint, Message, Operation, command, describe, query
from calve.core.clock import Clock, SystemClock
from calve.core.context import CallContext
from calve.core.deadline import NEVER, TimerWheel
from calve.testing.certificates import Authority
from calve.testing.fakes.wire import MemoryNetwork
from calve.testing.loop import VirtualLoop
from calve.transport.wire import (
    Address,
    Dialler,
    Resolver,
    StaticResolver,
    TlsOptions,
    WireClient,
    WireOptions,
    WireServer,
)
from calve.transport.wire.frames import VERSION, Hello
from calve.transport.wire.protocol_client import ClientConnection
from calve.transport.wire.protocol_server import ServerConnection


class Balance(Message):
    """An answer."""

    owner: UUID
    cents: int


class InsufficientFunds(DomainError):
    """There is not enough money."""

    missing_cents: int


class Undeclared(DomainError):
    """An error that no operation declares."""


class Wallet(Contract, Protocol, version="1.2"):
    """What the tests call."""

    @command(raises=[InsufficientFunds])
    async def debit(self, owner: UUID, cents: int) -> Balance: ...

    @query()
    async def echo(self, data: bytes) -> bytes: ...

    @query(raises=[InsufficientFunds])
    def count(self, upto: int) -> AsyncIterator[int]: ...


INFO = describe(Wallet)
DEBIT, ECHO, COUNT = (INFO.operations[name] for name in ("debit", "echo", "count"))
OWNER = UUID(int=7)
ECHO_BODY: Any = {"data": b"x"}
"""A request of `echo` as a frame takes it."""

Handler = Callable[[CallContext, Any], Any]


async def echo(context: CallContext, request: Any) -> bytes:
    """The default handler of `echo`."""
    return bytes(request.data)


async def debit(context: CallContext, request: Any) -> Balance:
    """The default handler of `debit`."""
    return Balance(owner=request.owner, cents=100 - request.cents)


async def count(context: CallContext, request: Any) -> AsyncIterator[int]:
    """The default handler of `count`."""
    for number in range(request.upto):
        yield number


DEFAULTS: dict[str, Handler] = {"echo": echo, "debit": debit, "count": count}


async def _never(context: CallContext, request: Any) -> Any:
    raise AssertionError("a streaming operation was called as one with an answer")


def endpoints(handlers: Mapping[str, Handler], service: str = "wallet") -> list[Endpoint]:
    """Endpoints of `Wallet` with these handlers, the defaults for the others."""
    made = []
    for name, operation in INFO.operations.items():
        handler = handlers.get(name) or DEFAULTS[name]
        if operation.streaming:
            made.append(Endpoint(service, operation, _never, handler))
        else:
            made.append(Endpoint(service, operation, handler))
    return made


class Kit:
    """Servers and clients on the running loop; virtual time if the loop has it."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.clock: Clock = loop.clock if isinstance(loop, VirtualLoop) else SystemClock()
        self.wheel = TimerWheel(loop, self.clock.monotonic)
        self.network = MemoryNetwork()
        self.servers: list[WireServer] = []
        self.clients: list[WireClient] = []

    def server(self, address: str = "unix:/a", options: WireOptions | None = None, **handlers: Handler) -> WireServer:
        """A server reached in memory at `address`, with these handlers by operation."""
        server = WireServer(endpoints(handlers), wheel=self.wheel, clock=self.clock, options=options or WireOptions())
        self.network.serve(address, server)
        self.servers.append(server)
        return server

    def client(
        self,
        *addresses: str,
        options: WireOptions | None = None,
        dialler: Dialler | None = None,
        sockets: bool = False,
        tls: TlsOptions | None = None,
        resolver: Resolver | None = None,
    ) -> WireClient:
        """A client that finds the wallet at these addresses, and thinks that `walet` is there, too."""
        services: dict[str, Sequence[str]] = dict.fromkeys(("wallet", "walet"), addresses or ("unix:/a",))
        client = WireClient(
            resolver or StaticResolver(services),
            wheel=self.wheel,
            clock=self.clock,
            options=options or WireOptions(),
            tls=tls,
            dialler=None if sockets else dialler or self.network,
        )
        self.clients.append(client)
        return client

    def context(self, seconds: float | None = 5.0, **fields: Any) -> CallContext:
        """The context of a call with so much time."""
        deadline = NEVER if seconds is None else self.clock.monotonic() + seconds
        return CallContext("test", deadline, **fields)

    def call(
        self, client: WireClient, operation: Operation, seconds: float | None = 5.0, **arguments: Any
    ) -> Awaitable[Any]:
        """One call of the wallet."""
        return client.call("wallet", operation, operation.request(**arguments), self.context(seconds))

    def stream(self, client: WireClient, upto: int, seconds: float | None = 5.0) -> AsyncIterator[Any]:
        """Iterate `count` of the wallet."""
        return client.stream("wallet", COUNT, COUNT.request(upto), self.context(seconds))

    async def listen(
        self, place: Place, options: WireOptions | None = None, **handlers: Handler
    ) -> tuple[WireServer, str]:
        """A server on a real socket; returns it and its address."""
        server = WireServer(endpoints(handlers), wheel=self.wheel, clock=self.clock, options=options or WireOptions())
        self.servers.append(server)
        return server, str(await server.listen(place.address, place.tls))

    async def __aenter__(self) -> Kit:
        return self

    async def __aexit__(self, *exc: object) -> None:
        for client in self.clients:
            await client.close()
        for server in self.servers:
            await server.close()
        if exc[0] is None:
            assert len(self.wheel) == 0, "a deadline was left behind"


class RawPeer(asyncio.Protocol):
    """A client that does with its connection what a test says, and keeps what it gets."""

    def __init__(self) -> None:
        self.connection = ClientConnection(WireOptions(), self)
        self.frames: list[Any] = []
        self.lost = False
        self.transport: asyncio.Transport

    def wake(self) -> None:
        """Sent by `send`."""

    def flush(self) -> None:
        """Sent by `send`."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet; the answer arrives before anything a test sends is read."""
        self.transport = cast(asyncio.Transport, transport)
        self.connection._on_hello(Hello(VERSION, 1 << 24, 1024), 0)
        self.connection._rules = {**self.connection._rules, Hello: lambda *_: False}
        self.send()

    def data_received(self, data: bytes) -> None:
        """Keep what came."""
        self.frames += self.connection.receive(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note it."""
        self.lost = True

    def send(self, data: bytes = b"") -> None:
        """Send what the connection has written, and `data` after it."""
        self.transport.write(bytes(self.connection.take()) + data)


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until something holds; pytest's own timeout ends what never does.

    A loop in virtual time lets time pass only when nothing else is left to do, hence the second thousand turns.
    """
    turns = 0
    while not condition():
        turns += 1
        await asyncio.sleep(0 if turns < 1000 else 0.001)


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """`asyncio.run` on each of the loops that production may use; sockets differ between them."""
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop

    def runner(main: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=factory) as made:
            return made.run(main)

    return runner


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for Unix sockets, which pytest's own is not everywhere."""
    with tempfile.TemporaryDirectory(prefix="calve-") as name:
        yield Path(name)


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TlsOptions:
    """Certificates for 127.0.0.1, for both sides."""
    return Authority.new().options(tmp_path_factory.mktemp("tls"), "127.0.0.1")


class Place(NamedTuple):
    """Where to listen, and with what."""

    address: Address
    tls: TlsOptions | None


@pytest.fixture(params=["unix", "tcp", "tls"])
def place(request: pytest.FixtureRequest, folder: Path, tls: TlsOptions) -> Place:
    """One of each kind of address."""
    if request.param == "unix":
        return Place(Address("unix", path=f"{folder}/a.sock"), None)
    return Place(Address(request.param, host="127.0.0.1"), tls if request.param == "tls" else None)


class Slow:
    """A handler of `echo` that waits to be released."""

    def __init__(self) -> None:
        self.started = 0
        self.cancelled = 0
        self.release = asyncio.Event()

    async def __call__(self, context: CallContext, request: Any) -> bytes:
        self.started += 1
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return bytes(request.data)


class ScriptedServer(asyncio.Protocol):
    """A peer that does what a test says with the frames it gets."""

    def __init__(self, version: int = 1) -> None:
        self.connection = ServerConnection(WireOptions(), self)
        self.version = version
        self.frames: list[Any] = []

    def wake(self) -> None:
        """Sent by `send`."""

    def flush(self) -> None:
        """Sent by `send`."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self.transport: Any = transport
        if self.version == 1:
            self.send()
        else:
            self.connection.take()
            self.connection._append(Hello(self.version, 65536, 10, "calve 9.0"), 4096)
            self.send()

    def data_received(self, data: bytes) -> None:
        """Keep what came."""
        self.frames += self.connection.receive(data)

    def send(self) -> None:
        """Send what the connection has written."""
        self.transport.write(self.connection.take())
