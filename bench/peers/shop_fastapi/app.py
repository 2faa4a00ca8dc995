"""The application of one process: which routers it has, and whether the others are here or behind httpx."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import async_sessionmaker

from . import catalog, money, orders, stock
from .database import create_tables, make_engine

ROUTERS = {
    "all": (catalog.router, money.router, stock.router, orders.router),
    "front": (catalog.router, orders.router),
    "money": (money.router,),
    "stock": (stock.router,),
}


def database_path(data: Path, part: str) -> Path:
    """Where a part keeps its data."""
    return data / f"{part}.db"


def create_app(part: str, data: Path, money_url: str | None, stock_url: str | None) -> FastAPI:
    """The application for `all`, `front`, `money` or `stock`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine = make_engine(database_path(data, part))
        await create_tables(engine)
        app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
        app.state.remote = part == "front"
        app.state.money, app.state.stock = money.LocalMoney(), stock.LocalStock()
        async with AsyncExitStack() as stack:
            if money_url and stock_url:
                money_client = await stack.enter_async_context(httpx.AsyncClient(base_url=money_url, timeout=10))
                stock_client = await stack.enter_async_context(httpx.AsyncClient(base_url=stock_url, timeout=10))
                app.state.money, app.state.stock = money.HttpMoney(money_client), stock.HttpStock(stock_client)
            yield
        await engine.dispose()

    app = FastAPI(title="shop", lifespan=lifespan)
    for router in ROUTERS[part]:
        app.include_router(router)

    @app.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    return app
