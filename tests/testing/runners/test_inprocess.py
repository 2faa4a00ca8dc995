"""The runner `inprocess`: everything in the test's own event loop."""

from __future__ import annotations

import asyncio
import sys

import pytest

from calve.testing.fakes.observe import CapturedLogs
from calve.testing.runners import InProcessRunner, base

from .conftest import Write


async def test_services_run_in_the_loop_of_the_test(write: Write) -> None:
    with CapturedLogs() as logs:
        async with InProcessRunner().start(write(), services=["little_shop"]) as app:
            assert await app.get(sys.modules["little_shop"].Shop).name() == "shop"
    assert logs.line("asked for the name").service == "little_shop"
    assert app.log() == ""


async def test_an_error_of_a_service_that_starts_is_itself(write: Write) -> None:
    with pytest.raises(ZeroDivisionError):
        async with InProcessRunner().start(write(start="1 / 0"), services=["little_shop"]):
            pass


async def test_stopping_is_bounded(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "STOP_SECONDS", 0.05)
    with pytest.raises(TimeoutError):
        async with InProcessRunner().start(write(stop="await asyncio.sleep(1000)"), services=["little_shop"]):
            await asyncio.sleep(0)
