"""The shop under test: started once per module and runner; every test works with customers and products of its own."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from calve.testing import App, Runner
from shop.seed import articles


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(runners: Runner) -> AsyncIterator[App]:
    """The whole shop on one of the runners."""
    async with runners.start(Path(__file__).parent / "calve.toml") as app:
        yield app


@pytest.fixture(scope="module")
def unused_skus(app: App) -> Iterator[str]:
    """Products that no other test with the same application counts."""
    return (article.sku for article in itertools.islice(articles(1_000), 100, None))


@pytest.fixture
def sku(unused_skus: Iterator[str]) -> str:
    """A product of this test's own."""
    return next(unused_skus)
