"""Policies mean the same on every runner: a split changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from divergence_nurse import Nurse
from divergence_sick import Sick

from calve import CallError, Unavailable, call_options
from calve.core.errors import CircuitOpen, Overloaded
from calve.testing import App, Runner

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLS = 300


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ward(runners: Runner) -> AsyncIterator[App]:
    """The sick and the nurse."""
    async with runners.start(
        Path(__file__).parent,
        services=["divergence_sick", "divergence_nurse"],
        settings={"policy.divergence_sick.once.attempts_max": 1},
    ) as app:
        yield app


@pytest.fixture
def sick(ward: App) -> Sick:
    """A stub."""
    return ward.get(Sick)


@pytest.fixture
def nurse(ward: App) -> Nurse:
    """A stub."""
    return ward.get(Nurse)


async def failure(call: Any) -> CallError:
    """What a call fails with."""
    with pytest.raises(CallError) as caught:
        await call
    return caught.value


async def kept_back(call: Any) -> float | None:
    """How long a breaker keeps calls back; None when this one was answered."""
    try:
        await call
    except CircuitOpen as error:
        return error.retry_after_seconds
    return None


async def until(asked: Any, name: str, times: int) -> None:
    """Wait until something was asked so often."""
    async with asyncio.timeout(30):
        while await asked(name) < times:  # noqa: ASYNC110  (what happens is in another process)
            await asyncio.sleep(0.001)


async def test_a_query_is_repeated_by_a_stub_and_by_the_edge(ward: App, sick: Sick) -> None:
    assert await sick.flaky("stub", 2) == 3
    answer = await ward.rest.request("GET", "/flaky/edge?failures=2")
    assert (answer.status, answer.json()) == (200, 3)


async def test_calve_toml_wins_over_the_contract(sick: Sick) -> None:
    assert type(await failure(sick.once("once", 1))) is Unavailable
    assert await sick.asked("once") == 1


async def test_a_command_is_repeated_when_it_did_not_run_or_has_a_key(sick: Sick) -> None:
    error = await failure(sick.flaky_command("ran", 1, may_have_run=True))
    assert (type(error), error.may_have_run, await sick.asked("ran")) == (Unavailable, True, 1)
    assert await sick.flaky_command("refused", 1, may_have_run=False) == 2
    with call_options(idempotency_key="one"):
        assert await sick.flaky_command("keyed", 1, may_have_run=True) == 2
        assert await sick.flaky_command("keyed", 1, may_have_run=True) == 2, "the first answer: it did not run again"


async def test_only_the_layer_next_to_the_failure_repeats(sick: Sick, nurse: Nurse) -> None:
    error = await failure(nurse.never("layers"))
    assert (type(error), error.passed_on, error.operation) == (Unavailable, True, "divergence_nurse.never")
    assert (await nurse.asked("layers"), await sick.asked("layers")) == (1, 3)


async def test_a_fallback_answers_and_what_is_bounded_is_refused(sick: Sick) -> None:
    assert await sick.guess("guess") == -1
    first = asyncio.create_task(sick.alone())
    await until(sick.asked, "alone", 1)
    error = await failure(sick.alone())
    assert (type(error), error.may_have_run) == (Overloaded, False)
    await sick.release()
    assert await first == 1


async def test_a_storm_of_retries_cannot_happen(sick: Sick, nurse: Nurse) -> None:
    await asyncio.gather(*(failure(nurse.storm("storm")) for _ in range(CALLS)))
    assert await nurse.asked("storm") == CALLS
    assert CALLS <= await sick.asked("storm") <= 1.2 * CALLS


async def test_the_breaker_opens_and_closes_by_itself(sick: Sick, nurse: Nurse) -> None:
    outcomes = [type(await failure(sick.never("breaker"))) for _ in range(40)]
    assert outcomes[-1] is CircuitOpen
    arrived = await sick.asked("breaker")
    assert arrived <= 30
    await sick.heal("breaker")
    async with asyncio.timeout(30):
        while (seconds := await kept_back(sick.never("breaker"))) is not None:
            assert seconds <= 1.2
            await asyncio.sleep(seconds)
    assert await asyncio.gather(*(sick.never("breaker") for _ in range(20)))
