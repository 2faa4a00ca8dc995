"""Adopted applications without a project: loaded from where the test has them, called over ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from calve.core.clock import Clock, SystemClock
from calve.core.unit import RunningUnit
from calve.observe import Registry, Tracing
from calve.testing.asgi import AsgiClient
from calve.transport.adopt import AdoptedApp, AdoptOptions
from calve.transport.adopt.tasks import watch_tasks


class Adopter:
    """Makes adopted applications and stops them at the end of the test."""

    def __init__(self) -> None:
        self.registry = Registry()
        self.unit = RunningUnit(lambda contract: contract)
        self.apps: list[AdoptedApp] = []

    def make(
        self,
        load: Callable[[], Any],
        *,
        kind: Any = "asgi",
        clock: Clock | None = None,
        tracing: Tracing | None = None,
        **options: Any,
    ) -> AdoptedApp:
        """An application that is not started; `load` imports it."""
        app = AdoptedApp(
            "legacy",
            load,
            AdoptOptions(kind=kind, **options),
            unit=self.unit,
            registry=self.registry,
            tracing=tracing or Tracing.off(),
            clock=clock or SystemClock(),
        )
        self.apps.append(app)
        return app

    async def up(self, app: Any, **options: Any) -> AsgiClient:
        """A started application, to be called."""
        adopted = self.make(lambda: app, **options)
        await adopted.start()
        return AsgiClient(adopted)

    def counted(self) -> dict[str, int]:
        """Requests by name."""
        return {m.operation: m.requests for m in self.registry.operations() if m.requests}

    def errors(self) -> dict[str, int]:
        """Failed requests by code."""
        found: dict[str, int] = {}
        for metrics in self.registry.operations():
            for code, count in metrics.errors.items():
                found[code] = found.get(code, 0) + count
        return found

    def in_flight(self) -> int:
        """Requests that have begun and not ended."""
        return sum(m.in_flight for m in self.registry.operations())


@pytest.fixture
async def adopter() -> AsyncIterator[Adopter]:
    """Notes tasks as a unit does."""
    undo = watch_tasks(asyncio.get_running_loop())
    made = Adopter()
    yield made
    for app in made.apps:
        await app.stop()
    made.unit.close()
    undo()


async def answer(send: Any, body: bytes = b"ok", status: int = 200) -> None:
    """Send a whole answer."""
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body})
