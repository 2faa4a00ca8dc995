"""One application, three runners: every test here asserts the same on all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from divergence_echo import Echo
from divergence_ledger import Ledger
from divergence_relay import Relay

from calve.testing import App, Runner

SERVICES = ["divergence_echo", "divergence_relay", "divergence_ledger"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(runners: Runner) -> AsyncIterator[App]:
    """Started once per module and runner."""
    async with runners.start(Path(__file__).parent, services=SERVICES) as app:
        yield app


@pytest.fixture
def echo(app: App) -> Any:
    """A stub of the echo, untyped: many tests give it what a type checker would not."""
    return app.get(Echo)


@pytest.fixture
def relay(app: App) -> Relay:
    """A stub of the relay."""
    return app.get(Relay)


@pytest.fixture
def ledger(app: App) -> Ledger:
    """A stub of the ledger."""
    return app.get(Ledger)
