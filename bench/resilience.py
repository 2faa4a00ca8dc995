"""What policies cost a call in which nothing fails, and what they spare a service that is sick.

Cost: the reference operation in one process, through its stub, with and without the guard that keeps time limit,
attempts, budget, breaker and slots. Beside it, what the same protection costs by the usual means: stamina for retries
(on tenacity), purgatory for the breaker, `asyncio.timeout` and a semaphore, around a bare await; and each of the
libraries alone.

Storm: a client calls a front at a fixed rate, the front calls a service that fails every call, each a process of its
own. Offered load is what arrives at the service for each call of the client. Beside it, three attempts at both layers
by stamina, without a budget.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import stamina
from purgatory import AsyncCircuitBreakerFactory

from calve import CallError
from calve.bootstrap import Base
from calve.contract import describe
from calve.core.policy import EffectivePolicy
from calve.service import Chain, make_stub
from calve.service.resilience import Guards
from calve.testing.runners import runner

from .common import Result, medians, pin, result
from .inprocess import Item, Wallet, WalletService

CALLS = 20_000
ROUNDS = 9
STORM_PER_SECOND = 200
STORM_SECONDS = 5.0

SICK = '''
"""Fails every call after a while of work, and counts them."""
import asyncio
from collections import Counter
from typing import Protocol
from calve import Contract, Policy, Unavailable, query

class Sick(Contract, Protocol, version="1.0"):
    @query()
    async def guarded(self) -> int: ...
    @query(policy=Policy(breaker_calls_min=0))
    async def without_breaker(self) -> int: ...
    @query(policy=Policy(breaker_calls_min=0, attempts_max=1))
    async def bare(self) -> int: ...
    @query()
    async def arrived(self, name: str) -> int: ...

class SickService(Sick):
    def __init__(self) -> None:
        self._arrived = Counter()
    async def _fail(self, name: str) -> int:
        self._arrived[name] += 1
        await asyncio.sleep(0.02)
        raise Unavailable("sick")
    async def guarded(self) -> int:
        return await self._fail("guarded")
    async def without_breaker(self) -> int:
        return await self._fail("without_breaker")
    async def bare(self) -> int:
        return await self._fail("bare")
    async def arrived(self, name: str) -> int:
        return self._arrived[name]
'''

FRONT = '''
"""Passes calls on."""
from typing import Protocol
import stamina
from calve import CallError, Contract, Policy, query
from sick import Sick

class Front(Contract, Protocol, version="1.0"):
    @query()
    async def guarded(self) -> int: ...
    @query()
    async def without_breaker(self) -> int: ...
    @query(policy=Policy(breaker_calls_min=0, attempts_max=1))
    async def bare(self) -> int: ...

class FrontService(Front):
    def __init__(self, sick: Sick) -> None:
        self._sick = sick
    async def guarded(self) -> int:
        return await self._sick.guarded()
    async def without_breaker(self) -> int:
        return await self._sick.without_breaker()
    @stamina.retry(on=CallError, attempts=3, wait_initial=0.05)
    async def bare(self) -> int:
        return await self._sick.bare()
'''


def usual(method: Callable[..., Awaitable[Any]], *, retry: bool = True, breaker: bool = True) -> Callable[..., Any]:
    """The same protection by libraries.

    Args:
        retry, breaker: Leave one out to see the price of the other.
    """
    factory = AsyncCircuitBreakerFactory(default_threshold=20, default_ttl=1)
    slots = asyncio.Semaphore(1000)

    async def once(*args: Any) -> Any:
        async with slots, asyncio.timeout(10):
            return await method(*args)

    call: Callable[..., Any] = once
    if breaker:
        call = factory("wallet.debit")(call)
    if retry:
        call = stamina.retry(on=CallError, attempts=3, timeout=timedelta(seconds=10))(call)
    return call


async def _cost() -> dict[str, float]:
    """Microseconds per call of each way, medians over the rounds."""
    base, info, service = Base.make(), describe(Wallet), WalletService()
    chain = Chain(wheel=base.wheel, clock=base.clock, registry=base.registry, tracing=base.tracing, log=base.log)
    endpoint = chain.endpoint("wallet", info.operations["debit"], service.debit)
    guards = Guards(
        lambda *_: EffectivePolicy(timeout_seconds=10), clock=base.clock, registry=base.registry, log=base.log
    )
    guarded = guards.endpoint(endpoint, "orders", remote=False)
    without: Wallet = make_stub(info, "wallet", {"debit": endpoint}, hosted=True)
    stub: Wallet = make_stub(info, "wallet", {"debit": guarded}, hosted=True)
    ways = {
        "bare await": service.debit,
        "call without policies": without.debit,
        "call with policies": stub.debit,
        "stamina, purgatory, timeout, semaphore": usual(service.debit),
        "stamina": stamina.retry(on=CallError, attempts=3, timeout=timedelta(seconds=10))(service.debit),
        "purgatory": AsyncCircuitBreakerFactory()("wallet.debit")(service.debit),
    }
    arguments = (uuid4(), 500, tuple(Item(sku=f"sku-{n}", quantity=n, cents=100 * n) for n in range(1, 4)))
    rounds = []
    for _ in range(ROUNDS):
        figures = {}
        for name, way in ways.items():
            started = time.perf_counter()
            for _ in range(CALLS):
                await way(*arguments)
            figures[name] = (time.perf_counter() - started) / CALLS * 1e6
        rounds.append(figures | {"policies": figures["call with policies"] - figures["call without policies"]})
    return medians(rounds)


async def _offered(app: Any, name: str) -> float:
    """Calls that arrive at the sick service for each one that the client makes."""
    from front import Front  # type: ignore[import-not-found]
    from sick import Sick  # type: ignore[import-not-found]

    call = getattr(app.get(Front), name)
    if name == "bare":
        call = stamina.retry(on=CallError, attempts=3, wait_initial=0.05)(call)

    async def one() -> None:
        with contextlib.suppress(CallError):
            await call()

    loop, made, tasks = asyncio.get_running_loop(), 0, []
    started = loop.time()
    while (passed := loop.time() - started) < STORM_SECONDS:
        while made < passed * STORM_PER_SECOND:
            tasks.append(asyncio.create_task(one()))
            made += 1
        await asyncio.sleep(0.005)
    await asyncio.gather(*tasks)
    return await app.get(Sick).arrived(name) / made  # type: ignore[no-any-return]


async def _storm() -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        for module, text in (("sick", SICK), ("front", FRONT)):
            (Path(folder) / f"{module}.py").write_text(text)
        async with runner("processes").start(folder, services=["sick", "front"]) as app:
            return {
                "policies": await _offered(app, "guarded"),
                "policies without breaker": await _offered(app, "without_breaker"),
                "three attempts at both layers": await _offered(app, "bare"),
            }


def run() -> list[Result]:
    """Measure the cost on one core, and the storm on all."""
    logging.getLogger("stamina").setLevel(logging.ERROR)
    storm = asyncio.run(_storm())
    pin(0, 0)
    cost = asyncio.run(_cost())
    return [
        result("policies of a call when nothing fails: added to the call", cost["policies"], "us", "<= 2", cost),
        result(
            "storm: calls that arrive at a sick service for each of the client, breaker off",
            storm["policies without breaker"],
            "ratio",
            "<= 1.2",
            storm,
        ),
    ]
