"""Calls that nobody declared: let through, and refused in strict mode, the same on every runner."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from divergence_echo import Echo
from divergence_relay import Relay

from calve.testing import App, Runner

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def strict(runners: Runner) -> AsyncIterator[App]:
    """The application in strict mode."""
    async with runners.start(
        Path(__file__).parent, services=["divergence_echo", "divergence_relay"], settings={"app.strict": True}
    ) as app:
        yield app


async def test_who_declared_a_call_and_who_is_outside_may_make_it(strict: App) -> None:
    assert await strict.get(Echo).text("x") == "x"
    assert await strict.get(Relay).caught("declared") != ""
    for caller in ("", "divergence_relay", "divergence_relay.pretend"):
        assert await strict.get(Relay).pretend(caller) == "fine"
    answer = await strict.rest.request("GET", "/moments/2030-01-01T00:00:00Z")
    assert answer.status == 200


async def test_a_call_that_nobody_declared_is_refused_by_name(strict: App) -> None:
    assert await strict.get(Relay).pretend("stranger.sneak") == (
        "permission_denied divergence_echo.text False stranger.sneak may not call divergence_echo.text: the constructor"
        " of stranger asks for no Echo; declare the call with a parameter `echo: Echo`"
    )


async def test_without_strict_mode_it_is_let_through(relay: Relay) -> None:
    assert await relay.pretend("stranger.sneak") == "fine"
