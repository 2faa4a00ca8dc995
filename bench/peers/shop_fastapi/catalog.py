"""Products: browse and search."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from sqlalchemy import select, text

from .database import Product, Session
from .schemas import ProductOut

router = APIRouter()

_SEARCH = text(
    "SELECT product.* FROM product_text JOIN product ON product.rowid = product_text.rowid"
    " WHERE product_text MATCH :expression ORDER BY bm25(product_text, 4.0, 1.0, 2.0), sku LIMIT :limit"
)


@router.get("/products/{sku}", response_model=ProductOut)
async def product(sku: str, session: Session) -> Product:
    """One product."""
    found = await session.get(Product, sku)
    if found is None:
        raise HTTPException(404, "There is no such product")
    return found


@router.get("/search", response_model=list[ProductOut])
async def search(
    text: Annotated[str, Query(max_length=200)], session: Session, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> Sequence[Product]:
    """Products with all the words."""
    words = re.findall(r"\w+", text)
    if not words:
        return []
    expression = " ".join(f'"{word}"*' for word in words)
    found = await session.scalars(select(Product).from_statement(_SEARCH), {"expression": expression, "limit": limit})
    return found.all()
