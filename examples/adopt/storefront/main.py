"""Two applications that were there before, FastAPI and Django, as services beside one of Calve's.

    $ python -m backoffice migrate --verbosity 0
    $ CALVE_HTTP_PORT=8632 calve run &
    $ python -m backoffice refund ann 500
    $ curl -s http://127.0.0.1:8632/items/tea
    $ curl -s http://127.0.0.1:8632/account/ann
    $ calve call wallet.balance owner=ann

This is the FastAPI one: routers, dependencies, models, a WebSocket, static files, its own OpenAPI document. What knows
of Calve in it is dependencies.py, by which it calls the wallet.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypedDict

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from .models import Item
from .routers import account, items, live

HERE = Path(__file__).parent


class State(TypedDict):
    """What the lifespan gives to each request."""

    items: dict[str, Item]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[State]:
    """Load the assortment; forget it at the end."""
    assortment = {"tea": Item(name="tea", cents=300), "cake": Item(name="cake", cents=450)}
    yield {"items": assortment}
    assortment.clear()


app = FastAPI(title="Storefront", description="What customers see.", lifespan=lifespan)
app.include_router(items.router)
app.include_router(account.router)
app.include_router(live.router)
app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
