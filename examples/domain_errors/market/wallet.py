"""The service that refuses."""

from __future__ import annotations

from typing import Protocol

from calve import Contract, DomainError, command


class InsufficientFunds(DomainError):
    """There is not enough money in the wallet."""

    status = 409
    missing_cents: int


class Wallet(Contract, Protocol, version="1.0"):
    """Fifty cents, and no more."""

    @command(http="POST /debits", raises=[InsufficientFunds])
    async def debit(self, cents: int) -> int:
        """Take money out; answers with what is left."""
        ...


class WalletService(Wallet):
    """Raises the error like any other."""

    async def debit(self, cents: int) -> int:
        if cents > 50:
            raise InsufficientFunds(missing_cents=cents - 50)
        return 50 - cents
