"""The wallet: money is neither lost nor made, and never negative."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from calve import InvalidArgument
from calve.testing import App
from shop.testing import customer_with
from shop.wallet.contract import (
    Balance,
    EntryKind,
    InsufficientFunds,
    ReferenceReused,
    UnknownDebit,
    UnknownWallet,
    Wallet,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def wallet(app: App) -> Wallet:
    """A stub of the wallet."""
    return app.get(Wallet)


async def test_a_new_wallet_is_empty(wallet: Wallet) -> None:
    owner = uuid4()
    assert await wallet.open(owner) == Balance(owner=owner, cents=0)
    assert await wallet.balance(owner) == Balance(owner=owner, cents=0)


async def test_opening_again_keeps_the_money(app: App, wallet: Wallet) -> None:
    owner = await customer_with(app, 500)
    assert (await wallet.open(owner)).cents == 500


async def test_deposits_and_debits_add_up(app: App, wallet: Wallet) -> None:
    owner = await customer_with(app, 500)
    assert (await wallet.deposit(owner, 250, uuid4())).cents == 750
    assert (await wallet.debit(owner, 750, uuid4())).cents == 0
    assert (await wallet.balance(owner)).cents == 0


async def test_too_large_a_debit_takes_nothing_and_says_what_is_missing(app: App, wallet: Wallet) -> None:
    owner = await customer_with(app, 500)
    with pytest.raises(InsufficientFunds) as caught:
        await wallet.debit(owner, 750, uuid4())
    assert caught.value.missing_cents == 250
    assert (await wallet.balance(owner)).cents == 500


async def test_a_stranger_has_no_wallet(wallet: Wallet) -> None:
    owner = uuid4()
    for call in (
        wallet.balance(owner),
        wallet.statement(owner),
        wallet.deposit(owner, 1, uuid4()),
        wallet.debit(owner, 1, uuid4()),
        wallet.refund(owner, 1, uuid4()),
    ):
        with pytest.raises(UnknownWallet) as caught:
            await call
        assert caught.value.owner == owner


async def test_a_reference_moves_money_once(app: App, wallet: Wallet) -> None:
    owner, reference = await customer_with(app, 500), uuid4()
    for _ in range(3):
        assert (await wallet.debit(owner, 200, reference)).cents == 300
    assert len((await wallet.statement(owner)).entries) == 2


async def test_a_reference_stands_for_one_amount(app: App, wallet: Wallet) -> None:
    owner, reference = await customer_with(app, 500), uuid4()
    await wallet.debit(owner, 200, reference)
    with pytest.raises(ReferenceReused) as caught:
        await wallet.debit(owner, 300, reference)
    assert caught.value == ReferenceReused(reference=reference, cents=200)


async def test_a_debit_is_given_back_once(app: App, wallet: Wallet) -> None:
    owner, reference = await customer_with(app, 500), uuid4()
    await wallet.debit(owner, 200, reference)
    for _ in range(2):
        assert (await wallet.refund(owner, 200, reference)).cents == 500


async def test_only_what_was_debited_is_given_back(app: App, wallet: Wallet) -> None:
    owner, reference = await customer_with(app, 500), uuid4()
    with pytest.raises(UnknownDebit):
        await wallet.refund(owner, 200, reference)
    await wallet.debit(owner, 200, reference)
    with pytest.raises(ReferenceReused):
        await wallet.refund(owner, 201, reference)
    assert (await wallet.balance(owner)).cents == 300


async def test_the_statement_explains_the_balance_page_by_page(app: App, wallet: Wallet) -> None:
    owner, reference = await customer_with(app, 1_000), uuid4()
    await wallet.debit(owner, 300, reference)
    await wallet.refund(owner, 300, reference)
    latest = await wallet.statement(owner, limit=2)
    assert [entry.kind for entry in latest.entries] == [EntryKind.REFUND, EntryKind.DEBIT]
    assert [entry.balance_cents for entry in latest.entries] == [1_000, 700]
    assert latest.entries[0].reference == reference
    assert latest.entries[0].at.tzinfo is not None
    assert latest.next_before is not None
    rest = await wallet.statement(owner, before=latest.next_before, limit=2)
    assert [(entry.kind, entry.cents) for entry in rest.entries] == [(EntryKind.DEPOSIT, 1_000)]
    assert rest.next_before is None


@pytest.mark.parametrize("cents", [0, -5, 10_000_000_001])
async def test_amounts_are_positive_and_bounded(wallet: Wallet, cents: int) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await wallet.deposit(uuid4(), cents, uuid4())
    assert caught.value.field == "$.cents"


async def test_parallel_debits_never_overdraw(app: App, wallet: Wallet) -> None:
    owner = await customer_with(app, 1_000)
    answers = await asyncio.gather(*(wallet.debit(owner, 30, uuid4()) for _ in range(100)), return_exceptions=True)
    paid = [answer for answer in answers if isinstance(answer, Balance)]
    refused = [answer for answer in answers if isinstance(answer, InsufficientFunds)]
    assert (len(paid), len(refused)) == (33, 67)
    assert sorted(balance.cents for balance in paid) == list(range(10, 1_000, 30))
    assert (await wallet.balance(owner)).cents == 10
