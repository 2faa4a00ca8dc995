"""The assortment, and buying from it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException

from bank.wallet.contract import InsufficientFunds, Wallet

from ..dependencies import assortment, item_named, wallet
from ..models import Item, Purchase, Receipt

router = APIRouter(tags=["items"])


@router.get("/items")
async def all_items(items: Annotated[dict[str, Item], Depends(assortment)]) -> list[Item]:
    """Everything for sale."""
    return list(items.values())


@router.get("/items/{name}")
async def item(found: Annotated[Item, Depends(item_named)]) -> Item:
    """One thing."""
    return found


@router.post("/purchases", status_code=201)
async def buy(
    purchase: Purchase,
    items: Annotated[dict[str, Item], Depends(assortment)],
    money: Annotated[Wallet, Depends(wallet)],
) -> Receipt:
    """Buy something; the wallet pays."""
    price = item_named(purchase.item, items).cents * purchase.number
    try:
        left = await money.debit(purchase.customer, price)
    except InsufficientFunds as error:
        raise HTTPException(402, f"{error.missing_cents} cents are missing") from error
    return Receipt(paid_cents=price, left_cents=left.cents)
