"""Health: what is answered in which state, and that checks decide about ready alone."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from calve.runtime import health as module
from calve.runtime.health import PATHS, CheckFailed, Health, State


async def statuses(health: Health) -> dict[str, int]:
    return {path.rpartition("/")[2]: (await health.answer(path)).status for path in PATHS}


async def body(health: Health, path: str = "/health/ready") -> Any:
    return json.loads((await health.answer(path)).body)


async def fine() -> None:
    """A check that passes."""


async def broken() -> None:
    raise ConnectionError("password is hunter2")


async def stuck() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("state", "ready", "startup"), [("starting", 503, 503), ("ready", 200, 200), ("draining", 503, 200)]
)
async def test_each_state_has_its_answers(state: State, ready: int, startup: int) -> None:
    health = Health()
    health.become(state)
    assert await statuses(health) == {"live": 200, "ready": ready, "startup": startup}
    assert (await body(health, "/health/live")) == {"state": state}


async def test_checks_decide_about_ready_alone() -> None:
    health = Health()
    health.check("store.wallet", fine)
    health.become("ready")
    assert await body(health) == {"state": "ready", "checks": {"store.wallet": "ok"}}
    health.check("store.orders", broken)
    assert await statuses(health) == {"live": 200, "ready": 503, "startup": 200}


async def test_a_failed_check_is_named_without_its_text() -> None:
    health = Health()
    health.check("store.orders", broken)
    health.become("ready")
    assert (await body(health))["checks"] == {"store.orders": "ConnectionError"}
    assert b"hunter2" not in (await health.answer("/health/ready")).body


async def failing() -> None:
    raise CheckFailed("import failed: no such module")


async def test_a_check_may_speak_for_itself() -> None:
    health = Health()
    health.check("legacy", failing)
    health.become("ready")
    assert (await body(health))["checks"] == {"legacy": "import failed: no such module"}


async def test_without_what_is_optional_it_is_degraded_but_ready() -> None:
    health = Health()
    health.check("store.wallet", fine)
    health.check("legacy", failing, optional=True)
    health.become("ready")
    assert (await statuses(health))["ready"] == 200
    assert (await body(health))["degraded"] == ["legacy"]
    health.check("store.orders", broken)
    assert (await statuses(health))["ready"] == 503
    assert "degraded" not in await body(health)


async def test_a_check_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHECK_TIMEOUT_SECONDS", 0)
    health = Health()
    health.check("wire", stuck)
    health.become("ready")
    assert (await body(health))["checks"] == {"wire": "timeout"}


def test_a_check_has_one_owner() -> None:
    health = Health()
    health.check("wire", fine)
    with pytest.raises(ValueError, match="'wire' already"):
        health.check("wire", fine)


async def test_progress_and_states_are_told() -> None:
    health, told = Health(), []
    health.watch(lambda state, detail: told.append((state, detail)))
    health.progress("opening the store of wallet")
    assert (await body(health))["detail"] == "opening the store of wallet"
    health.become("ready")
    health.become("ready")
    assert told == [("starting", "opening the store of wallet"), ("ready", "")]
    assert (health.state, health.detail) == ("ready", "")


def test_there_is_no_way_back() -> None:
    health = Health()
    health.become("draining")
    with pytest.raises(ValueError, match="draining back to ready"):
        health.become("ready")


async def test_other_paths_are_not_answered() -> None:
    with pytest.raises(KeyError):
        await Health().answer("/health/other")
