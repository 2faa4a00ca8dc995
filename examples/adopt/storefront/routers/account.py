"""What a customer has; a plain `def`, which FastAPI runs in a thread."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from bank.wallet.contract import Wallet
from calve import sync

from ..dependencies import sync_wallet
from ..models import Account

router = APIRouter(prefix="/account", tags=["account"])


@router.get("/{customer}")
def account(customer: str, money: Annotated[sync.Client[Wallet], Depends(sync_wallet)]) -> Account:
    """How much there is."""
    return Account(customer=customer, cents=money(Wallet.balance, customer).cents)
