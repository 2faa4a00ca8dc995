"""The wallet: one row per customer, changed in one transaction."""

from __future__ import annotations

from calve import Store

from .contract import Balance, Cents, InsufficientFunds, Wallet


class WalletService(Wallet):
    """Keeps the money in its own database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def deposit(self, owner: str, cents: Cents) -> Balance:
        return await self._move(owner, cents)

    async def debit(self, owner: str, cents: Cents) -> Balance:
        return await self._move(owner, -cents)

    async def balance(self, owner: str) -> Balance:
        cents = await self._store.one("SELECT cents FROM wallet WHERE owner = :owner", int, owner=owner)
        return Balance(owner=owner, cents=cents or 0)

    async def _move(self, owner: str, cents: int) -> Balance:
        async with self._store.transaction() as tx:
            before = await tx.one("SELECT cents FROM wallet WHERE owner = :owner", int, owner=owner) or 0
            if before + cents < 0:
                raise InsufficientFunds(missing_cents=-(before + cents))
            await tx.execute(
                "INSERT INTO wallet VALUES (:owner, :cents) ON CONFLICT DO UPDATE SET cents = :cents",
                owner=owner,
                cents=before + cents,
            )
        return Balance(owner=owner, cents=before + cents)
