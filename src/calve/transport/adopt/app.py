"""One adopted application: from its import to its end, with the rest of the unit unharmed whatever it does.

    new ──start──> up ──drain, stop──> stopped
           │ └──startup fails──> failed ──again, with growing pauses──> up
           └──import fails──> failed                                         requests get a 503 meanwhile

An import is not tried again: it runs code at module level, half of which has run already. A startup is, because what it
usually lacks (a database that is not up yet) comes by itself, and an application of its own would be restarted.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ...core.clock import Clock
from ...core.context import _current
from ...core.errors import CalveError, ConfigError, Unavailable
from ...core.unit import RunningUnit, _unit
from ...observe import Logger, Registry, Tracing
from ..rest.base import AsgiApp, Receive, Scope, Send
from .containment import AppExited, app_exited
from .documents import Guest, ask_document
from .http import HttpVisit, send_problem
from .lifespan import Lifespan, LifespanFailed
from .routes import RouteMetrics
from .tasks import OwnedTasks, owner
from .websocket import Sockets

if TYPE_CHECKING:
    from .wsgi import WsgiApp

RETRY_SECONDS, RETRY_SECONDS_MAX = 1.0, 30.0
STOP_SECONDS = 3.0
"""How long the shutdown of an application may take, and its leftover tasks to end."""

State = Literal["new", "up", "failed", "stopped"]


class AdoptOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How an application is adopted; times in seconds."""

    kind: Literal["asgi", "wsgi"]
    mount: str = "/"
    """Path below which it gets requests; `/` or without a slash at the end."""
    openapi: str | None = "/openapi.json"
    """Path of its OpenAPI document within itself."""
    threads: int = 16
    """For WSGI: requests it handles at once."""
    startup_seconds: float = 30.0


class AdoptedApp:
    """An application as a service. An ASGI application itself.

    Args:
        name: Name of the service.
        load: Imports the application; may fail in any way.
        options: How it is adopted.
        unit: What its code calls contracts through.
        registry, tracing, clock: Of the unit.
    """

    def __init__(
        self,
        name: str,
        load: Callable[[], Any],
        options: AdoptOptions,
        *,
        unit: RunningUnit,
        registry: Registry,
        tracing: Tracing,
        clock: Clock,
    ) -> None:
        self.name, self.options, self.mount = name, options, options.mount
        self.state: State = "new"
        self.failure = ""
        """Why it does not serve."""
        self._load, self._unit, self._clock = load, unit, clock
        self._log = Logger("calve.adopt", service=name)
        self._tasks = OwnedTasks()
        self._app: AsgiApp | None = None
        self._loaded: Any = None
        self._wsgi: WsgiApp | None = None
        self._lifespan: Lifespan | None = None
        self._retrying: asyncio.Task[None] | None = None
        routes = RouteMetrics(registry, name)
        self._visit = HttpVisit(name, tracing, clock, routes, self._log)
        self._sockets = Sockets(name, tracing, clock, routes, self._log)
        registry.gauge("calve.adopted.tasks", "Tasks of an adopted application", self._tasks.__len__, service=name)
        registry.gauge("calve.adopted.up", "Whether it serves", lambda: float(self.state == "up"), service=name)

    async def start(self) -> None:
        """Import it and run its startup. Returns when it is up or has failed.

        Raises: ConfigError: what is to be imported is not there, or a2wsgi is not installed.
        """
        async with self._surroundings():
            if not self._import():
                return
            if await self._startup():
                return
        self._retrying = asyncio.create_task(self._retry(), name=f"restart of {self.name}")

    def _import(self) -> bool:
        try:
            self._loaded = self._load()
        except ConfigError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001  (whatever its modules raise, the unit goes on)
            shown = app_exited(error) if isinstance(error, SystemExit) else error
            self._fail("import", last_line(shown), error)
            return False
        if not callable(self._loaded):
            self._fail("import", f"it is {type(self._loaded).__name__}, which cannot be called", None)
            return False
        if self.options.kind == "wsgi":
            from .wsgi import WsgiApp  # needs the extra

            self._app = self._wsgi = WsgiApp(self._loaded, self.options.threads, self.name)
        else:
            self._app = self._loaded
        return True

    async def _startup(self) -> bool:
        if self.options.kind == "asgi":
            assert self._app is not None, "it is imported"
            lifespan = Lifespan(self._app)
            try:
                await lifespan.startup(self.options.startup_seconds)
            except LifespanFailed as error:
                self._fail("startup", str(error), None)
                return False
            self._lifespan = lifespan
        self.state, self.failure = "up", ""
        return True

    async def _retry(self) -> None:
        pause = RETRY_SECONDS
        while True:
            await self._clock.sleep(pause)
            async with self._surroundings():
                if await self._startup():
                    self._log.info("started after all")
                    return
            pause = min(pause * 2, RETRY_SECONDS_MAX)

    def _fail(self, stage: str, why: str, error: BaseException | None) -> None:
        self.state, self.failure = "failed", f"{stage} failed: {why}"
        if error is None:
            self._log.error("adopted application does not serve", reason=self.failure)
        else:
            self._log.exception("adopted application does not serve", error=error, reason=self.failure)

    @asynccontextmanager
    async def _surroundings(self) -> AsyncIterator[None]:
        """What its code finds around it: this unit, its own tasks, no call."""
        tokens = _unit.set(self._unit), owner.set(self._tasks), _current.set(None)
        try:
            yield
        finally:
            _unit.reset(tokens[0])
            owner.reset(tokens[1])
            _current.reset(tokens[2])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket. Raises only to make the server break off a connection."""
        if self.state != "up":
            await self._refuse(scope, receive, send)
            return
        app, outer = self._app, scope.get("root_path", "")
        assert app is not None, "it is up"
        if self.mount != "/":
            scope["root_path"] = outer + self.mount
        if self._lifespan is not None and self._lifespan.state:
            scope["state"] = self._lifespan.state.copy()
        tokens = _unit.set(self._unit), owner.set(self._tasks)
        try:
            if scope["type"] == "http":
                await self._visit(app, scope, receive, send)
            else:
                await self._sockets(app, scope, receive, send)
        finally:
            _unit.reset(tokens[0])
            owner.reset(tokens[1])

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1013})
            return
        await send_problem(send, Unavailable(f"{self.name} is not available", may_have_run=False))

    async def guest(self) -> Guest | None:
        """Its OpenAPI document, as a guest in that of the unit; None when it has none or does not serve."""
        if self.state != "up" or self.options.openapi is None or self._app is None:
            return None
        async with self._surroundings():
            document = await ask_document(self._loaded, self._app, self.mount, self.options.openapi)
        return None if document is None else Guest(self.name, self.mount, document)

    def drain(self) -> None:
        """Tell its WebSockets that the service restarts; HTTP requests in flight go on."""
        self._sockets.drain()

    async def stop(self) -> None:
        """Run its shutdown and end the tasks it left. Safe to call twice, and after any failure."""
        if self.state == "stopped":
            return
        self.state = "stopped"
        if self._retrying is not None:
            self._retrying.cancel()
            await asyncio.wait({self._retrying})
        if self._lifespan is not None and (wrong := await self._lifespan.shutdown(STOP_SECONDS)) is not None:
            self._log.warning("adopted application did not shut down cleanly", reason=wrong)
        if self._wsgi is not None:
            self._wsgi.close()
        await self._tasks.end(STOP_SECONDS, self._log)


def last_line(error: BaseException) -> str:
    """`ModuleNotFoundError: No module named 'shop' (legacy/main.py:3)`: what went wrong, and where in its own code."""
    text = str(error) if isinstance(error, AppExited | CalveError) else f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    with contextlib.suppress(IndexError):
        if not isinstance(error, CalveError):
            text += f" ({frames[-1].filename}:{frames[-1].lineno})"
    return " ".join(text.split())
