"""What the wallet promises: money that is never spent twice and never negative."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Protocol
from uuid import UUID

from calve import Contract, DomainError, Message, Meta, command, query

Amount = Annotated[int, Meta(ge=1, le=10_000_000_000, description="Cents, at least one.")]


class Balance(Message):
    """What a customer has."""

    owner: UUID
    cents: Annotated[int, Meta(ge=0)]


class EntryKind(Enum):
    """Why money moved."""

    DEPOSIT = "deposit"
    DEBIT = "debit"
    REFUND = "refund"


class Entry(Message):
    """One movement of money."""

    number: int
    """Counts up; later entries have higher numbers."""
    kind: EntryKind
    cents: Amount
    reference: UUID
    """What it was for, as told by whoever moved the money."""
    balance_cents: int
    """What was in the wallet afterwards."""
    at: datetime


class Statement(Message):
    """Movements of one wallet, the latest first."""

    entries: tuple[Entry, ...]
    next_before: int | None
    """Give this as `before` for the earlier ones; None when there are none."""


class UnknownWallet(DomainError):
    """There is no wallet for this customer."""

    status = 404
    owner: UUID


class InsufficientFunds(DomainError):
    """There is not enough money in the wallet."""

    status = 409
    missing_cents: int


class ReferenceReused(DomainError):
    """The reference stands for another amount already."""

    status = 409
    reference: UUID
    cents: int
    """The amount that was moved under this reference."""


class UnknownDebit(DomainError):
    """Nothing was debited under this reference."""

    status = 404
    reference: UUID


class Wallet(Contract, Protocol, version="1.0"):
    """Money held for a customer.

    A reference moves money once: the same command with the same reference again changes nothing.
    """

    @command(http="PUT /wallets/{owner}")
    async def open(self, owner: UUID) -> Balance:
        """Make an empty wallet; one that exists already stays as it is."""
        ...

    @command(http="POST /wallets/{owner}/deposits", raises=[UnknownWallet, ReferenceReused])
    async def deposit(self, owner: UUID, cents: Amount, reference: UUID) -> Balance:
        """Put money in."""
        ...

    @command(http="POST /wallets/{owner}/debits", raises=[UnknownWallet, InsufficientFunds, ReferenceReused])
    async def debit(self, owner: UUID, cents: Amount, reference: UUID) -> Balance:
        """Take money out, if there is enough."""
        ...

    @command(raises=[UnknownWallet, UnknownDebit, ReferenceReused])
    async def refund(self, owner: UUID, cents: Amount, reference: UUID) -> Balance:
        """Give back what was debited under the reference; takes the arguments of the debit."""
        ...

    @query(http="GET /wallets/{owner}", raises=[UnknownWallet])
    async def balance(self, owner: UUID) -> Balance:
        """What is in the wallet now."""
        ...

    @query(http="GET /wallets/{owner}/statement", raises=[UnknownWallet])
    async def statement(
        self,
        owner: UUID,
        before: Annotated[int, Meta(ge=1, le=2**53)] | None = None,
        limit: Annotated[int, Meta(ge=1, le=100)] = 20,
    ) -> Statement:
        """The movements, the latest first."""
        ...
