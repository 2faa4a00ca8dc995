"""Policies: what a caller does so that somebody else's failure is not its own.

    $ calve run --topology split &
    $ calve call desk.buy euros=100
    $ calve call rates.break_down calls=2
    $ calve call desk.buy euros=100
    $ calve call rates.break_down calls=1000000
    $ calve call desk.buy euros=100
    $ calve call desk.sell_out customers=500
    $ calve policy rates.current

Two failures are made good by repeating the call. When the exchange is gone for good, the desk goes on with the last
rate it knows; and the 500 customers that follow do not become 1500 calls of a service that is down: the breaker opens,
and hardly any of them arrive. All of this is the same with `calve run`, in one process.
"""

from __future__ import annotations

from typing import Protocol

from calve import Contract, query

from .rates import Rates


def last_known(currency: str) -> float:
    """The fallback that calve.toml names: a rate the bureau can live with."""
    return 1.5


class Desk(Contract, Protocol, version="1.0"):
    """Sells currency."""

    @query()
    async def buy(self, euros: int) -> str:
        """What that costs."""
        ...

    @query()
    async def sell_out(self, customers: int) -> str:
        """Serve so many customers; how many calls that took."""
        ...


class DeskService(Desk):
    """Asks for the rate for every customer."""

    def __init__(self, rates: Rates) -> None:
        self._rates = rates

    async def buy(self, euros: int) -> str:
        return f"{euros * await self._rates.current('EUR'):.2f} dollars"

    async def sell_out(self, customers: int) -> str:
        before = await self._rates.asked()
        answers = {await self.buy(100) for _ in range(customers)}
        few = await self._rates.asked() - before <= 40
        return f"{customers} customers paid {' or '.join(answers)}; {'few' if few else 'many'} calls arrived"
