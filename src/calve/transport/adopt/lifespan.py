"""The lifespan protocol of ASGI from the server's side: startup and shutdown events of one application.

    startup() ──lifespan.startup──>  app ──startup.complete──> returns
                                         ──startup.failed────> LifespanFailed(its message)
                                         ──raises──> the application does not know the protocol: that is fine
                                         ──sys.exit, or silent for too long──> LifespanFailed
    shutdown() ─lifespan.shutdown─>  app ──shutdown.complete, or ends, or too late: cancelled

Source: ASGI specification, Lifespan Protocol 2.0.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ...core.errors import CalveError
from ..rest.base import AsgiApp, Event
from .containment import AppExited, contained


class LifespanFailed(CalveError):
    """The application did not start."""


class Lifespan:
    """One life of an application. Belongs to the loop.

    Args:
        app: The application.
    """

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self.state: dict[str, Any] = {}
        """What the application keeps for its requests (`scope["state"]`)."""
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    async def startup(self, limit_seconds: float) -> None:
        """Run the startup event.

        Raises: LifespanFailed: the application says that it cannot start, wants to exit, or is not ready in time.
        """
        loop = asyncio.get_running_loop()
        # Not by the loop's task factory: this task is ours, though it runs in the application's surroundings.
        self._task = asyncio.Task(self._live(), loop=loop, name="lifespan")
        self._events.put_nowait({"type": "lifespan.startup"})
        await asyncio.wait({self._started}, timeout=limit_seconds)
        if not self._started.done():
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=limit_seconds)
            raise LifespanFailed(f"its startup was not done after {limit_seconds:g} s")
        self._started.result()

    async def shutdown(self, limit_seconds: float) -> str | None:
        """Run the shutdown event. Returns: what went wrong; None when nothing did."""
        if self._task is None or self._task.done():
            return None
        self._events.put_nowait({"type": "lifespan.shutdown"})
        await asyncio.wait({self._stopped, self._task}, timeout=limit_seconds, return_when=asyncio.FIRST_COMPLETED)
        if not self._stopped.done() and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=limit_seconds)
            return f"its shutdown was not done after {limit_seconds:g} s"
        await asyncio.wait({self._task}, timeout=limit_seconds)
        if self._stopped.done() and (error := self._stopped.exception()) is not None:
            return str(error)
        return None

    async def _live(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await contained(self._app(scope, self._events.get, self._send))  # type: ignore[arg-type]
        except AppExited as error:
            _settle(self._started, LifespanFailed(str(error)))
            _settle(self._stopped, LifespanFailed(str(error)))
        except Exception as error:  # noqa: BLE001  (an application that does not know the protocol may raise anything)
            _settle(self._stopped, LifespanFailed(f"{type(error).__name__}: {error}"))
        finally:
            _settle(self._started)
            _settle(self._stopped)

    async def _send(self, event: Event) -> None:
        match event["type"]:
            case "lifespan.startup.complete":
                _settle(self._started)
            case "lifespan.startup.failed":
                lines = (event.get("message") or "").strip().splitlines()
                _settle(self._started, LifespanFailed(lines[-1] if lines else "it gave no reason"))
            case "lifespan.shutdown.complete":
                _settle(self._stopped)
            case "lifespan.shutdown.failed":
                _settle(self._stopped, LifespanFailed(event.get("message") or "it gave no reason"))


def _settle(future: asyncio.Future[None], error: Exception | None = None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
        future.exception()  # seen: not everybody waits for it
