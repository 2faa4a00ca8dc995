"""Giving a refund: a row here and money there, or neither.

The row is written first. When the wallet refuses or cannot be reached, Django's transaction rolls it back.
"""

from __future__ import annotations

from django.db import transaction

from bank.wallet.contract import Wallet
from calve import sync

from .models import Refund

wallet = sync.client(Wallet)


def give(customer: str, cents: int) -> int:
    """Give money back. Returns: what the customer has then, in cents."""
    with transaction.atomic():
        Refund.objects.create(customer=customer, cents=cents)
        return wallet(Wallet.deposit, customer, cents).cents
