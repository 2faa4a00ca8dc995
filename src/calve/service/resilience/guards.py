"""All guards of one process: one per operation and caller, made when somebody first asks for it."""

from __future__ import annotations

from collections.abc import Callable

from ...contract import Endpoint, Operation
from ...core.clock import Clock
from ...core.policy import EffectivePolicy
from ...observe import Logger, Registry
from .budget import Budget
from .guard import Guard
from .stream import guard_stream
from .unary import guard_unary

PolicyOf = Callable[[str, Operation, str], EffectivePolicy]
"""From service, operation and caller to the policy that holds. Raises ConfigError."""


class Guards:
    """Of one process.

    Args:
        policy_of: The policies.
        clock: For deadlines and pauses.
        registry: Gets what they count.
        log: Told when a breaker opens and closes.
    """

    def __init__(self, policy_of: PolicyOf, *, clock: Clock, registry: Registry, log: Logger) -> None:
        self._policy_of, self._clock, self._registry, self._log = policy_of, clock, registry, log
        self._budgets: dict[str, Budget] = {}
        self._guarded: dict[tuple[str, Endpoint], Endpoint] = {}

    def endpoint(self, endpoint: Endpoint, caller: str, *, remote: bool) -> Endpoint:
        """The same endpoint behind the guard of one caller; the same object when asked again.

        Args:
            endpoint: Carries attempts.
            caller: Name of the service that calls; '' for calls from outside of all services.
            remote: Whether the calls leave this process.
        Raises: ConfigError: the policy is not in order.
        """
        known = self._guarded.get((caller, endpoint))
        if known is None:
            known = self._guarded[caller, endpoint] = self._guard(endpoint, caller, remote)
        return known

    def _guard(self, endpoint: Endpoint, caller: str, remote: bool) -> Endpoint:
        service, operation = endpoint.service, endpoint.operation
        guard = Guard.make(
            service,
            operation,
            caller,
            self._policy_of(service, operation, caller),
            budget=self._budgets.setdefault(service, Budget()),
            remote=remote,
            clock=self._clock,
            registry=self._registry,
            log=self._log,
        )
        if endpoint.stream is not None:
            return endpoint._replace(stream=guard_stream(guard, endpoint.stream))
        return endpoint._replace(handle=guard_unary(guard, endpoint.handle))
