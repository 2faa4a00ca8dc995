"""Wallets: as functions on a session, as routes, and as a client of those routes."""

from __future__ import annotations

from uuid import UUID

import httpx
from fastapi import APIRouter, HTTPException
from sqlalchemy import select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncSession

from .database import Entry, Session, Wallet
from .schemas import BalanceOut, MoveIn

router = APIRouter()


async def get_wallet(session: AsyncSession, owner: UUID) -> Wallet:
    """The wallet, or 404."""
    found = await session.get(Wallet, owner)
    if found is None:
        raise HTTPException(404, "There is no wallet for this customer")
    return found


async def move(session: AsyncSession, kind: str, owner: UUID, cents: int, reference: UUID) -> Wallet:
    """Move money once per reference; the caller commits."""
    wallet = await get_wallet(session, owner)
    done = await session.scalar(
        select(Entry.cents).where(Entry.owner == owner, Entry.kind == kind, Entry.reference == reference)
    )
    if done is not None:
        if done != cents:
            raise HTTPException(409, "The reference stands for another amount already")
        return wallet
    # The check and the change in one statement: another request may have changed the balance since it was read.
    change = -cents if kind == "debit" else cents
    left = await session.scalar(
        update(Wallet)
        .where(Wallet.owner == owner, Wallet.cents + change >= 0)
        .values(cents=Wallet.cents + change)
        .returning(Wallet.cents)
    )
    if left is None:
        missing = -(wallet.cents + change)
        await session.rollback()
        raise HTTPException(409, {"error": "There is not enough money in the wallet", "missing_cents": missing})
    session.add(Entry(owner=owner, kind=kind, cents=cents, reference=reference, balance_cents=left))
    await session.refresh(wallet)
    return wallet


@router.put("/wallets/{owner}", response_model=BalanceOut)
async def open_wallet(owner: UUID, session: Session) -> Wallet:
    """Make an empty wallet."""
    await session.execute(insert(Wallet).values(owner=owner, cents=0).on_conflict_do_nothing())
    await session.commit()
    return await get_wallet(session, owner)


@router.get("/wallets/{owner}", response_model=BalanceOut)
async def balance(owner: UUID, session: Session) -> Wallet:
    """What is in the wallet."""
    return await get_wallet(session, owner)


@router.post("/wallets/{owner}/deposits", response_model=BalanceOut)
async def deposit(owner: UUID, body: MoveIn, session: Session) -> Wallet:
    """Put money in."""
    wallet = await move(session, "deposit", owner, body.cents, body.reference)
    await session.commit()
    return wallet


@router.post("/wallets/{owner}/debits", response_model=BalanceOut)
async def debit(owner: UUID, body: MoveIn, session: Session) -> Wallet:
    """Take money out."""
    wallet = await move(session, "debit", owner, body.cents, body.reference)
    await session.commit()
    return wallet


class HttpMoney:
    """The wallet in another process."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def debit(self, session: AsyncSession, owner: UUID, cents: int, reference: UUID) -> None:
        """Take money out there; refusals come back as they are."""
        answer = await self._client.post(f"/wallets/{owner}/debits", json={"cents": cents, "reference": str(reference)})
        if answer.is_error:
            raise HTTPException(answer.status_code, answer.json().get("detail"))


class LocalMoney:
    """The wallet in this process and this transaction."""

    async def debit(self, session: AsyncSession, owner: UUID, cents: int, reference: UUID) -> None:
        """Take money out here."""
        await move(session, "debit", owner, cents, reference)
