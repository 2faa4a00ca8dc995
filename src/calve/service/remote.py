"""Endpoints of services that are hosted elsewhere: the same shape as those of the chain, with a wire behind them.

What runs here is the caller's half: the deadline it gives the call, its span and its metrics. Role, middleware and
the rest run where the service is hosted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

from ..contract import ContractInfo, DomainError, Endpoint, Operation
from ..core.clock import Clock
from ..core.context import CallContext
from ..core.errors import CallError
from ..observe import Registry, Tracing


class RemoteCaller(Protocol):
    """What is needed of a wire: `calve.transport.wire.WireClient`, or a fake."""

    async def call(self, service: str, operation: Operation, request: Any, context: CallContext) -> Any:
        """Send and wait; raises CallError or a declared DomainError."""
        ...

    def stream(self, service: str, operation: Operation, request: Any, context: CallContext) -> AsyncIterator[Any]:
        """Send and iterate the items; an async generator, so that closing it cancels the call."""
        ...


def remote_endpoints(
    info: ContractInfo, service: str, remote: RemoteCaller, *, clock: Clock, registry: Registry, tracing: Tracing
) -> dict[str, Endpoint]:
    """Make an endpoint per operation of a contract.

    Args:
        info: The contract.
        service: The service that implements it somewhere.
        remote: Carries the calls.
        clock: For deadlines and durations.
        registry: Gets client metrics.
        tracing: Makes client spans.
    """
    endpoints = {}
    for name, operation in info.operations.items():
        half = _CallersHalf(service, operation, remote, clock, registry, tracing)
        endpoints[name] = Endpoint(service, operation, half.call, half.stream if operation.streaming else None)
    return endpoints


class _CallersHalf:
    """One operation of a service hosted elsewhere."""

    def __init__(
        self,
        service: str,
        operation: Operation,
        remote: RemoteCaller,
        clock: Clock,
        registry: Registry,
        tracing: Tracing,
    ) -> None:
        self._service, self._operation, self._remote = service, operation, remote
        self._name, self._monotonic, self._tracing = f"{service}.{operation.name}", clock.monotonic, tracing
        self._metrics = registry.operation(service, operation.name, operation.kind, "client")

    def _begin(self, context: CallContext) -> tuple[float, Any]:
        started = self._monotonic()
        context.deadline = min(context.deadline, started + self._operation.timeout_seconds)
        self._metrics.in_flight += 1
        if not self._tracing.enabled:
            return started, None
        return started, self._tracing.start(context, self._service, self._operation.name, "client")

    def _end(self, started: float, span: Any, code: str | None) -> None:
        self._metrics.in_flight -= 1
        self._metrics.finish(self._monotonic() - started, code)
        if span is not None:
            self._tracing.finish(span, code)

    async def call(self, context: CallContext, request: Any) -> Any:
        """The handle of the endpoint."""
        started, span = self._begin(context)
        code: str | None = "cancelled"
        try:
            answer = await self._remote.call(self._service, self._operation, request, context)
            code = None
            return answer
        except (CallError, DomainError) as error:
            code = _code(error, self._name)
            raise
        finally:
            self._end(started, span, code)

    async def stream(self, context: CallContext, request: Any) -> AsyncIterator[Any]:
        """The stream handle of the endpoint; nothing is sent before the first item is asked for."""
        started, span = self._begin(context)
        if span is not None:
            span.leave()  # what the consumer does between two items is no part of it
        code: str | None = "cancelled"
        items = self._remote.stream(self._service, self._operation, request, context)
        try:
            async for item in items:
                yield item
            code = None
        except (CallError, DomainError) as error:
            code = _code(error, self._name)
            raise
        finally:
            try:
                await items.aclose()  # type: ignore[attr-defined]
            finally:
                self._end(started, span, code)


def _code(error: CallError | DomainError, name: str) -> str:
    if isinstance(error, DomainError):
        return type(error).__name__
    error.operation = name
    return error.code
