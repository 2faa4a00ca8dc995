"""The chain around every operation: the same for local, wire and REST calls, compiled once per operation.

    handle(context, request)
      1 deadline     min(caller's deadline, now + the operation's timeout); a call that comes too late does not start
      2 context      becomes `current_call()` for everything below
      3 admission    caller (in strict mode) and role: PermissionDenied / Unauthenticated before anything of ours runs
      4 span         only if this trace is sampled
      5 middleware   the application's own, outermost first
      6 the method             in a command with an idempotency key behind its guard (idempotency/); again if its
                               transaction collided with another one (calve.store.again)
      7 outcome      the answer; a declared DomainError; a CallError; anything else is logged and becomes InternalError
      8 metrics      requests, errors by code, duration, in flight

The steps are lines of one function, not eight nested wrappers: a coroutine frame costs about as much as all
bookkeeping of step 8, and a call has to stay within microseconds of a bare await.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, NoReturn

from ..contract import Endpoint, Operation
from ..core.clock import Clock
from ..core.context import CallContext, _current
from ..core.deadline import TimerWheel, finish_until, run_until
from ..core.errors import DeadlineExceeded, InternalError
from ..observe import Logger, OperationMetrics, Registry, Span, Tracing
from ..store import Store, running_again
from .admission import Admission, DeclaredCallers, make_admission
from .base import Call, Middleware, Proceed
from .idempotency import Keys
from .outcome import outcome_of

Method = Callable[..., Any]


class Chain:
    """Makes endpoints out of methods.

    Args:
        wheel: Timer wheel of the loop the operations run on.
        clock: Monotonic time for deadlines and durations.
        registry: Where each operation gets its metrics.
        tracing: Decides about and makes spans.
        middleware: The application's own, outermost first.
        log: Gets what operations raise without declaring it.
        keys: What is remembered of commands with idempotency keys; of this chain alone unless given.
    """

    def __init__(
        self,
        *,
        wheel: TimerWheel,
        clock: Clock,
        registry: Registry,
        tracing: Tracing,
        log: Logger,
        middleware: Sequence[Middleware] = (),
        keys: Keys | None = None,
    ) -> None:
        self._wheel, self._clock, self._registry, self._tracing = wheel, clock, registry, tracing
        self._log, self._middleware = log, tuple(middleware)
        self._keys = keys or Keys(clock, log)

    def endpoint(
        self,
        service: str,
        operation: Operation,
        method: Method,
        callers: DeclaredCallers | None = None,
        store: Store | None = None,
    ) -> Endpoint:
        """Compile one operation.

        Args:
            service: Name of the service that implements it.
            operation: From the contract.
            method: Bound method of the implementation, with the parameters of the contract.
            callers: Who may call it; None lets every service in.
            store: The service's own, if it has one: what its commands did is remembered there.
        """
        metrics = self._registry.operation(service, operation.name, operation.kind, "server")
        invoke = self._invoker(service, operation, method, store)
        admission = make_admission(f"{service}.{operation.name}", operation.role, callers)
        if operation.streaming:
            stream = self._stream(service, operation, invoke, metrics, admission)
            return Endpoint(service, operation, _refuse_unary(service, operation), stream)
        return Endpoint(service, operation, self._unary(service, operation, invoke, metrics, admission))

    def _invoker(
        self, service: str, operation: Operation, method: Method, store: Store | None
    ) -> Callable[[CallContext, Any], Any]:
        """Steps 5 and 6: from a request to the author's method, through the application's middleware if any."""
        if store is not None and not store.exclusive and not operation.streaming:
            method = running_again(method)
        spread = _spreader(operation, method)
        if operation.deduplicated:
            spread = _spreader(operation, method, self._keys.guard(service, operation, spread, store))
        if not self._middleware:
            return spread

        async def innermost(call: Call) -> Any:
            result = spread(call.context, call.request)
            return result if operation.streaming else await result

        proceed: Proceed = innermost
        for middleware in reversed(self._middleware):
            proceed = _wrap(middleware, proceed)
        return lambda context, request: proceed(Call(service, operation, request, context))

    def _unary(
        self,
        service: str,
        operation: Operation,
        invoke: Callable[[CallContext, Any], Any],
        metrics: OperationMetrics,
        admission: Admission | None,
    ) -> Callable[[CallContext, Any], Awaitable[Any]]:
        name, timeout = f"{service}.{operation.name}", operation.timeout_seconds
        monotonic, wheel, tracing, log = self._clock.monotonic, self._wheel, self._tracing, self._log
        set_current, reset_current = _current.set, _current.reset
        too_late = _describe_deadline(name)

        async def handle(context: CallContext, request: Any) -> Any:
            started = monotonic()
            if started + timeout < context.deadline:
                context.deadline = started + timeout
            context.operation = name
            metrics.in_flight += 1
            token = set_current(context)
            span = code = None
            try:
                if tracing.enabled:
                    span = tracing.start(context, service, operation.name, "server")
                if context.deadline <= started:
                    raise DeadlineExceeded(f"{name}: the deadline had passed on arrival", may_have_run=False)
                if admission is not None:
                    admission(context)
                body = invoke(context, request)
                try:
                    waiting = body.send(None)  # eagerly: a call that never waits needs no timer
                except StopIteration as stop:
                    return stop.value
                return await finish_until(wheel, context.deadline, body, waiting, too_late)
            except (Exception, CancelledError) as error:  # noqa: BLE001  (raised again, as the caller may see it)
                raised, code = outcome_of(error, name, operation, log)
                try:
                    if raised is error:
                        raise
                    raise raised from error
                finally:
                    del raised  # its traceback refers to this frame: a cycle would keep the whole request alive
            finally:
                reset_current(token)
                metrics.in_flight -= 1
                metrics.finish(monotonic() - started, code)
                if span is not None:
                    tracing.finish(span, code)

        return handle

    def _stream(
        self,
        service: str,
        operation: Operation,
        invoke: Callable[[CallContext, Any], Any],
        metrics: OperationMetrics,
        admission: Admission | None,
    ) -> Callable[[CallContext, Any], AsyncIterator[Any]]:
        name, tracing, log, wheel = f"{service}.{operation.name}", self._tracing, self._log, self._wheel
        monotonic, with_middleware, too_late = self._clock.monotonic, bool(self._middleware), _describe_deadline(name)

        async def handle(context: CallContext, request: Any) -> AsyncIterator[Any]:
            started = monotonic()
            context.deadline = min(context.deadline, started + operation.timeout_seconds)
            context.operation = name
            metrics.in_flight += 1
            span = tracing.start(context, service, operation.name, "server") if tracing.enabled else None
            if span is not None:
                span.leave()
            code: str | None = None
            items: Any = None
            try:
                if context.deadline <= started:
                    raise DeadlineExceeded(f"{name}: the deadline had passed on arrival", may_have_run=False)
                if admission is not None:
                    admission(context)
                items = invoke(context, request)
                if with_middleware:
                    items = await _within(context, span, run_until(wheel, context.deadline, items, too_late))
                while True:
                    step = run_until(wheel, context.deadline, _await(anext(items, _END)), too_late)
                    # The generator's body shares the context variables of whoever iterates it, so the call and its
                    # span are made current around each step and never while the consumer has the item.
                    item = await _within(context, span, step)
                    if item is _END:
                        return
                    yield item
            except GeneratorExit:
                code = "cancelled"
                raise
            except (Exception, CancelledError) as error:  # noqa: BLE001  (raised again, as the caller may see it)
                raised, code = outcome_of(error, name, operation, log)
                try:
                    if raised is error:
                        raise
                    raise raised from error
                finally:
                    del raised  # its traceback refers to this frame: a cycle would keep the whole request alive
            finally:
                try:
                    if hasattr(items, "aclose"):
                        await self._close(name, context, span, items)
                finally:
                    metrics.in_flight -= 1
                    metrics.finish(monotonic() - started, code)
                    if span is not None:
                        tracing.finish(span, code)

        return handle

    async def _close(self, name: str, context: CallContext, span: Span | None, items: Any) -> None:
        """Let the generator clean up, as a part of the call; the consumer is gone, so a failure goes to the log."""
        try:
            closing = run_until(self._wheel, context.deadline, _await(items.aclose()), _describe_deadline(name))
            await _within(context, span, closing)
        except Exception as error:  # noqa: BLE001  (whatever the author's cleanup raises)
            self._log.exception("stream did not close cleanly", error=error, operation=name)


_END: Any = object()


async def _await(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


async def _within(context: CallContext, span: Span | None, awaitable: Awaitable[Any]) -> Any:
    """Await with `context` as the current call and `span` as the current span."""
    token = _current.set(context)
    if span is not None:
        span.enter()
    try:
        return await awaitable
    finally:
        if span is not None:
            span.leave()
        _current.reset(token)


def _wrap(middleware: Middleware, proceed: Proceed) -> Proceed:
    async def step(call: Call) -> Any:
        return await middleware(call, proceed)

    return step


def _describe_deadline(name: str) -> Callable[[], str]:
    return lambda: f"{name} did not finish before its deadline"


def _refuse_unary(service: str, operation: Operation) -> Callable[[CallContext, Any], Awaitable[Any]]:
    async def refuse(context: CallContext, request: Any) -> NoReturn:
        raise InternalError(f"{service}.{operation.name} is a streaming operation", may_have_run=False)

    return refuse


def _spreader(operation: Operation, method: Method, keyed: Method | None = None) -> Callable[[CallContext, Any], Any]:
    """A function that calls `method` with the fields of a request, in order, or `keyed` if the call has a key.

    Written as source and compiled, as dataclasses do: attribute access in a fixed expression is twice as fast as
    building an argument tuple in a loop. The names were parameters of a Python function, so they are identifiers.
    """
    positional = operation.positional
    arguments = ", ".join(f"request.{n}" if n in positional else f"{n}=request.{n}" for n in operation.params)
    source = f"lambda context, request: method({arguments})"
    if keyed is not None:
        source += " if context._key is None else keyed(context, request)"
    return eval(source, {"method": method, "keyed": keyed})  # type: ignore[no-any-return]  # noqa: S307
