"""What the connections of a server share: the application, the limits, one clock for all their times."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from email.utils import formatdate
from typing import Any, Protocol

from ....observe import Logger
from ..base import AsgiApp
from .base import Direct
from .heads import HeaderLines
from .options import Http1Options
from .request import Request

if sys.version_info >= (3, 12):

    def _begin(loop: asyncio.AbstractEventLoop, body: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `body` at once up to its first real suspension; one that never waits costs no turn of the loop."""
        return asyncio.Task(body, loop=loop, eager_start=True)

else:

    def _begin(loop: asyncio.AbstractEventLoop, body: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return loop.create_task(body)


TICK_SECONDS = 1.0


class Watched(Protocol):
    """A connection, as the hub sees it."""

    due: int
    """The tick at which it has taken too long."""

    def expire(self) -> None:
        """It has."""

    def drain(self) -> None:
        """The server stops."""

    def abort(self) -> None:
        """Hang up at once."""


class Hub:
    """What the connections of a server share.

    Args:
        app: Called for every request, in a task; may be a `DirectApp` as well.
        tasks: Gets those tasks while they run.
        options: Limits.
        loop: The running loop.
        websocket: How a WebSocket begins, if they are served.
    """

    def __init__(
        self,
        app: AsgiApp,
        tasks: set[asyncio.Task[Any]],
        options: Http1Options,
        loop: asyncio.AbstractEventLoop,
        websocket: BeginWebSocket | None = None,
    ) -> None:
        self.app, self.options, self.loop, self._tasks = app, options, loop, tasks
        self.direct: Callable[[Direct], Awaitable[None]] | None = getattr(app, "direct", None)
        """The application, if it takes the short way."""
        self.websocket = websocket
        self.lines = HeaderLines()
        self.log = Logger("calve.http")
        self.connections: set[Watched] = set()
        self.parting = self.draining = False
        """Whether every answer ends its connection; whether the server stops, too."""
        self.tick = 0
        """About the seconds that there were connections."""
        self.date = b""
        """The header, as a line."""
        self.empty: asyncio.Future[None] | None = None
        """Resolved when the last connection is closed."""
        self._timer: asyncio.TimerHandle | None = None

    def enter(self, connection: Watched) -> None:
        """Somebody has connected."""
        self.connections.add(connection)
        if self._timer is None:
            self._turn()

    def leave(self, connection: Watched) -> None:
        """A connection has ended, or is watched as another one from now on."""
        self.connections.discard(connection)
        if not self.connections and self.empty is not None and not self.empty.done():
            self.empty.set_result(None)

    def begin(self, body: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run the application for a request."""
        task = _begin(self.loop, body)
        if not task.done():
            self._tasks.add(task)
        return task

    def ended(self, task: asyncio.Task[None] | None) -> None:
        """It has run."""
        if task is not None:
            self._tasks.discard(task)

    def stop(self) -> None:
        """No more time limits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _turn(self) -> None:
        self.tick += 1
        self.date = b"date: %b\r\n" % formatdate(usegmt=True).encode()
        for connection in [c for c in self.connections if c.due <= self.tick]:
            connection.expire()
        # Without connections there is nothing to watch, and an idle process should not wake up.
        self._timer = self.loop.call_later(TICK_SECONDS, self._turn) if self.connections else None


BeginWebSocket = Callable[[Hub, asyncio.Transport, Request, bytes], bool]
"""Goes on with a connection as a WebSocket; False when the request (and what came after it) does not ask for one."""
