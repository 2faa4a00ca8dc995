"""A service with a store, for commands that are repeated under their idempotency keys."""

from __future__ import annotations

from typing import Literal, Protocol

from calve import Contract, DomainError, Store, command, query

After = Literal["", "refuse", "fail"]


class Audited(DomainError):
    """The amount will be looked at, though it was written down."""

    status = 403
    total: int


class Ledger(Contract, Protocol, version="1.0"):
    """Sums per owner."""

    @command(http="POST /ledger/{owner}", raises=[Audited])
    async def add(self, owner: str, cents: int, after: After = "") -> int:
        """Add to a sum, then do something else."""
        ...

    @command(http="DELETE /ledger/{owner}")
    async def clear(self, owner: str) -> None:
        """Begin anew."""
        ...

    @command(http="PUT /ledger/{owner}", idempotent=True)
    async def open(self, owner: str) -> int:
        """Count how often it ran."""
        ...

    @query(http="GET /ledger/{owner}")
    async def total(self, owner: str) -> int:
        """The sum."""
        ...


SUM = "SELECT coalesce(sum(cents), 0) AS total FROM line WHERE owner = :owner"


class LedgerService(Ledger):
    """One transaction per command."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, owner: str, cents: int, after: After = "") -> int:
        async with self._store.transaction() as tx:
            await tx.execute("INSERT INTO line (owner, cents) VALUES (:owner, :cents)", owner=owner, cents=cents)
            total = await tx.one(SUM, int, owner=owner)
        assert total is not None
        if after == "refuse":
            raise Audited(total=total)
        if after == "fail":
            raise ValueError(total)
        return total

    async def clear(self, owner: str) -> None:
        async with self._store.transaction() as tx:
            await tx.execute("DELETE FROM line WHERE owner = :owner", owner=owner)

    async def open(self, owner: str) -> int:
        return await self.add(owner, 1)

    async def total(self, owner: str) -> int:
        return await self._store.one(SUM, int, owner=owner) or 0
