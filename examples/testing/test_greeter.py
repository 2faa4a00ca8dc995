"""One test, three runners: in one process, through the wire's codec, and across real processes.

    $ pytest -q

Whatever differs between the three (types, errors, what may be shared) is a failing test rather than a surprise in
production. `app.get` gives the stub of a contract, `app.rest` an HTTP client of the edge.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from calve.testing import App, Runner
from greeter import Greeter, Rude


@pytest.fixture
async def app(runners: Runner) -> AsyncIterator[App]:
    """The application, started for each test on each runner."""
    async with runners.start(Path(__file__).parent / "calve.toml") as app:
        yield app


async def test_greets(app: App) -> None:
    assert await app.get(Greeter).greet("Ada") == "Hello, Ada!"


async def test_a_refusal_is_itself_everywhere(app: App) -> None:
    with pytest.raises(Rude) as caught:
        await app.get(Greeter).greet("Voldemort")
    assert caught.value == Rude(name="Voldemort")
    assert (await app.rest.request("GET", "/greetings/Voldemort")).status == 400
