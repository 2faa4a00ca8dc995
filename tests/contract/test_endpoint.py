"""The seam between services and transports: an operation with something that runs it."""

from __future__ import annotations

from typing import Any, Protocol

from calve import CallContext, Contract, query
from calve.contract import Endpoint, describe


class Clock(Contract, Protocol, version="1.0"):
    @query()
    async def now(self) -> int: ...


async def test_a_transport_needs_nothing_but_the_endpoint() -> None:
    async def handle(context: CallContext, request: Any) -> int:
        return len(context.operation)

    operation = describe(Clock).operations["now"]
    endpoint = Endpoint("clock", operation, handle)
    assert await endpoint.handle(CallContext("clock.now"), operation.request()) == 9
    assert endpoint.stream is None
