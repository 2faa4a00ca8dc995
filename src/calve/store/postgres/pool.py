"""The connections of one store: as many as are needed at a time, up to a bound; the one used last is used next.

acquire() ── free one ────────────────────────────> in use ── release ──> free ── idle too long ──> closed
    ├────── below the bound: open one ──────────>     │  └─── to the first who waits
    └────── wait ──> given one, or a place to open    └─ drop (lost, or in an unknown state) ──> a place for another
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from ...core.forks import release
from ..errors import StoreBusy, StoreUnavailable
from .errors import FOREIGN, translate
from .options import PostgresOptions

_CLOSE_SECONDS = 2.0


class Pool:
    """See the module. Belongs to one event loop.

    Args:
        connect: Opens a connection. Raises one of `FOREIGN`.
    """

    def __init__(self, connect: Callable[[], Awaitable[Any]], options: PostgresOptions) -> None:
        self._connect, self._options = connect, options
        self._loop = asyncio.get_running_loop()
        self._free: list[tuple[Any, float]] = []
        self._waiters: deque[asyncio.Future[Any]] = deque()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False
        self._open_ones: set[Any] = set()
        self.size = 0
        """Connections open or being opened."""

    @property
    def in_use(self) -> int:
        """Connections that somebody has."""
        return self.size - len(self._free)

    @property
    def waiting(self) -> int:
        """How many wait for a connection."""
        return len(self._waiters)

    async def acquire(self) -> Any:
        """A connection that is idle.

        Raises:
            StoreBusy: all are in use, and none became free in time.
            StoreUnavailable: the pool is closed, or no connection can be made.
        """
        deadline = self._loop.time() + self._options.wait_seconds
        while True:
            if self._closed:
                raise StoreUnavailable("the store is closed")
            while self._free:
                connection, _ = self._free.pop()
                if not connection.is_closed():
                    return connection
                self._gone(connection)
            if self.size < self._options.connections_max:
                return await self._open()
            connection = await self._wait(deadline)
            if connection is not None:
                return connection

    async def _open(self) -> Any:
        self.size += 1
        try:
            connection = await self._connect()
        except BaseException as error:
            self.size -= 1
            self._wake(None)
            if isinstance(error, FOREIGN):
                raise translate(error, "connect") from error
            raise
        self._open_ones.add(connection)
        return connection

    async def _wait(self, deadline: float) -> Any:
        waiter: asyncio.Future[Any] = self._loop.create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout_at(deadline):
                return await waiter
        except TimeoutError:
            self._forget(waiter)
            seconds, most = self._options.wait_seconds, self._options.connections_max
            raise StoreBusy(
                f"all {most} connections were in use for {seconds:g} s; raise connections_max, or hold transactions for"
                " a shorter time"
            ) from None
        except BaseException:
            self._forget(waiter)
            raise

    def _forget(self, waiter: asyncio.Future[Any]) -> None:
        """Somebody stops waiting; what was given to them at that very moment goes on to the next."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)
        elif waiter.done() and not waiter.cancelled():
            if waiter.result() is None:
                self._wake(None)
            else:
                self.release(waiter.result())

    def _wake(self, connection: Any) -> bool:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    def release(self, connection: Any) -> None:
        """Give back a connection that is idle and outside of any transaction."""
        if self._closed or connection.is_closed():
            self.drop(connection)
        elif not self._wake(connection):
            self._free.append((connection, self._loop.time()))
            if self._sweep is None:
                self._sweep = self._loop.call_later(self._options.idle_seconds, self._close_idle)

    def drop(self, connection: Any) -> None:
        """Give back a connection that nobody may use again."""
        connection.terminate()
        self._gone(connection)
        self._wake(None)

    def _gone(self, connection: Any) -> None:
        self.size -= 1
        self._open_ones.discard(connection)

    def drop_idle(self) -> None:
        """One connection turned out to be dead, so the free ones are not to be trusted."""
        for connection, _ in self._free:
            connection.terminate()
            self._gone(connection)
        self._free.clear()

    def _close_idle(self) -> None:
        self._sweep = None
        now, limit = self._loop.time(), self._options.idle_seconds
        idle = [entry for entry in self._free if now - entry[1] >= limit]
        self._free = [entry for entry in self._free if now - entry[1] < limit]
        for connection, _ in idle:
            self._gone(connection)
            self.background(connection.close(timeout=_CLOSE_SECONDS))
        if self._free:
            self._sweep = self._loop.call_at(self._free[0][1] + limit, self._close_idle)

    def background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something that nobody waits for; what it raises is nobody's business either."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()

    def forked(self) -> None:
        """In a forked child: keep the numbers of the sockets, but nothing behind them."""
        self._closed = True
        release(c._transport.get_extra_info("socket").fileno() for c in self._open_ones if not c.is_closed())

    async def settle(self) -> None:
        """Wait for what runs in the background."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Refuse everybody, and close what is free; what is in use is closed when it comes back."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        while self._waiters:
            self._wake(None)
        for connection, _ in self._free:
            self._gone(connection)
            self.background(connection.close(timeout=_CLOSE_SECONDS))
        self._free.clear()
        await self.settle()
