"""What the wallet promises."""

from __future__ import annotations

from typing import Annotated, Protocol

from calve import Contract, DomainError, Message, Meta, command, query

Cents = Annotated[int, Meta(gt=0)]


class Balance(Message):
    """What a customer has."""

    owner: str
    cents: int


class InsufficientFunds(DomainError):
    """There is not enough money in the wallet."""

    status = 409
    missing_cents: int


class Wallet(Contract, Protocol, version="1.0"):
    """Money held for customers."""

    @command(http="POST /wallets/{owner}/deposits")
    async def deposit(self, owner: str, cents: Cents) -> Balance:
        """Put money in."""
        ...

    @command(http="POST /wallets/{owner}/debits", raises=[InsufficientFunds])
    async def debit(self, owner: str, cents: Cents) -> Balance:
        """Take money out, if there is enough."""
        ...

    @query(http="GET /wallets/{owner}")
    async def balance(self, owner: str) -> Balance:
        """How much there is."""
        ...
