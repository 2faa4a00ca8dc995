"""Stubs: what `self.wallet` is when somebody asks for a `Wallet`.

A stub has the methods of the contract. Each binds its arguments to the operation's request, makes the context of the call
out of the caller's, and hands both over: to the chain when the service is hosted in this process (through the codec, so that
nothing can depend on shared memory), or to the wire. Which of both is decided once, when the unit is built.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Protocol

import msgspec

from ..contract import ContractInfo, DomainError, Endpoint, Operation
from ..core.clock import Clock
from ..core.context import CallContext, _current
from ..core.errors import CallError, InternalError, InvalidArgument
from ..observe import Registry, Tracing


class RemoteCaller(Protocol):
    """What a stub needs of a wire: `calve.transport.wire.WireClient`, or a fake."""

    async def call(self, service: str, operation: Operation, request: Any, context: CallContext) -> Any:
        """Send and wait; raises CallError or a declared DomainError."""
        ...

    def stream(self, service: str, operation: Operation, request: Any, context: CallContext) -> AsyncIterator[Any]:
        """Send and iterate the items."""
        ...


def make_stub(
    info: ContractInfo,
    service: str,
    *,
    local: Mapping[str, Endpoint],
    remote: RemoteCaller | None,
    clock: Clock,
    registry: Registry,
    tracing: Tracing,
) -> Any:
    """Make the stub of one contract.

    Args:
        info: The contract.
        service: The service that implements it.
        local: Endpoints by operation name when the service is hosted here, else empty.
        remote: The wire, when it is not; one of both must be given.
        clock: For the deadlines of remote calls.
        registry: Gets client metrics of remote calls.
        tracing: Makes client spans of remote calls.
    Returns: an object with the methods of the contract; typed as the contract by whoever asks for it.
    """
    stub = type(f"{info.name}Stub", (info.cls,), {"__init__": lambda self: None, "__repr__": lambda self: f"<{service}>"})()
    for name, operation in info.operations.items():
        if local:
            make = _local_stream if operation.streaming else _local_unary
            setattr(stub, name, make(service, operation, local[name]))
        else:
            assert remote is not None
            caller = _Remote(service, operation, remote, clock, registry, tracing)
            setattr(stub, name, caller.stream if operation.streaming else caller.call)
    return stub


def _bind(name: str, request: type[msgspec.Struct], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        return request(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{name}(): {error}") from None


def _child(name: str, operation: Operation) -> CallContext:
    outer = _current.get()
    if outer is None:
        return CallContext(name)
    key = outer.next_key if operation.kind == "command" else None
    return CallContext(name, outer.deadline, outer.principal, outer.given_trace, key)


def _local_unary(service: str, operation: Operation, endpoint: Endpoint) -> Callable[..., Any]:
    name, request_type, handle = f"{service}.{operation.name}", operation.request, endpoint.handle
    copy_request, copy_response = operation.request_codec.copy, operation.response_codec.copy
    is_command, get_current = operation.kind == "command", _current.get

    async def call(*args: Any, **kwargs: Any) -> Any:
        try:
            request = copy_request(request_type(*args, **kwargs))
        except TypeError as error:
            raise TypeError(f"{name}(): {error}") from None
        except InvalidArgument as error:
            error.operation = name
            raise
        outer = get_current()  # _child, written out: this is the path whose price is measured
        if outer is None:
            context = CallContext(name)
        else:
            key = outer.next_key if is_command else None
            context = CallContext(name, outer.deadline, outer.principal, outer._trace, key)
        try:
            answer = await handle(context, request)
        except CallError as error:
            error.operation = name
            raise
        try:
            return copy_response(answer)
        except InvalidArgument as error:
            raise _bad_answer(name, error) from error

    return call


def _local_stream(service: str, operation: Operation, endpoint: Endpoint) -> Callable[..., Any]:
    name, copy = f"{service}.{operation.name}", operation.response_codec.copy
    stream = endpoint.stream
    assert stream is not None

    async def items(request: Any) -> AsyncIterator[Any]:
        try:
            iterator = stream(_child(name, operation), operation.request_codec.copy(request))
            try:
                async for item in iterator:
                    try:
                        copied = copy(item)
                    except InvalidArgument as error:
                        raise _bad_answer(name, error) from error
                    yield copied
            finally:
                await iterator.aclose()  # type: ignore[attr-defined]
        except CallError as error:
            error.operation = name
            raise

    return lambda *args, **kwargs: items(_bind(name, operation.request, args, kwargs))


def _bad_answer(name: str, error: InvalidArgument) -> InternalError:
    failure = InternalError(f"{name} answered with something its contract does not allow: {error}")
    failure.operation = name
    return failure


class _Remote:
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

    def _begin(self) -> tuple[CallContext, float, Any]:
        context = _child(self._name, self._operation)
        started = self._monotonic()
        context.deadline = min(context.deadline, started + self._operation.timeout_seconds)
        self._metrics.in_flight += 1
        span = None
        if self._tracing.enabled:
            span = self._tracing.start(context, self._service, self._operation.name, "client")
        return context, started, span

    def _end(self, started: float, span: Any, code: str | None) -> None:
        self._metrics.in_flight -= 1
        self._metrics.finish(self._monotonic() - started, code)
        if span is not None:
            self._tracing.finish(span, code)

    async def call(self, *args: Any, **kwargs: Any) -> Any:
        """The method of the contract."""
        request = _bind(self._name, self._operation.request, args, kwargs)
        context, started, span = self._begin()
        code: str | None = "cancelled"
        try:
            answer = await self._remote.call(self._service, self._operation, request, context)
            code = None
            return answer
        except CallError as error:
            code, error.operation = error.code, self._name
            raise
        except DomainError as error:
            code = type(error).__name__
            raise
        finally:
            self._end(started, span, code)

    def stream(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """The method of the contract, streaming; nothing is sent before the first item is asked for."""
        return self._items(_bind(self._name, self._operation.request, args, kwargs))

    async def _items(self, request: Any) -> AsyncIterator[Any]:
        context, started, span = self._begin()
        code: str | None = "cancelled"
        items = self._remote.stream(self._service, self._operation, request, context)
        try:
            async for item in items:
                yield item
            code = None
        except CallError as error:
            code, error.operation = error.code, self._name
            raise
        except DomainError as error:
            code = type(error).__name__
            raise
        finally:
            await items.aclose()  # type: ignore[attr-defined]
            self._end(started, span, code)


