"""Start one process of the peer, or fill its database; the command lines are in the package's docstring."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import uvicorn
from sqlalchemy import insert, text

from .app import ROUTERS, create_app, database_path
from .database import Product, Stock, create_tables, make_engine

SHOP = Path(__file__).parents[3] / "examples" / "shop"
PRODUCTS, UNITS = 3_000, 1_000_000


async def seed(part: str, data: Path) -> None:
    """Fill the databases a part needs with the assortment of examples/shop."""
    sys.path.insert(0, str(SHOP))
    from shop.catalog.seed import assortment

    products = assortment(PRODUCTS)
    engine = make_engine(database_path(data, part))
    await create_tables(engine)
    async with engine.begin() as connection:
        if part in ("all", "front"):
            names = ("sku", "name", "description", "price_cents", "tags")
            rows = [{name: getattr(product, name) for name in names} for product in products]
            await connection.execute(insert(Product), rows)
            await connection.execute(text("INSERT INTO product_text (product_text) VALUES ('rebuild')"))
        if part in ("all", "stock"):
            await connection.execute(
                insert(Stock), [{"sku": p.sku, "available": UNITS, "reserved": 0} for p in products]
            )
    await engine.dispose()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bench.peers.shop_fastapi")
    parser.add_argument("part", choices=ROUTERS)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--money")
    parser.add_argument("--stock")
    parser.add_argument("--seed", action="store_true", help="fill the database and leave")
    args = parser.parse_args()
    if args.seed:
        asyncio.run(seed(args.part, args.data))
        return
    app = create_app(args.part, args.data, args.money, args.stock)
    uvicorn.run(
        app, host="127.0.0.1", port=args.port, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )


if __name__ == "__main__":
    main()
