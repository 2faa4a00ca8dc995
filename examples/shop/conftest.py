"""The shop under test: started once per module, runner and database; every test works with customers and products of
its own.

On PostgreSQL it runs in one process only: what differs from runner to runner does not depend on the database.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from calve.testing import App, Runner
from calve.testing.postgres import Missing, temporary_stores
from shop.seed import articles

SERVICES = ("catalog", "wallet", "inventory", "orders", "notification")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgres"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[dict[str, Any]]:
    """Settings that name databases of this module's own."""
    if request.param == "sqlite":
        yield {}
        return
    try:
        async with temporary_stores(SERVICES) as url:
            yield {"store.url": url}
    except Missing as missing:
        pytest.skip(str(missing))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(runners: Runner, stores: dict[str, Any]) -> AsyncIterator[App]:
    """The whole shop on one of the runners."""
    async with runners.start(Path(__file__).parent / "calve.toml", settings=stores) as app:
        yield app


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is said above."""
    left_out = [item for item in items if _params(item).get("stores") == "postgres" and _many(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _many(item: pytest.Item) -> bool:
    return _params(item).get("runners") not in (None, "inprocess")


def _params(item: pytest.Item) -> dict[str, Any]:
    callspec = getattr(item, "callspec", None)
    return callspec.params if callspec is not None else {}


@pytest.fixture(scope="module")
def unused_skus(app: App) -> Iterator[str]:
    """Products that no other test with the same application counts."""
    return (article.sku for article in itertools.islice(articles(1_000), 100, None))


@pytest.fixture
def sku(unused_skus: Iterator[str]) -> str:
    """A product of this test's own."""
    return next(unused_skus)
