"""A FastAPI application whose names meet those of our tests: the same model, path, tag and security scheme."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Header
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel

items = APIRouter(prefix="/items", tags=["items"])


class Item(BaseModel):
    """One that refers to itself."""

    id: int
    parts: list[Item]


class Cat(BaseModel):
    """An alternative."""

    kind: str = "cat"


@items.get("/{item_id}")
async def read(item_id: int, x_trace: Annotated[str, Header()] = "") -> Item:
    """One item."""
    return Item(id=item_id, parts=[])


@items.post("/", dependencies=[Depends(OAuth2PasswordBearer(tokenUrl="login"))])
async def add(item: Item | Cat) -> list[Item]:
    """Another one."""
    return []


async def plain() -> None:
    """Without a tag."""


def fastapi_application() -> FastAPI:
    """A new one."""
    app = FastAPI(title="Legacy", description="Old but good.")
    app.include_router(items)
    app.get("/plain")(plain)
    return app
