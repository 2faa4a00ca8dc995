"""WebSockets of an adopted application.

A WebSocket may stay open for days, so a unit that stops cannot wait for it as for a request. It tells the application
what it would learn from a client that leaves (`websocket.disconnect`, code 1012, service restart), closes the
connection to the client with the same code when the application ends, and leaves it the grace time for that.
"""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ...core.clock import Clock
from ...core.context import _current
from ...observe import Logger, Span, Tracing
from ..rest.base import AsgiApp, Event, Receive, Scope, Send
from .containment import contained
from .http import context_of, is_cancelled
from .routes import RouteMetrics

T = TypeVar("T")

SERVICE_RESTART = 1012
INTERNAL_ERROR = 1011


class Sockets:
    """Serves the WebSockets of one application. Args: as for `HttpVisit`."""

    def __init__(self, service: str, tracing: Tracing, clock: Clock, routes: RouteMetrics, log: Logger) -> None:
        self._service, self._tracing, self._monotonic = service, tracing, clock.monotonic
        self._routes, self._log = routes, log
        self._draining = asyncio.Event()

    def drain(self) -> None:
        """Disconnect the applications' side of all of them, and of those that still come."""
        self._draining.set()

    async def __call__(self, app: AsgiApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one from its handshake to its end. Raises a cancellation."""
        started = self._monotonic()
        context = context_of(self._service, scope, started)
        arriving = self._routes.arriving("WEBSOCKET")
        arriving.in_flight += 1
        token = _current.set(context)
        span = self._tracing.start(context, self._service, "WEBSOCKET", "server") if self._tracing.enabled else None
        socket, code = _Socket(receive, send, self._draining), None
        try:
            await contained(app(scope, socket.receive, socket.send))  # type: ignore[arg-type]
        except CancelledError as error:
            code = "cancelled"
            if is_cancelled():
                raise
            await self._failed(error, scope, socket)
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  (see HttpVisit)
            code = None if socket.over else "internal_error"
            await self._failed(error, scope, socket)
        finally:
            try:
                await socket.close()
            finally:
                _current.reset(token)
                arriving.in_flight -= 1
                self._finish(scope, started, code, span)

    def _finish(self, scope: Scope, started: float, code: str | None, span: Span | None) -> None:
        metrics = self._routes.of("WEBSOCKET", scope)
        metrics.finish(self._monotonic() - started, code)
        if span is not None:
            span.rename(self._service, metrics.operation)
            self._tracing.finish(span, code)

    async def _failed(self, error: BaseException, scope: Scope, socket: _Socket) -> None:
        if not socket.over:  # frameworks tell by an exception that the other side is gone
            self._log.exception("websocket failed", error=error, path=scope["path"])
            socket.code = INTERNAL_ERROR


class _Socket:
    """The application's side of one WebSocket.

    granian writes nothing to a connection that is being read from, not even that it is closed; so reading ends before a
    close is sent.
    """

    def __init__(self, receive: Receive, send: Send, draining: asyncio.Event) -> None:
        self._receive, self._send, self._draining = receive, send, draining
        self._receiving: asyncio.Task[Event] | None = None
        self._drained: asyncio.Task[object] | None = None
        self._closed = 0
        """The code it was closed with by this side."""
        self.over = False
        """Whether the application has been told that it is over."""
        self.code = SERVICE_RESTART
        """What the client is told if the application ends without telling it."""

    async def receive(self) -> Event:
        loop = asyncio.get_running_loop()
        # Not by the loop's task factory: these tasks are ours, though they run in the application's surroundings.
        if self._receiving is None and not self._closed:
            self._receiving = asyncio.Task(_result(self._receive), loop=loop)
        if self._drained is None:
            self._drained = asyncio.Task(_result(self._draining.wait), loop=loop)
        if self._receiving is not None:
            await asyncio.wait({self._receiving, self._drained}, return_when=asyncio.FIRST_COMPLETED)
        if self._receiving is None or self._receiving.cancelled() or not self._receiving.done():
            self.over = True
            return {"type": "websocket.disconnect", "code": self._closed or SERVICE_RESTART, "reason": ""}
        event, self._receiving = self._receiving.result(), None
        self.over = event["type"] == "websocket.disconnect"
        return event

    async def send(self, event: Event) -> None:
        if event["type"] == "websocket.close":
            self._closed = event.get("code") or 1000
            await self._stop_reading()
        await self._send(event)

    async def close(self) -> None:
        """After the application: close what it left open."""
        if not self._closed and (not self.over or self._draining.is_set()):
            try:
                await self.send({"type": "websocket.close", "code": self.code})
            except Exception:  # noqa: BLE001  (servers raise what they like when the connection is gone)
                self._closed = self.code
        await self._stop_reading()
        if self._drained is not None:
            self._drained.cancel()

    async def _stop_reading(self) -> None:
        if self._receiving is not None and not self._receiving.done():
            self._receiving.cancel()
            await asyncio.wait({self._receiving})


async def _result(waiting: Callable[[], Awaitable[T]]) -> T:
    return await waiting()
