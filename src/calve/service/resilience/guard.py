"""The parts of one guard, and what unary calls and streams do with them alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from ...contract import Operation
from ...core.clock import Clock
from ...core.errors import CallError, DeadlineExceeded, Overloaded, Unavailable
from ...core.policy import EffectivePolicy
from ...observe import Logger, Registry
from .breaker import Breaker
from .budget import Budget
from .counts import Counts
from .fallback import Fallback, make_fallback
from .slots import Slots

_SICK = (Unavailable, Overloaded, DeadlineExceeded)


class Guard(msgspec.Struct, frozen=True):
    """Of one operation and one caller."""

    name: str
    """`service.operation`."""
    operation: Operation
    policy: EffectivePolicy
    breaker: Breaker
    slots: Slots
    budget: Budget
    counts: Counts
    fallback: Fallback | None
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    log: Logger
    remote: bool
    """Whether the calls leave this process."""

    @classmethod
    def make(
        cls,
        service: str,
        operation: Operation,
        caller: str,
        policy: EffectivePolicy,
        *,
        budget: Budget,
        remote: bool,
        clock: Clock,
        registry: Registry,
        log: Logger,
    ) -> Guard:
        """Put it together. Raises: ValueError: the fallback does not fit the operation."""
        name = f"{service}.{operation.name}"
        counts = Counts(registry, service, operation.name, caller)

        def changed(is_open: bool) -> None:
            if is_open:
                counts.add("opened")
                counts.show_open(lambda: float(breaker.open))
                log.warning("circuit breaker opened", operation=name, caller=caller, why=breaker.why)
            else:
                log.info("circuit breaker closed", operation=name, caller=caller)

        breaker = Breaker(name, policy, changed)
        slots = Slots(name, policy.calls_max, policy.queue_max)
        fallback = make_fallback(operation, policy.fallback)
        return cls(
            name, operation, policy, breaker, slots, budget, counts, fallback, clock.monotonic, clock.sleep, log, remote
        )

    def is_sick(self, error: CallError) -> bool:
        """Whether an error speaks against the service.

        Not so: what an operation passed on, because it is well itself; what was too late before it was sent; and what
        an operation failed with by a fault of its own, which may lie in the arguments of that one caller.
        """
        if isinstance(error, DeadlineExceeded) and not error.may_have_run:
            return False
        return isinstance(error, _SICK) and not error.passed_on
