"""What the tests of the shop share."""

from __future__ import annotations

from uuid import UUID, uuid4

from calve.testing import App

from .wallet.contract import Wallet


async def customer_with(app: App, cents: int) -> UUID:
    """A new customer who has so many cents."""
    owner, wallet = uuid4(), app.get(Wallet)
    await wallet.open(owner)
    if cents:
        await wallet.deposit(owner, cents, uuid4())
    return owner
