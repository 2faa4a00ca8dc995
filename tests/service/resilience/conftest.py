"""Something that fails as it is told to, behind a guard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

from calve import CallContext, Contract, DomainError, command, query
from calve.contract import Endpoint, describe
from calve.core.idempotency import REPLAYED
from calve.core.policy import EffectivePolicy
from calve.core.trace import TraceContext
from calve.observe import Logger, Registry
from calve.service.resilience import Guards
from calve.testing import virtual_clock


class Refused(DomainError):
    pass


class Shop(Contract, Protocol, version="1.0"):
    @query(raises=[Refused])
    async def find(self, text: str) -> str: ...

    @command(raises=[Refused])
    async def buy(self, text: str) -> str: ...

    @command(idempotent=True)
    async def put(self, text: str) -> str: ...

    @query(raises=[Refused])
    def watch(self, text: str) -> AsyncIterator[str]: ...


class GuardedShop:
    """A shop that is elsewhere, and the guards of its callers.

    Args:
        answers: One attempt after the other: an answer, an error, seconds to wait, or a function that is awaited; the
            last one for all that come later.
    """

    def __init__(self, *answers: Any, remote: bool = True, **policy: Any) -> None:
        self.answers, self.clock, self.registry = list(answers), virtual_clock(), Registry()
        self.sent: list[CallContext] = []
        self.times: list[float] = []
        self.deadlines: list[float] = []
        self.traces: list[TraceContext | None] = []
        self.remote = remote
        self.closed = 0
        rules = EffectivePolicy(**{"timeout_seconds": 10.0, **policy})
        self.guards = Guards(lambda *_: rules, clock=self.clock, registry=self.registry, log=Logger("calve.test"))
        self.endpoints = {
            name: Endpoint("shop", operation, self._attempt, self._stream if operation.streaming else None)
            for name, operation in describe(Shop).operations.items()
        }

    def guarded(self, operation: str = "find", caller: str = "till") -> Endpoint:
        """What a caller gets."""
        return self.guards.endpoint(self.endpoints[operation], caller, remote=self.remote)

    async def call(self, operation: str = "find", context: CallContext | None = None, caller: str = "till") -> Any:
        """Call as a stub does."""
        endpoint = self.guarded(operation, caller)
        return await endpoint.handle(context or CallContext("shop.find"), endpoint.operation.request("a"))

    def stream(self, context: CallContext | None = None) -> Any:
        """Stream as a stub does."""
        endpoint = self.guarded("watch")
        assert endpoint.stream is not None
        return endpoint.stream(context or CallContext("shop.watch"), endpoint.operation.request("a"))

    def numbers(self) -> dict[str, float]:
        """What the guards have counted, by the last part of the name."""
        return {found.name.rpartition(".")[2]: value for found, value in self.registry.read()}

    async def _attempt(self, context: CallContext, request: Any) -> Any:
        return await self._next(context)

    async def _stream(self, context: CallContext, request: Any) -> AsyncIterator[Any]:
        try:
            for item in await self._next(context):
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.closed += 1

    async def _next(self, context: CallContext) -> Any:
        self.sent.append(context)
        self.times.append(self.clock.monotonic())
        self.deadlines.append(context.deadline)
        self.traces.append(context.given_trace)
        context.trace = TraceContext.root(sampled=True)  # as the span of an attempt does
        if len(self.sent) > 1:
            context.mark = REPLAYED
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, float):
            await self.clock.sleep(answer)
        if isinstance(answer, Callable):  # type: ignore[arg-type]
            answer = answer()
            if hasattr(answer, "__await__"):
                answer = await answer
        if isinstance(answer, Exception):
            raise answer
        return answer
