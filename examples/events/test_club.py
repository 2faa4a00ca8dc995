"""Everybody who joins gets one letter: in one process, through the codec, and across processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from club.letters.contract import Letters
from club.members.contract import AlreadyAMember, Members

from calve.testing import App, Runner


@pytest.fixture
async def app(runners: Runner) -> AsyncIterator[App]:
    """The application, started for each test on each runner."""
    async with runners.start(Path(__file__).parent / "calve.toml") as app:
        yield app


async def test_everybody_gets_one_letter(app: App) -> None:
    members, letters = app.get(Members), app.get(Letters)
    names = [f"member {number}" for number in range(20)]
    numbers = [await members.join(name) for name in names]
    with pytest.raises(AlreadyAMember):
        await members.join(names[0])
    assert await members.join("last") == 21
    await letters.box("last", wait_seconds=20)
    for name, number in zip(names, numbers, strict=True):
        assert await letters.box(name, wait_seconds=20) == (f"Welcome, {name}, member {number}!",)
