"""One HTTP request of an adopted application: what happens around it.

    headers in     traceparent, tracestate, X-Request-Timeout     -> the context of the calls made from within
    around it      `current_call()`, a span, metrics by route
    out of it      an answer; a 500 problem when it fails before it has begun one; after that, a broken connection

The application's own answer passes through untouched.
"""

from __future__ import annotations

from asyncio import CancelledError, current_task
from typing import Any

from ...core.clock import Clock
from ...core.context import CallContext, _current
from ...core.deadline import NEVER
from ...core.errors import CallError, InternalError
from ...observe import Logger, Tracing
from ..rest.base import AsgiApp, Event, Receive, Scope, Send
from ..rest.exchange import NO_STORE
from ..rest.intake import timeout_seconds
from ..rest.problem import Refusal, encode_problem, problem_headers, problem_of
from .containment import contained
from .routes import RouteMetrics


class HttpVisit:
    """Serves the requests of one application.

    Args:
        service: Its name.
        tracing, clock, routes, log: Where a request leaves its traces.
    """

    def __init__(self, service: str, tracing: Tracing, clock: Clock, routes: RouteMetrics, log: Logger) -> None:
        self._service, self._tracing, self._monotonic = service, tracing, clock.monotonic
        self._routes, self._log = routes, log

    async def __call__(self, app: AsgiApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one. Raises: what the application raised after its answer had begun; a cancellation."""
        started, method = self._monotonic(), scope["method"]
        context = context_of(self._service, scope, started)
        arriving = self._routes.arriving(method)
        arriving.in_flight += 1
        token = _current.set(context)
        span = self._tracing.start(context, self._service, method, "server") if self._tracing.enabled else None
        status, complete, gone, code = 0, False, False, None

        async def receiving() -> Event:
            nonlocal gone
            event = await receive()
            gone = gone or event["type"] == "http.disconnect"
            return event

        async def sending(event: Event) -> None:
            nonlocal status, complete
            if event["type"] == "http.response.start":
                status = event["status"]
            elif event["type"] == "http.response.body" and not event.get("more_body", False):
                complete = True
            await send(event)

        try:
            await contained(app(scope, receiving, sending))  # type: ignore[arg-type]
            if not status and not gone:
                raise RuntimeError("it returned without an answer")
            if not status:
                code = "cancelled"  # by a client that left, which is nobody's failure
            elif status >= 400:
                code = f"http_{status}" if status < 600 else "http_other"
        except CancelledError as error:
            code = "cancelled"
            if is_cancelled():
                raise
            await self._failed(error, scope, send, status, complete)
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  (what is no Exception, such as a group with an exit in it, is meant)
            code = "internal_error"
            await self._failed(error, scope, send, status, complete)
        finally:
            _current.reset(token)
            arriving.in_flight -= 1
            metrics = self._routes.of(method, scope)
            metrics.finish(self._monotonic() - started, code)
            if span is not None:
                span.rename(self._service, metrics.operation)
                self._tracing.finish(span, "internal_error" if status >= 500 else code)

    async def _failed(self, error: BaseException, scope: Scope, send: Send, status: int, complete: bool) -> None:
        """Log what the application raised, and end the exchange as well as it still can be."""
        self._log.exception("request failed", error=error, method=scope["method"], path=scope["path"])
        if complete:
            return
        if status:
            raise error  # the server closes the connection: the client must not take half an answer for a whole one
        await send_problem(send, InternalError("unexpected"))


async def send_problem(send: Send, error: CallError) -> None:
    """Answer with a problem document."""
    status, kind, body = encode_problem(problem_of(error))
    headers = [(b"content-type", kind.encode("ascii")), (b"content-length", b"%d" % len(body)), NO_STORE]
    headers += problem_headers(error, "")
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def context_of(service: str, scope: Scope, now: float) -> CallContext:
    """The context of a request: what the calls made from within start from. Headers that make no sense are ignored."""
    parent, state, deadline = "", "", NEVER
    for name, value in scope["headers"]:
        if name == b"traceparent":
            parent = value.decode("latin-1")
        elif name == b"tracestate":
            state = value.decode("latin-1")
        elif name == b"x-request-timeout":
            try:
                deadline = now + timeout_seconds(value)
            except Refusal:  # the header may mean something else to the application
                continue
    return CallContext(service, deadline, None, (parent, state))


def is_cancelled() -> bool:
    """Whether somebody cancelled this task; otherwise the application itself raised CancelledError."""
    task: Any = current_task()
    return task is None or task.cancelling() > 0
