"""Rates of exchange, from something that breaks down now and then."""

from __future__ import annotations

from typing import Protocol

from calve import Contract, Policy, Unavailable, command, query


class Rates(Contract, Protocol, version="1.0"):
    """What currencies are worth."""

    @query(timeout_seconds=2, policy=Policy(attempts_max=3, retry_first_seconds=0.01))
    async def current(self, currency: str) -> float:
        """What one unit is worth now."""
        ...

    @query()
    async def asked(self) -> int:
        """How many calls for a current rate have arrived."""
        ...

    @command()
    async def break_down(self, calls: int) -> None:
        """Fail so many calls from now on."""
        ...


class RatesService(Rates):
    """Counts what arrives."""

    def __init__(self) -> None:
        self._asked = self._failing = 0

    async def current(self, currency: str) -> float:
        self._asked += 1
        if self._failing:
            self._failing -= 1
            raise Unavailable("the exchange does not answer")
        return 1.25

    async def asked(self) -> int:
        return self._asked

    async def break_down(self, calls: int) -> None:
        self._failing = calls
