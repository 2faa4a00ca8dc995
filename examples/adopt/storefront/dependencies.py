"""What the endpoints ask for. The last two functions are all that this application knows of Calve."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, HTTPException, Request

import calve
from bank.wallet.contract import Wallet
from calve import sync

from .models import Item


def assortment(request: Request) -> dict[str, Item]:
    """Everything for sale, from the lifespan."""
    found: dict[str, Item] = request.state.items
    return found


def item_named(name: str, items: Annotated[dict[str, Item], Depends(assortment)]) -> Item:
    """One thing, or a 404."""
    if name not in items:
        raise HTTPException(404, f"there is no {name}")
    return items[name]


def wallet() -> Wallet:
    """The wallet for `async def` endpoints."""
    return calve.stub(Wallet)


def sync_wallet() -> sync.Client[Wallet]:
    """The wallet for `def` endpoints, which run in threads."""
    return sync.client(Wallet)
