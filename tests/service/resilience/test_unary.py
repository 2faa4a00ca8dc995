"""One guarded call: attempts, keys, deadlines, budget, breaker, slots and fallback together."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from calve import CallContext, CallError, DeadlineExceeded, Unavailable
from calve.core.errors import CircuitOpen, InFlight, InternalError, InvalidArgument, Overloaded
from calve.core.trace import TraceContext
from calve.service.resilience.budget import KEPT_MAX
from calve.testing import virtual_clock, virtual_time

from .conftest import GuardedShop, Refused


def gone(*, may_have_run: bool = True, lost: bool = False, passed_on: bool = False) -> Unavailable:
    error = Unavailable("gone", may_have_run=may_have_run)
    error.lost, error.passed_on = lost, passed_on
    return error


async def outcome(call: Any) -> Any:
    """What came of a call: the answer, or the class of the error."""
    try:
        return await call
    except CallError as error:
        return type(error)


@virtual_time
async def test_a_query_that_fails_in_passing_is_repeated_until_it_is_answered() -> None:
    shop = GuardedShop(gone(), Overloaded("busy"), "found")
    assert await shop.call() == "found"
    assert len(shop.sent) == 3
    assert shop.numbers() == {"retries": 2}


@virtual_time
async def test_attempts_are_limited_and_the_last_error_is_told() -> None:
    shop = GuardedShop(Overloaded("busy"), Overloaded("busy"), gone())
    with pytest.raises(Unavailable, match="gone"):
        await shop.call()
    assert len(shop.sent) == 3


@virtual_time
@pytest.mark.parametrize(
    "error", [InternalError("broken"), InvalidArgument("wrong"), Refused(), gone(passed_on=True), CircuitOpen("open")]
)
async def test_nothing_else_is_repeated(error: Exception) -> None:
    shop = GuardedShop(error)
    with pytest.raises(type(error)):
        await shop.call()
    assert len(shop.sent) == 1


COMMANDS = {
    "it did not run": (gone(may_have_run=False), None, 2),
    "the connection broke": (gone(lost=True), None, 2),
    "it may have run": (gone(), None, 1),
    "it may have run, and its caller gave it a key": (gone(), "k1", 2),
}


@pytest.mark.parametrize(("error", "key", "attempts"), COMMANDS.values(), ids=COMMANDS)
@virtual_time
async def test_a_command_is_repeated_only_when_that_is_safe(error: Exception, key: str | None, attempts: int) -> None:
    shop = GuardedShop(error, "bought")
    await outcome(shop.call("buy", CallContext("shop.buy", key=key)))
    assert len(shop.sent) == attempts
    keys = {context.given_key for context in shop.sent}
    assert len(keys) == 1, "each attempt has the same key"
    assert keys == {key} if key is not None else None not in keys


@virtual_time
async def test_a_command_within_the_process_gets_no_key_and_one_that_is_idempotent_needs_none() -> None:
    for operation, remote in (("buy", False), ("put", True)):
        shop = GuardedShop(gone(may_have_run=False), "done", remote=remote)
        assert await shop.call(operation) == "done"
        assert [context.given_key for context in shop.sent] == [None, None]
    shop = GuardedShop(gone(), "done")
    assert await shop.call("put") == "done"


@virtual_time
async def test_a_command_that_still_runs_is_asked_again_only_after_an_attempt_of_the_same_call() -> None:
    shop = GuardedShop(gone(lost=True), InFlight("runs"), "bought")
    assert await shop.call("buy") == "bought"
    shop = GuardedShop(InFlight("runs"), "bought")
    assert await outcome(shop.call("buy", CallContext("shop.buy", key="k1"))) is InFlight


@virtual_time
async def test_pauses_are_drawn_at_random_and_never_outlive_the_deadline() -> None:
    pauses = set()
    for _ in range(20):
        shop = GuardedShop(gone(), retry_first_seconds=0.1, retry_pause_seconds_max=0.5, attempts_max=4)
        await outcome(shop.call())
        pauses |= {round(b - a, 6) for a, b in zip(shop.times, shop.times[1:], strict=False)}
    assert len(pauses) > 30
    assert min(pauses) >= 0.1
    assert max(pauses) <= 0.5
    shop = GuardedShop(gone())
    started = virtual_clock().monotonic()
    assert await outcome(shop.call(context=CallContext("shop.find", started + 0.04))) is Unavailable
    assert (len(shop.sent), virtual_clock().monotonic()) == (1, started)


@virtual_time
async def test_a_callee_that_knows_when_to_come_back_is_believed() -> None:
    busy = Overloaded("busy")
    busy.retry_after_seconds = 3.0
    shop = GuardedShop(busy, "found")
    assert await shop.call() == "found"
    assert shop.times == [0, 3]


@virtual_time
async def test_all_attempts_share_the_time_limit_and_one_attempt_may_have_less() -> None:
    shop = GuardedShop(gone(), "found", timeout_seconds=5)
    await shop.call()
    assert shop.deadlines == [5, 5]
    shop = GuardedShop(DeadlineExceeded("slow"), "found", timeout_seconds=5, attempt_seconds=1)
    assert await shop.call() == "found"
    assert [deadline - at for deadline, at in zip(shop.deadlines, shop.times, strict=True)] == pytest.approx([1, 1])


@virtual_time
async def test_attempts_are_siblings_in_the_trace_of_the_caller() -> None:
    trace = TraceContext.root(sampled=True)
    shop = GuardedShop(gone(), "found")
    context = CallContext("shop.find", trace=trace)
    context.caller = "till.sell"
    await shop.call(context=context)
    assert (shop.traces, [sent.caller for sent in shop.sent]) == ([trace] * 2, ["till.sell"] * 2)


@virtual_time
async def test_whether_the_answer_is_that_of_an_earlier_call_is_known_after_a_repeat() -> None:
    shop, context = GuardedShop(gone(lost=True), "bought"), CallContext("shop.buy")
    assert await shop.call("buy", context) == "bought"
    assert context.replayed


@virtual_time
async def test_nothing_is_repeated_when_the_breaker_has_opened_during_the_pause() -> None:
    shop = GuardedShop(gone())
    await asyncio.gather(*(outcome(shop.call()) for _ in range(20)))
    assert (len(shop.sent), shop.numbers().get("retries")) == (20, None)


@virtual_time
async def test_the_budget_keeps_a_storm_from_growing() -> None:
    shop = GuardedShop(gone(), breaker_calls_min=0, attempts_max=10, retry_budget=0.1)
    for _ in range(1000):
        await outcome(shop.call())
    extra = len(shop.sent) - 1000
    assert extra == pytest.approx(100 + KEPT_MAX, abs=2)
    assert shop.numbers()["retries_refused"] > 800


@virtual_time
async def test_the_budget_is_one_for_all_operations_of_a_service_and_all_its_callers() -> None:
    shop = GuardedShop(gone(may_have_run=False), breaker_calls_min=0, retry_budget=0.01)
    for n in range(100):
        await outcome(shop.call("find" if n % 2 else "buy", caller=f"caller{n % 3}"))
    assert len(shop.sent) == 100 + KEPT_MAX


@virtual_time
async def test_an_open_breaker_keeps_calls_back_and_closes_by_itself() -> None:
    shop = GuardedShop(gone(), attempts_max=1)
    for _ in range(20):
        await outcome(shop.call())
    with pytest.raises(CircuitOpen, match=r"shop\.find was not called: 20 of its last 20 calls failed") as caught:
        await shop.call()
    assert (len(shop.sent), caught.value.may_have_run, caught.value.operation) == (20, False, "shop.find")
    assert 0.8 <= (caught.value.retry_after_seconds or 0) <= 1.2
    assert shop.numbers() == {"opened": 1, "breaker_open": 1, "not_sent": 1}
    await shop.clock.sleep(1.3)
    assert await outcome(shop.call()) is Unavailable, "one is let through"
    assert await outcome(shop.call()) is CircuitOpen
    shop.answers = ["found"]
    await shop.clock.sleep(1.3)
    assert await shop.call() == "found"
    assert await asyncio.gather(*(shop.call() for _ in range(50))) == ["found"] * 50
    assert shop.numbers()["breaker_open"] == 0


@virtual_time
async def test_a_call_that_tries_and_hangs_keeps_nobody_from_trying() -> None:
    shop = GuardedShop(gone(), attempts_max=1)
    for _ in range(20):
        await outcome(shop.call())
    await shop.clock.sleep(1.3)
    shop.answers = [1000.0]
    hanging = asyncio.create_task(shop.call())
    await shop.clock.sleep(1.3)
    shop.answers = ["found"]
    assert await shop.call() == "found"
    hanging.cancel()
    await asyncio.wait([hanging])
    assert await shop.call() == "found", "what became of it matters no more"


@virtual_time
@pytest.mark.parametrize(
    "error",
    [Refused(), InvalidArgument("no"), InternalError("bug"), gone(passed_on=True),
     DeadlineExceeded("late", may_have_run=False)],
)  # fmt: skip
async def test_what_says_nothing_against_the_callee_opens_no_breaker(error: Exception) -> None:
    shop = GuardedShop(error, attempts_max=1)
    for _ in range(100):
        with pytest.raises(type(error)):
            await shop.call()
    assert len(shop.sent) == 100


@virtual_time
async def test_one_replica_of_three_that_is_sick_opens_no_breaker() -> None:
    shop = GuardedShop(*[gone(), "found", "found"] * 400, attempts_max=1)
    for _ in range(1000):
        await outcome(shop.call())
        await shop.clock.sleep(0.01)
    assert len(shop.sent) == 1000


@virtual_time
async def test_replicas_that_die_with_all_their_calls_open_no_breaker() -> None:
    shop = GuardedShop("found", attempts_max=1)
    for _ in range(100):
        await shop.call()
        await shop.clock.sleep(0.01)
    shop.answers = [*[gone()] * 33, "found"]
    outcomes = await asyncio.gather(*(outcome(shop.call()) for _ in range(100)))
    assert outcomes.count(CircuitOpen) == 0


@virtual_time
async def test_callers_have_breakers_and_slots_of_their_own() -> None:
    shop = GuardedShop(gone(), attempts_max=1)
    for _ in range(30):
        await outcome(shop.call(caller="till"))
    assert await outcome(shop.call(caller="till")) is CircuitOpen
    assert await outcome(shop.call(caller="web")) is Unavailable


@virtual_time
async def test_calls_in_flight_are_limited_and_others_wait_in_order() -> None:
    shop = GuardedShop(1.0, calls_max=2, queue_max=2)
    calls = [asyncio.create_task(outcome(shop.call())) for _ in range(5)]
    await shop.clock.sleep(0)
    assert (len(shop.sent), calls[4].done() and calls[4].result()) == (2, Overloaded)
    assert await asyncio.gather(*calls) == [1.0, 1.0, 1.0, 1.0, Overloaded]
    assert shop.times == [0, 0, 1, 1]
    assert shop.numbers() == {"overloaded": 1}
    assert await shop.call() == 1.0, "all slots are free again"


@virtual_time
async def test_nobody_waits_for_a_slot_beyond_the_deadline() -> None:
    shop = GuardedShop(1.0, calls_max=1, timeout_seconds=5)
    first = asyncio.create_task(shop.call())
    await shop.clock.sleep(0)
    with pytest.raises(Overloaded, match=r"none ended within 0\.5 s"):
        await shop.call(context=CallContext("shop.find", 0.5))
    assert await first == 1.0
    assert await shop.call() == 1.0


@virtual_time
async def test_an_open_breaker_needs_no_slot() -> None:
    shop = GuardedShop(gone(), attempts_max=1, calls_max=1, queue_max=5)
    for _ in range(20):
        await outcome(shop.call())
    await shop.clock.sleep(1.3)
    shop.answers = [100.0]
    hanging = asyncio.create_task(outcome(shop.call()))
    await shop.clock.sleep(1.3)
    shop.answers = ["found"]
    assert await shop.call() == "found"
    assert await hanging == 100.0


@virtual_time
async def test_who_waits_for_a_slot_when_the_breaker_opens_is_kept_back() -> None:
    async def fail() -> None:
        await virtual_clock().sleep(1)
        raise gone()

    shop = GuardedShop(fail, attempts_max=1, calls_max=20, queue_max=20)
    outcomes = await asyncio.gather(*(outcome(shop.call()) for _ in range(40)))
    assert outcomes.count(Unavailable) <= 39
    assert outcomes[-1] is CircuitOpen


@virtual_time
async def test_a_fallback_answers_for_what_cannot() -> None:
    for error in (gone(), Overloaded("busy"), DeadlineExceeded("slow"), InternalError("broken")):
        shop = GuardedShop(error, fallback="nothing found")
        assert await shop.call() == "nothing found"
        assert shop.numbers()["fallbacks"] == 1
    shop = GuardedShop(gone(), attempts_max=1, fallback=lambda text: f"old {text}")
    assert [await shop.call() for _ in range(30)] == ["old a"] * 30
    assert len(shop.sent) == 20, "for an open breaker, too"


@virtual_time
async def test_a_fallback_answers_for_nothing_else_and_its_own_failure_is_not_told() -> None:
    for error in (Refused(), InvalidArgument("wrong")):
        with pytest.raises(type(error)):
            await GuardedShop(error, fallback="nothing").call()
    shop = GuardedShop(gone(), fallback=lambda text: 1 // 0)
    assert await outcome(shop.call()) is Unavailable


@virtual_time
async def test_a_cancelled_call_gives_its_slot_back() -> None:
    shop = GuardedShop(1000.0, calls_max=1)
    for _ in range(3):
        task = asyncio.create_task(shop.call())
        await shop.clock.sleep(0.1)
        task.cancel()
        await asyncio.wait([task])
    assert len(shop.sent) == 3
