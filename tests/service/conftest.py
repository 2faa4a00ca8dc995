"""A service behind the call chain, called as transports call it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

from calve import CallContext, Contract, DomainError, Principal, command, current_call, query
from calve.observe import OperationMetrics, Registry
from calve.testing import endpoints_of, virtual_clock
from calve.testing.fakes.observe import RecordingTracing

ALICE = Principal("alice", frozenset({"shop:read"}))


class Refused(DomainError):
    reason: str


class Shop(Contract, Protocol, version="1.0"):
    @query(timeout_seconds=2, raises=[Refused])
    async def find(self, text: str, *, wait: float = 0) -> str: ...

    @command(role="shop:read")
    async def guarded(self) -> str: ...

    @query(timeout_seconds=5, raises=[Refused])
    def watch(self, count: int, wait: float = 0) -> AsyncIterator[int]: ...

    @query(role="shop:read")
    def guarded_watch(self) -> AsyncIterator[int]: ...


class ShopService(Shop):
    """Does what the text says, and notes what it saw."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    async def find(self, text: str, *, wait: float = 0) -> str:
        self.seen.append(current_call())
        await virtual_clock().sleep(wait)
        if text == "refuse":
            raise Refused(reason=text)
        if text == "fail":
            raise ZeroDivisionError
        return text

    async def guarded(self) -> str:
        self.seen.append(current_call())
        return "done"

    async def watch(self, count: int, wait: float = 0) -> AsyncIterator[int]:
        try:
            for n in range(count):
                self.seen.append(current_call())
                await virtual_clock().sleep(wait)
                yield n
            if count < 0:
                raise Refused(reason="negative")
        finally:
            self.seen.append(("closed", current_call()))
            if count == 99:
                raise LookupError("cleanup")
            if count == 98:
                await virtual_clock().sleep(1000)

    async def guarded_watch(self) -> AsyncIterator[int]:
        self.seen.append("started")
        yield 1


class ShopBehindChain:
    """A shop behind the chain."""

    def __init__(self, *middleware: Any) -> None:
        self.service, self.registry, self.tracing = ShopService(), Registry(), RecordingTracing()
        self.endpoints = endpoints_of(
            Shop, self.service, registry=self.registry, tracing=self.tracing, middleware=middleware
        )

    def metrics(self, operation: str) -> OperationMetrics:
        """The server metrics of an operation."""
        return self.registry.operation("shop", operation, "query", "server")

    async def call(self, operation: str, *args: Any, context: CallContext | None = None, **kwargs: Any) -> Any:
        """Call as a transport does."""
        endpoint = self.endpoints[operation]
        return await endpoint.handle(context or CallContext(""), endpoint.operation.request(*args, **kwargs))

    def stream(self, operation: str, *args: Any, context: CallContext | None = None) -> Any:
        """Stream as a transport does."""
        endpoint = self.endpoints[operation]
        assert endpoint.stream is not None
        return endpoint.stream(context or CallContext(""), endpoint.operation.request(*args))
