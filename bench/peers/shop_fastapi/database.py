"""Engine, session and tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import JSON, CheckConstraint, ForeignKey, UniqueConstraint, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Root of the tables; JSON columns hold lists."""

    type_annotation_map = {list[Any]: JSON}  # noqa: RUF012  (SQLAlchemy's own way)


def now() -> datetime:
    """The wall clock in UTC."""
    return datetime.now(UTC)


class Product(Base):
    """What is for sale."""

    __tablename__ = "product"
    sku: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str]
    price_cents: Mapped[int]
    tags: Mapped[list[Any]]


class Wallet(Base):
    """What a customer has."""

    __tablename__ = "wallet"
    __table_args__ = (CheckConstraint("cents >= 0"),)
    owner: Mapped[UUID] = mapped_column(primary_key=True)
    cents: Mapped[int]


class Entry(Base):
    """One movement of money."""

    __tablename__ = "entry"
    __table_args__ = (UniqueConstraint("owner", "kind", "reference"),)
    number: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[UUID] = mapped_column(ForeignKey("wallet.owner"), index=True)
    kind: Mapped[str]
    cents: Mapped[int]
    reference: Mapped[UUID]
    balance_cents: Mapped[int]
    at: Mapped[datetime] = mapped_column(default=now)


class Stock(Base):
    """How much there is of one product."""

    __tablename__ = "stock"
    __table_args__ = (CheckConstraint("available >= 0"), CheckConstraint("reserved >= 0"))
    sku: Mapped[str] = mapped_column(primary_key=True)
    available: Mapped[int]
    reserved: Mapped[int] = mapped_column(default=0)


class Reservation(Base):
    """What is set aside for an order."""

    __tablename__ = "reservation"
    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(ForeignKey("stock.sku"), primary_key=True)
    quantity: Mapped[int]


class Order(Base):
    """An order."""

    __tablename__ = "customer_order"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer: Mapped[UUID] = mapped_column(index=True)
    status: Mapped[str]
    total_cents: Mapped[int]
    placed_at: Mapped[datetime] = mapped_column(default=now)
    lines: Mapped[list[Any]]


class StatusChange(Base):
    """One step in the life of an order."""

    __tablename__ = "status_change"
    number: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("customer_order.id"), index=True)
    status: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=now)


class Notice(Base):
    """A message to a customer."""

    __tablename__ = "notice"
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    customer: Mapped[UUID] = mapped_column(index=True)
    text: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=now)


def make_engine(path: Path) -> AsyncEngine:
    """An engine whose connections have the same settings as Calve's."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}", connect_args={"timeout": 30})

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, record: object) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


async def create_tables(engine: AsyncEngine) -> None:
    """Make what is missing, the full-text index included."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(
            text(
                "CREATE VIRTUAL TABLE IF NOT EXISTS product_text USING fts5 (name, description, tags,"
                " content = 'product', tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3')"
            )
        )


async def _session(request: Request) -> AsyncIterator[AsyncSession]:
    sessions: async_sessionmaker[AsyncSession] = request.app.state.sessions
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(_session)]
"""A session per request; routes commit themselves."""
