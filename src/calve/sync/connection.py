"""A process outside of all units, connected to them: an event loop in a thread, with stubs of all contracts on it.

    connect() ──open──> thread: calve.toml, contracts, addresses ──> stubs ──close──> thread ends
                          └─ ConfigError: nothing is left; the next call tries again

Addresses come from where `calve call` has them: `[discovery] file`, else the file that `calve run` keeps beside
calve.toml while it runs. The file is watched, so that a restart of the units is noticed.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..bootstrap import Application, Base
from ..bootstrap.forks import find_sockets
from ..core.errors import CalveError
from ..core.forks import release, watch_forks
from ..core.unit import RunningUnit, current_unit
from ..runtime import load_config
from ..runtime.config import prefer_root
from ..runtime.endpoints import published_path
from ..runtime.wire import tls_options, wire_options
from ..transport.wire import FileResolver, WireClient
from .client import Client

if TYPE_CHECKING:
    from ..runtime import AppConfig

C = TypeVar("C")

CLOSE_SECONDS = 5.0


class Connection:
    """Calls from this process to running units; a context manager. Opened at the first call, by any thread.

    Args:
        path: calve.toml; None is what CALVE_CONFIG names, else the nearest one from the current folder upwards.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._unit: RunningUnit | None = None
        self._thread: threading.Thread | None = None
        self._stopping: asyncio.Event | None = None
        self._resolver: FileResolver | None = None
        self._closed = False

    def client(self, contract: Callable[..., C]) -> Client[C]:
        """A client of a contract that uses this connection."""
        return Client(cast("type[Any]", contract), self.open)

    def open(self) -> RunningUnit:
        """Connect, unless that has been done in this process.

        Raises: ConfigError: there is no project, or something is wrong with it. CalveError: the connection is closed.
        """
        with self._lock:
            if self._closed:
                raise CalveError("the connection is closed")
            if self._unit is None or not self._unit.here:
                self._unit = self._start()
            return self._unit

    def close(self) -> None:
        """Let go of it; calls that wait get Unavailable. Safe to call twice, and in a fork of its process."""
        with self._lock:
            self._closed = True
            unit, self._unit = self._unit, None
            if unit is None or not unit.here or self._stopping is None or self._thread is None:
                return
            unit.loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(CLOSE_SECONDS)

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def forked(self) -> None:
        """See `Forkable.forked`: the sockets are the parent's."""
        self._lock = threading.Lock()  # a thread that does not exist here may have held it
        if self._resolver is not None:
            release(find_sockets((), self._resolver.known()))

    def fork_seen(self) -> None:
        """See `Forkable.fork_seen`."""

    def _start(self) -> RunningUnit:
        config = load_config(self._path)
        started: list[RunningUnit | BaseException] = []
        ready = threading.Event()

        async def live() -> None:
            async with self._connected(config) as unit:
                self._stopping = asyncio.Event()
                started.append(unit)
                ready.set()
                await self._stopping.wait()
                unit.close()

        def run() -> None:
            try:
                asyncio.run(live())
            except BaseException as error:  # noqa: BLE001  (whoever waits for the start gets it)
                started.append(error)
            finally:
                ready.set()

        # A daemon: a program that does not close its connection ends all the same.
        self._thread = threading.Thread(target=run, name="calve-sync", daemon=True)
        self._thread.start()
        ready.wait()
        if isinstance(started[0], BaseException):
            raise started[0]
        watch_forks(self)
        return started[0]

    @asynccontextmanager
    async def _connected(self, config: AppConfig) -> AsyncIterator[RunningUnit]:
        prefer_root(config)
        base = Base.make()
        async with AsyncExitStack() as stack:
            path = config.discovery.file or published_path(config.root)
            client = None
            if path.is_file():
                self._resolver = FileResolver(path)
                await self._resolver.start()
                stack.push_async_callback(self._resolver.close)
                options, tls = wire_options(config), tls_options(config)
                client = WireClient(self._resolver, wheel=base.wheel, clock=base.clock, options=options, tls=tls)
                stack.push_async_callback(client.close)
            application = Application(config, (), base, client)
            stack.push_async_callback(application.stop)
            await application.start()
            yield RunningUnit(functools.partial(application.stub_for, "a program outside"))


def connect(config: Path | str | None = None) -> Connection:
    """A connection of one's own: `with sync.connect() as connection: wallet = connection.client(Wallet)`.

    Args: config: calve.toml; see `Connection`.
    """
    return Connection(None if config is None else Path(config))


def client(contract: Callable[..., C]) -> Client[C]:
    """A synchronous client of a contract: `wallet = sync.client(Wallet)`.

    It may be made anywhere, when a module is imported too; nothing is connected before the first call.

    Raises: ContractError: it is no contract.
    """
    # A callable to type checkers, because they refuse a protocol class, which has no instances, for `type[C]`.
    return Client(cast("type[Any]", contract), lambda: current_unit() or shared().open())


class _Shared:
    """The connection that the clients of this process share, by what it was made for."""

    lock = threading.Lock()
    connection: Connection | None = None
    pid = 0


def shared() -> Connection:
    """The connection of this process, for all clients that have none of their own."""
    if _Shared.pid != os.getpid():  # the first one, or forked: the lock may be held by a thread that is not here
        _Shared.lock, _Shared.connection, _Shared.pid = threading.Lock(), None, os.getpid()
    with _Shared.lock:
        if _Shared.connection is None:
            _Shared.connection = Connection()
            atexit.register(close)
        return _Shared.connection


def close() -> None:
    """Close the connection of this process, if there is one; the next call opens another."""
    with _Shared.lock:
        connection, _Shared.connection = _Shared.connection, None
    if connection is not None:
        connection.close()
    atexit.unregister(close)
