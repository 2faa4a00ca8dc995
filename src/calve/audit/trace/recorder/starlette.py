"""Starlette, and with it FastAPI: requests, by the endpoint that answers them."""

from __future__ import annotations

from contextvars import ContextVar
from types import ModuleType
from typing import Any

from .hooks import careful
from .record import Recorder, Span

_request: ContextVar[Span | None] = ContextVar("calve_starlette_request", default=None)


def current_request() -> Span | None:
    """The request that is being answered here."""
    return _request.get()


def prepare_starlette_routing(module: ModuleType, recorder: Recorder) -> None:
    """Listen to the beginning and end of requests."""
    handle = module.Route.handle
    end = careful(recorder)(recorder.end)

    async def handle_recorded(self: Any, scope: Any, receive: Any, send: Any) -> None:
        span = Span("request", recorder.of(self.endpoint))
        token = _request.set(span)
        try:
            await handle(self, scope, receive, send)
        finally:
            _request.reset(token)
            end(span)

    module.Route.handle = handle_recorded
