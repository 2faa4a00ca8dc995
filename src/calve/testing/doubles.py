"""Other services, for the test of one: a double called exactly as the real service would be.

    class RichWallet(Wallet):
        async def debit(self, owner: UUID, cents: int) -> Balance:
            return Balance(owner=owner, cents=1_000_000)

    orders = stub_of(Orders, OrderService(store, wallet=stub_of(Wallet, RichWallet())))

Arguments and answers are checked and copied, deadlines and roles hold, undeclared errors become InternalError. A
double that was handed over as it is would let a test pass that cannot pass anywhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from ..contract import ContractInfo, Endpoint, describe
from ..core.clock import Clock, SystemClock
from ..core.deadline import TimerWheel
from ..observe import Logger, Registry, Tracing
from ..service import Chain, Middleware, make_stub
from ..service.loading import check_implementation
from ..store import Store
from .loop import VirtualLoop

T = TypeVar("T")


def endpoints_of(
    contract: Callable[..., object],
    implementation: object,
    *,
    clock: Clock | None = None,
    registry: Registry | None = None,
    tracing: Tracing | None = None,
    middleware: Sequence[Middleware] = (),
    store: Store | None = None,
) -> dict[str, Endpoint]:
    """The endpoints of one service, by operation: what transports serve. Must be called inside the event loop.

    Args:
        contract: What is implemented; it names the service, in lower case.
        implementation: An instance of a class that implements it.
        clock: For deadlines; the virtual one in virtual time, else the machine's, unless given.
        registry: Gets the metrics.
        tracing: Makes the spans; none unless given.
        middleware: Runs around every operation, outermost first.
        store: The one the implementation has, for commands with idempotency keys.
    Raises: ConfigError: an operation is missing, or does not fit.
    """
    info, loop = _info(contract), asyncio.get_running_loop()
    check_implementation(type(implementation), info)
    clock = clock or (loop.clock if isinstance(loop, VirtualLoop) else SystemClock())
    chain = Chain(
        wheel=TimerWheel(loop, clock.monotonic),
        clock=clock,
        registry=registry or Registry(),
        tracing=tracing or Tracing.off(),
        log=Logger(type(implementation).__module__),
        middleware=middleware,
    )
    operations = info.operations.values()
    return {
        op.name: chain.endpoint(info.name.lower(), op, getattr(implementation, op.name), store=store)
        for op in operations
    }


def stub_of(
    contract: Callable[..., T],
    implementation: object,
    *,
    clock: Clock | None = None,
    registry: Registry | None = None,
    tracing: Tracing | None = None,
    middleware: Sequence[Middleware] = (),
    store: Store | None = None,
) -> T:
    """A stub in front of an implementation, as in one process. Args and Raises: as for `endpoints_of`."""
    endpoints = endpoints_of(
        contract,
        implementation,
        clock=clock,
        registry=registry,
        tracing=tracing,
        middleware=middleware,
        store=store,
    )
    info = _info(contract)
    return cast(T, make_stub(info, info.name.lower(), endpoints, hosted=True))


def _info(contract: Callable[..., object]) -> ContractInfo:
    # A callable to type checkers, because they refuse a protocol class, which has no instances, for `type[T]`.
    return describe(cast(type[object], contract))
