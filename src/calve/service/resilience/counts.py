"""What a guard counts. A number is registered when it first counts: most guards never have anything to tell.

    calve_resilience_retries_total            attempts that were repeated
    calve_resilience_retries_refused_total    attempts that were not, for want of budget
    calve_resilience_opened_total             times that the breaker opened
    calve_resilience_breaker_open             1 while it is open
    calve_resilience_not_sent_total           calls that an open breaker kept back
    calve_resilience_overloaded_total         calls that got no slot
    calve_resilience_fallbacks_total          answers that a fallback gave

Each with the labels service, operation and caller ('' for calls from outside of all services).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ...observe import Registry

_HELP: Final = {
    "retries": "Attempts that were repeated",
    "retries_refused": "Attempts that were not repeated for want of budget",
    "opened": "Times that the circuit breaker opened",
    "not_sent": "Calls that an open circuit breaker kept back",
    "overloaded": "Calls that got no slot",
    "fallbacks": "Answers that a fallback gave",
}


class Counts:
    """Of one operation and one caller.

    Args:
        registry: Where they are shown.
    """

    __slots__ = ("_labels", "_registry", "values")

    def __init__(self, registry: Registry, service: str, operation: str, caller: str) -> None:
        self._registry = registry
        self._labels = {"service": service, "operation": operation, "caller": caller}
        self.values: dict[str, int] = {}

    def add(self, name: str) -> None:
        """Count one more of a name above."""
        values = self.values
        if name not in values:
            values[name] = 0
            self._registry.counter(f"calve.resilience.{name}", _HELP[name], lambda: values[name], **self._labels)
        values[name] += 1

    def show_open(self, read: Callable[[], float]) -> None:
        """Show whether the breaker is open, from now on."""
        self._registry.gauge("calve.resilience.breaker_open", "Whether the breaker is open", read, **self._labels)
