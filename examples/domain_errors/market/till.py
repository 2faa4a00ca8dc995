"""Domain errors: refusals that are part of a contract and arrive as themselves, whatever lies between.

    $ calve run &
    $ calve call till.buy cents=30
    $ calve call till.buy cents=80
    $ calve call wallet.debit cents=80

On REST the last one is a problem document with status 409 and the member `missing_cents`. An exception that the
contract does not declare reaches the caller as InternalError, and its details stay in the log of the service.
"""

from __future__ import annotations

from typing import Protocol

from calve import Contract, command

from .wallet import InsufficientFunds, Wallet


class Till(Contract, Protocol, version="1.0"):
    """Sells things."""

    @command()
    async def buy(self, cents: int) -> str:
        """Pay from the wallet."""
        ...


class TillService(Till):
    """Catches the wallet's error as the class it is, with its fields."""

    def __init__(self, wallet: Wallet) -> None:
        self._wallet = wallet

    async def buy(self, cents: int) -> str:
        try:
            return f"paid, {await self._wallet.debit(cents)} cents left"
        except InsufficientFunds as refusal:
            return f"come back with {refusal.missing_cents} cents more"
