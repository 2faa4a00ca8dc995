"""Placing orders, over wallets and stock in this process or in others."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

from fastapi import APIRouter, HTTPException, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from .database import Notice, Order, Product, Session, StatusChange
from .schemas import OrderIn, OrderOut

router = APIRouter()


async def _write_down(session: AsyncSession, body: OrderIn) -> Order:
    skus = [item.sku for item in body.items]
    rows = await session.execute(select(Product.sku, Product.price_cents).where(Product.sku.in_(skus)))
    prices = {row.sku: row.price_cents for row in rows}
    lines: list[Any] = []
    for item in body.items:
        if item.sku not in prices:
            raise HTTPException(404, "There is no such product")
        lines.append({**item.model_dump(), "price_cents": prices[item.sku]})
    total = sum(line["price_cents"] * line["quantity"] for line in lines)
    order = Order(id=body.id, customer=body.customer, status="pending", total_cents=total, lines=lines)
    session.add(order)
    await session.flush()
    session.add(StatusChange(order_id=body.id, status="pending"))
    return order


@router.post("/orders", response_model=OrderOut, status_code=201)
async def place(body: OrderIn, request: Request, session: Session) -> Order:
    """Price, reserve, debit, confirm, tell the customer.

    In one process all of it is one transaction. With remote parts the order is committed first, so that no lock is held
    during the calls.
    """
    state = request.app.state
    order = await session.get(Order, body.id)
    if order is not None and order.status != "pending":
        return order
    order = order or await _write_down(session, body)
    if state.remote:
        await session.commit()
    try:
        await state.stock.reserve(session, body.id, body.items)
        await state.money.debit(session, body.customer, order.total_cents, body.id)
    except HTTPException:
        await state.stock.release(session, body.id)
        if state.remote:
            order.status = "rejected"
            session.add(StatusChange(order_id=body.id, status="rejected"))
            await session.commit()
        raise
    order.status = "confirmed"
    session.add(StatusChange(order_id=body.id, status="confirmed"))
    text = f"Your order {order.id} is confirmed: {order.total_cents / 100:.2f} in total."
    session.add(Notice(id=uuid5(order.id, "confirmed"), customer=order.customer, text=text))
    await session.commit()
    return order


@router.get("/orders/{order}", response_model=OrderOut)
async def get(order: UUID, session: Session) -> Order:
    """One order."""
    found = await session.get(Order, order)
    if found is None:
        raise HTTPException(404, "There is no such order")
    return found
