"""Leases: which of several processes does a piece of work that one of them should do. The server's clock decides."""

from __future__ import annotations

from ..base import Transaction

TABLE = """CREATE TABLE IF NOT EXISTS calve_lease (
    name TEXT PRIMARY KEY, owner TEXT NOT NULL, until TIMESTAMPTZ NOT NULL)"""
_TAKE = """INSERT INTO calve_lease (name, owner, until)
VALUES (:name, :owner, clock_timestamp() + :seconds * interval '1 second')
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
WHERE calve_lease.owner = excluded.owner OR calve_lease.until < clock_timestamp()"""
_DROP = "DELETE FROM calve_lease WHERE name = :name AND owner = :owner"


async def take(tx: Transaction, name: str, owner: str, seconds: float) -> bool:
    """See `Store.take_lease`."""
    return await tx.execute(_TAKE, name=name, owner=owner, seconds=seconds) > 0


async def drop(tx: Transaction, name: str, owner: str) -> None:
    """See `Store.drop_lease`."""
    await tx.execute(_DROP, name=name, owner=owner)
