"""Running work again after a collision, and not after an effect."""

from __future__ import annotations

import asyncio

import pytest

from calve.store import StoreConflict, TransactionError, run_again, running_again, running_attempt
from calve.store.again import ATTEMPTS_MAX, attempt_number


class Work:
    """Collides a number of times; notes the number of each attempt."""

    def __init__(self, collisions: int, *, effect_in: int = 0, caught: bool = False) -> None:
        self._left, self._effect_in, self._caught = collisions, effect_in, caught
        self.attempts: list[int] = []

    async def __call__(self, answer: str = "done") -> str:
        self.attempts.append(attempt_number())
        if len(self.attempts) == self._effect_in and (attempt := running_attempt()) is not None:
            attempt.had_effect()
        if self._left == 0:
            return answer
        self._left -= 1
        if self._caught:
            raise TransactionError("rolled back") from StoreConflict("collided")
        raise StoreConflict("collided")


def test_nobody_would_run_again_what_is_on_its_own() -> None:
    assert attempt_number() == 0


@pytest.mark.parametrize("caught", [False, True])
async def test_work_runs_until_it_does_not_collide(caught: bool) -> None:
    work = Work(2, caught=caught)
    assert await run_again(work) == "done"
    assert work.attempts == [1, 2, 3]
    assert attempt_number() == 0


async def test_not_for_ever() -> None:
    work = Work(1000)
    with pytest.raises(StoreConflict):
        await run_again(work)
    assert work.attempts == list(range(1, ATTEMPTS_MAX + 1))


async def test_other_errors_are_given_at_once() -> None:
    calls = 0

    async def fail() -> None:
        nonlocal calls
        calls += 1
        raise TransactionError("nested")

    with pytest.raises(TransactionError, match="nested"):
        await run_again(fail)
    assert calls == 1


async def test_what_had_an_effect_is_not_repeated() -> None:
    work = Work(5, effect_in=2)
    with pytest.raises(StoreConflict):
        await run_again(work)
    assert work.attempts == [1, 2]


async def test_after_an_effect_the_rest_is_on_its_own() -> None:
    async def work() -> int:
        attempt = running_attempt()
        assert attempt is not None
        attempt.had_effect()
        return attempt_number()

    assert await run_again(work) == 0


async def test_the_effect_of_an_inner_run_is_one_of_the_outer() -> None:
    inner = Work(1, effect_in=2)
    outer_runs = 0

    async def outer() -> None:
        nonlocal outer_runs
        outer_runs += 1
        await run_again(inner)
        raise StoreConflict("too late")

    with pytest.raises(StoreConflict, match="too late"):
        await run_again(outer)
    assert (outer_runs, inner.attempts) == (1, [1, 2])


async def test_an_inner_run_without_effect_leaves_the_outer_free() -> None:
    runs = 0

    async def outer() -> str:
        nonlocal runs
        runs += 1
        await run_again(Work(0))
        if runs == 1:
            raise StoreConflict("collided")
        return "done"

    assert await run_again(outer) == "done"
    assert runs == 2


async def test_a_task_left_behind_is_on_its_own() -> None:
    go = asyncio.Event()

    async def later() -> int:
        await go.wait()
        return attempt_number()

    async def work() -> asyncio.Task[int]:
        assert attempt_number() == 1
        return asyncio.create_task(later())

    left = await run_again(work)
    go.set()
    assert await left == 0


async def test_a_method_keeps_its_arguments_and_name() -> None:
    work = Work(1)
    again = running_again(work.__call__)
    assert await again(answer="yes") == "yes"
    assert again.__name__ == "__call__"
