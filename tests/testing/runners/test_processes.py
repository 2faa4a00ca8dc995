"""The runner `processes`: real processes, and what is said when one of them does not do as it should."""

from __future__ import annotations

import os
import sys

import pytest

from calve.core.errors import Unavailable
from calve.testing.runners import ProcessesRunner, base, processes

from .conftest import Write


async def test_services_run_in_processes_of_their_own_and_their_log_is_kept(write: Write) -> None:
    folder = write(start='self._log.info("I am", pid=os.getpid())')
    async with ProcessesRunner().start(folder, services=["little_shop"]) as app:
        await app.get(sys.modules["little_shop"].Shop).name()
        before = app.log()
    after = app.log()
    assert f"pid={os.getpid()}" not in after
    assert "I am" in before
    assert "asked for the name" in after


async def test_an_error_of_a_service_that_starts_is_shown_with_the_log(write: Write) -> None:
    with pytest.raises(AssertionError, match="little_shop ended with exit code 1") as caught:
        async with ProcessesRunner().start(write(start="1 / 0"), services=["little_shop"]):
            pass
    assert "ZeroDivisionError" in str(caught.value)


async def test_a_service_that_is_never_ready_is_ended(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "READY_SECONDS", 0.2)
    with pytest.raises(AssertionError, match=r"little_shop was not ready after 0\.2 s"):
        async with ProcessesRunner().start(write(start="await asyncio.sleep(1000)"), services=["little_shop"]):
            pass


async def test_stopping_is_bounded_as_a_whole(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "STOP_SECONDS", 0.2)
    with pytest.raises(TimeoutError):
        async with ProcessesRunner().start(write(stop="await asyncio.sleep(1000)"), services=["little_shop"]):
            pass


async def test_a_process_that_ends_by_itself_fails_the_test(write: Write) -> None:
    async def run() -> None:
        async with ProcessesRunner().start(write(), services=["little_shop"]) as app:
            with pytest.raises(Unavailable) as caught:
                await app.get(sys.modules["little_shop"].Shop).die()
            assert caught.value.may_have_run

    with pytest.raises(AssertionError, match="little_shop ended with exit code 3"):
        await run()


async def test_a_process_that_does_not_stop_is_killed_and_fails_the_test(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "EXIT_SECONDS", 0.2)
    with pytest.raises(AssertionError, match=r"little_shop was killed \(SIGKILL\)"):
        async with ProcessesRunner().start(write(stop="await asyncio.sleep(1000)"), services=["little_shop"]):
            pass


async def test_an_error_of_the_test_counts_more_than_how_its_processes_ended(write: Write) -> None:
    with pytest.raises(AssertionError, match="ended with exit code 3") as caught:
        async with ProcessesRunner().start(write(), services=["little_shop"]) as app:
            await app.get(sys.modules["little_shop"].Shop).die()
    assert isinstance(caught.value.__context__, Unavailable)


async def test_a_service_may_have_a_name_that_cannot_name_a_unit(write: Write) -> None:
    folder = write()
    (folder / "little_shop.py").rename(folder / "LittleShop.py")
    async with ProcessesRunner().start(folder, services=["LittleShop"]) as app:
        assert await app.get(sys.modules["LittleShop"].Shop).name() == "shop"
