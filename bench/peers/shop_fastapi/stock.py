"""Stock: as functions on a session, as routes, and as a client of those routes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
from fastapi import APIRouter, HTTPException
from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from .database import Reservation, Session, Stock
from .schemas import Item, ReserveIn

router = APIRouter()


async def reserve(session: AsyncSession, order: UUID, items: list[Item]) -> None:
    """Set all items aside or none; the caller commits."""
    if await session.scalar(select(Reservation.sku).where(Reservation.order_id == order).limit(1)) is not None:
        return
    wanted: dict[str, int] = {}
    for item in items:
        wanted[item.sku] = wanted.get(item.sku, 0) + item.quantity
    for sku, quantity in wanted.items():
        taken: CursorResult[Any] = await session.execute(  # type: ignore[assignment]  # an UPDATE's result is one
            update(Stock)
            .where(Stock.sku == sku, Stock.available >= quantity)
            .values(available=Stock.available - quantity, reserved=Stock.reserved + quantity)
        )
        if not taken.rowcount:
            await session.rollback()
            raise HTTPException(409, {"error": "There is not enough of a product in stock", "sku": sku})
        session.add(Reservation(order_id=order, sku=sku, quantity=quantity))


async def release(session: AsyncSession, order: UUID) -> None:
    """Put back what is set aside; the caller commits."""
    for line in (await session.scalars(select(Reservation).where(Reservation.order_id == order))).all():
        await session.execute(
            update(Stock)
            .where(Stock.sku == line.sku)
            .values(available=Stock.available + line.quantity, reserved=Stock.reserved - line.quantity)
        )
    await session.execute(delete(Reservation).where(Reservation.order_id == order))


@router.put("/reservations/{order}", status_code=204)
async def reserve_route(order: UUID, body: ReserveIn, session: Session) -> None:
    """Set items aside."""
    await reserve(session, order, body.items)
    await session.commit()


@router.delete("/reservations/{order}", status_code=204)
async def release_route(order: UUID, session: Session) -> None:
    """Put items back."""
    await release(session, order)
    await session.commit()


class HttpStock:
    """Stock in another process."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def reserve(self, session: AsyncSession, order: UUID, items: list[Item]) -> None:
        """Set items aside there; refusals come back as they are."""
        body = {"items": [item.model_dump() for item in items]}
        answer = await self._client.put(f"/reservations/{order}", json=body)
        if answer.is_error:
            raise HTTPException(answer.status_code, answer.json().get("detail"))

    async def release(self, session: AsyncSession, order: UUID) -> None:
        """Put items back there."""
        (await self._client.delete(f"/reservations/{order}")).raise_for_status()


class LocalStock:
    """Stock in this process and this transaction."""

    async def reserve(self, session: AsyncSession, order: UUID, items: list[Item]) -> None:
        """Set items aside here."""
        await reserve(session, order, items)

    async def release(self, session: AsyncSession, order: UUID) -> None:
        """Nothing to do: the transaction rolls back."""
