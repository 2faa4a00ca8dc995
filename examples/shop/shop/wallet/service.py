"""The wallet over its own database: a balance per customer, and the entries that explain it."""

from __future__ import annotations

from uuid import UUID

from calve import Clock, Store, Transaction
from calve.store import Reader

from .contract import (
    Amount,
    Balance,
    Entry,
    EntryKind,
    InsufficientFunds,
    ReferenceReused,
    Statement,
    UnknownDebit,
    UnknownWallet,
    Wallet,
)


class WalletService(Wallet):
    """Every movement is one transaction: check, write the entry, change the balance."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def open(self, owner: UUID) -> Balance:
        async with self._store.transaction() as tx:
            await tx.execute("INSERT INTO wallet (owner, cents) VALUES (:owner, 0) ON CONFLICT DO NOTHING", owner=owner)
            return await _balance(tx, owner)

    async def deposit(self, owner: UUID, cents: Amount, reference: UUID) -> Balance:
        async with self._store.transaction() as tx:
            return await self._move(tx, EntryKind.DEPOSIT, owner, cents, reference)

    async def debit(self, owner: UUID, cents: Amount, reference: UUID) -> Balance:
        async with self._store.transaction() as tx:
            return await self._move(tx, EntryKind.DEBIT, owner, cents, reference)

    async def refund(self, owner: UUID, cents: Amount, reference: UUID) -> Balance:
        async with self._store.transaction() as tx:
            debited = await _moved(tx, EntryKind.DEBIT, owner, reference)
            if debited is None:
                await _balance(tx, owner)  # no wallet at all is the better answer
                raise UnknownDebit(reference=reference)
            if debited != cents:
                raise ReferenceReused(reference=reference, cents=debited)
            return await self._move(tx, EntryKind.REFUND, owner, cents, reference)

    async def balance(self, owner: UUID) -> Balance:
        return await _balance(self._store, owner)

    async def statement(self, owner: UUID, before: int | None = None, limit: int = 20) -> Statement:
        async with self._store.read() as reader:
            await _balance(reader, owner)
            entries = await reader.all(
                """SELECT number, kind, cents, reference, balance_cents, at FROM entry
                   WHERE owner = :owner AND (:before IS NULL OR number < :before)
                   ORDER BY number DESC LIMIT :limit""",
                Entry,
                owner=owner,
                before=before,
                limit=limit + 1,
            )
        page = tuple(entries[:limit])
        return Statement(entries=page, next_before=page[-1].number if len(entries) > limit else None)

    async def _move(self, tx: Transaction, kind: EntryKind, owner: UUID, cents: int, reference: UUID) -> Balance:
        balance = await _balance(tx, owner)
        moved = await _moved(tx, kind, owner, reference)
        if moved is not None:
            if moved != cents:
                raise ReferenceReused(reference=reference, cents=moved)
            return balance
        left = balance.cents + (-cents if kind is EntryKind.DEBIT else cents)
        if left < 0:
            raise InsufficientFunds(missing_cents=-left)
        await tx.execute(
            """INSERT INTO entry (owner, kind, cents, reference, balance_cents, at)
               VALUES (:owner, :kind, :cents, :reference, :left, :at)""",
            owner=owner,
            kind=kind,
            cents=cents,
            reference=reference,
            left=left,
            at=self._clock.now(),
        )
        await tx.execute("UPDATE wallet SET cents = :left WHERE owner = :owner", left=left, owner=owner)
        return Balance(owner=owner, cents=left)


async def _balance(reader: Reader, owner: UUID) -> Balance:
    balance = await reader.one("SELECT owner, cents FROM wallet WHERE owner = :owner", Balance, owner=owner)
    if balance is None:
        raise UnknownWallet(owner=owner)
    return balance


async def _moved(reader: Reader, kind: EntryKind, owner: UUID, reference: UUID) -> int | None:
    """How many cents were moved under the reference, or None."""
    return await reader.one(
        "SELECT cents FROM entry WHERE owner = :owner AND kind = :kind AND reference = :reference",
        int,
        owner=owner,
        kind=kind,
        reference=reference,
    )
