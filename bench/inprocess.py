"""A call within one process, through the whole chain, against a bare `await` on the same method.

What the chain does meanwhile: binds the arguments, sends the request through the codec, makes a context, keeps the
deadline, counts metrics, sends the answer through the codec. Beside it: what a wrapper costs that does a third of that
by the usual means (a context variable, a no-op OpenTelemetry span, `asyncio.timeout`). No codec is the same call with
by-reference arguments, to show what the codec's share is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, Protocol
from uuid import UUID, uuid4

from calve.bootstrap import Base
from calve.contract import Contract, Message, command, describe
from calve.core.context import CallContext
from calve.service import Chain, make_stub

from .common import Result, medians, pin, result

CALLS = 40_000
ROUNDS = 7


class Item(Message):
    """A line of the order."""

    sku: str
    quantity: int
    cents: int


class Answer(Message):
    """What comes back."""

    ok: bool
    balance: int


class Wallet(Contract, Protocol, version="1.0"):
    """The reference operation of all call benchmarks."""

    @command()
    async def debit(self, order_id: UUID, amount_cents: int, items: tuple[Item, ...]) -> Answer: ...


ANSWER = Answer(ok=True, balance=5)


class WalletService(Wallet):
    """Does nothing, so that only the call is measured."""

    async def debit(self, order_id: UUID, amount_cents: int, items: tuple[Item, ...]) -> Answer:
        return ANSWER


def naive(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The wrapper one would write first."""
    from opentelemetry import trace

    tracer, current = trace.NoOpTracer(), ContextVar[object]("current")

    async def call(*args: Any) -> Any:
        token = current.set(args)
        try:
            with tracer.start_as_current_span("wallet.debit"):
                async with asyncio.timeout(10):
                    return await method(*args)
        finally:
            current.reset(token)

    return call


async def measure() -> dict[str, float]:
    """Microseconds per call of each way, medians over the rounds."""
    base = Base.make()
    info, service = describe(Wallet), WalletService()
    chain = Chain(
        wheel=base.wheel, clock=base.clock, registry=base.registry, tracing=base.tracing, log=base.log, middleware=()
    )
    endpoint = chain.endpoint("wallet", info.operations["debit"], service.debit)
    stub: Wallet = make_stub(info, "wallet", {"debit": endpoint}, hosted=True)
    request_type = info.operations["debit"].request

    async def by_reference(*args: Any) -> Any:
        return await endpoint.handle(CallContext("wallet.debit"), request_type(*args))

    ways = {"bare await": service.debit, "calve": stub.debit, "no codec": by_reference, "naive": naive(service.debit)}
    arguments = (uuid4(), 500, tuple(Item(sku=f"sku-{n}", quantity=n, cents=100 * n) for n in range(1, 4)))
    rounds = []
    for _ in range(ROUNDS):
        figures = {}
        for name, way in ways.items():
            started = time.perf_counter()
            for _ in range(CALLS):
                await way(*arguments)
            figures[name] = (time.perf_counter() - started) / CALLS * 1e6
        rounds.append(figures)
    return medians(rounds)


def run() -> list[Result]:
    """Measure on one core."""
    pin(0, 0)
    figures = asyncio.run(measure())
    extra = figures["calve"] - figures["bare await"]
    return [result("in-process call, full chain, tracing off: added to a bare await", extra, "us", "<= 4", figures)]
