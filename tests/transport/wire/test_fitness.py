"""Which replicas get calls: not sick ones for a time, not silent ones until they are heard, new ones ever more."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calve.core.context import CallContext
from calve.core.errors import CallError, DeadlineExceeded, InternalError, Unavailable
from calve.testing.fakes.wire import MemoryPipe
from calve.testing.loop import virtual_time
from calve.transport.wire import WireOptions
from calve.transport.wire.fitness import NO, RATHER_NOT, YES, Fitness

from .conftest import DEBIT, ECHO, OWNER, Kit
from .test_routes import Here, Moving, until_answers

OPTIONS = WireOptions()
LONG = OPTIONS.eject_max_seconds * 2
ABC = ("unix:/a", "unix:/b", "unix:/c")


def fitness(**options: Any) -> Fitness:
    return Fitness(WireOptions(**options))


def test_a_streak_of_failures_ejects_for_a_growing_time() -> None:
    made, now, times = fitness(), 0.0, list[float]()
    for _ in range(8):
        while made.verdict(0, now) == YES:
            made.failed(now)
        began = now
        while made.verdict(0, now) == NO:
            now += 0.01
        times.append(now - began)
    assert all(later > earlier for earlier, later in itertools.pairwise(times[:5])), times
    assert times[0] == pytest.approx(1, rel=0.21)
    assert max(times) <= 1.21 * OPTIONS.eject_max_seconds


def test_a_success_ends_a_streak() -> None:
    made = fitness()
    for _ in range(10):
        for _ in range(OPTIONS.strikes_max - 1):
            made.failed(0.0)
        made.succeeded(0.0)
        assert made.verdict(5, 0.0) == YES
        assert not made.marked


def test_after_its_time_it_is_probed_by_one_call_and_comes_back_slowly() -> None:
    made = fitness()
    for _ in range(OPTIONS.strikes_max):
        made.failed(0.0)
    assert made.verdict(0, 0.5) == NO
    assert made.verdict(0, 1.3) == YES
    assert made.verdict(1, 1.3) == NO, "one at a time"
    made.succeeded(2.0)
    first = sum(made.verdict(0, 2.0) == YES for _ in range(1000))
    half = sum(made.verdict(0, 3.0) == YES for _ in range(1000))
    assert 50 < first < 200 < half < 800, "a share that grows"
    assert {made.verdict(9, 4.0) for _ in range(100)} == {YES}
    assert not made.marked


def test_a_probe_that_fails_ejects_again() -> None:
    made = fitness()
    for _ in range(OPTIONS.strikes_max):
        made.failed(0.0)
    assert made.verdict(0, 1.3) == YES
    made.failed(1.3)
    assert made.verdict(0, 1.3 + 1.5) == NO, "for longer"


def test_silence_counts_until_it_is_heard() -> None:
    made = fitness(slow_start_seconds=0)
    made.hush()
    assert made.verdict(0, 1000.0) == NO
    made.heard(1000.0)
    assert made.verdict(0, 1000.0) == YES


@given(st.lists(st.tuples(st.sampled_from(["failed", "succeeded", "ramp", "hush", "heard"]), st.floats(0, 5))))
@settings(deadline=None)
def test_whatever_happens_it_gets_calls_again(steps: list[tuple[str, float]]) -> None:
    made, now = fitness(), 0.0
    for step, seconds in steps:
        now += seconds
        made.hush() if step == "hush" else getattr(made, step)(now)
        assert made.verdict(0, now) in (YES, RATHER_NOT, NO)
        assert made.marked or made.verdict(3, now) == YES, "nobody looks at one that is not marked"
    made.heard(now)
    now += LONG
    assert made.verdict(0, now) != NO
    made.succeeded(now)
    made.succeeded(now + LONG)
    assert made.verdict(9, now + LONG) == YES


# At work ---------------------------------------------------------------------------------------------------------


class Ill(Here):
    """Fails while it is ill."""

    ill = False

    async def __call__(self, context: CallContext, request: Any) -> bytes:
        await super().__call__(context, request)
        if self.ill:
            raise InternalError("ill")
        return self.name


async def shares(kit: Kit, client: Any, count: int) -> Counter[Any]:
    """Who answered how many of so many calls; the classes of errors among them."""
    found: Counter[Any] = Counter()
    for _ in range(count):
        try:
            found[await kit.call(client, ECHO, data=b"")] += 1
        except CallError as error:
            found[type(error)] += 1
        await asyncio.sleep(0.01)  # in virtual time
    return found


def three(kit: Kit) -> tuple[Any, list[Ill]]:
    """A client of three replicas."""
    handlers = [Ill(name.encode()) for name in "abc"]
    for address, handler in zip(ABC, handlers, strict=True):
        kit.server(address, echo=handler)
    return kit.client(*ABC), handlers


@virtual_time
async def test_a_sick_replica_is_left_alone_and_comes_back() -> None:
    async with Kit() as kit:
        client, (first, _, _) = three(kit)
        await until_answers(kit, client, {b"a", b"b", b"c"})
        first.ill = True
        found = await shares(kit, client, 500)
        assert found[InternalError] < 15, "a streak, and a few probes in five seconds"
        assert found[b"b"] > 200
        assert found[b"c"] > 200
        first.ill = False
        await asyncio.sleep(LONG)
        await shares(kit, client, 500)
        assert (await shares(kit, client, 300))[b"a"] == pytest.approx(100, abs=3)


@virtual_time
async def test_when_all_are_sick_all_are_used() -> None:
    async with Kit() as kit:
        client, handlers = three(kit)
        await until_answers(kit, client, {b"a", b"b", b"c"})
        for handler in handlers:
            handler.ill = True
        await shares(kit, client, 100)
        before = [handler.started for handler in handlers]
        await shares(kit, client, 30)
        assert all(handler.started > then for handler, then in zip(handlers, before, strict=True))
        for handler in handlers:
            handler.ill = False
        assert (await shares(kit, client, 100))[InternalError] == 0, "nobody is refused for what is over"


def stalled_pipe(kit: Kit, number: int) -> MemoryPipe:
    """The connection to one of the three, through which nothing comes any more, as from a process that is stopped."""
    pipe = kit.network.pipes[number]
    pipe.stall()
    return pipe


@virtual_time
async def test_a_replica_that_stands_still_is_noticed_by_its_silence() -> None:
    async with Kit() as kit:
        client, _ = three(kit)
        await until_answers(kit, client, {b"a", b"b", b"c"})
        pipe = stalled_pipe(kit, 0)
        stuck = [asyncio.ensure_future(kit.call(client, DEBIT, owner=OWNER, cents=1, seconds=10)) for _ in range(9)]
        asked = [asyncio.ensure_future(kit.call(client, ECHO, data=b"", seconds=10)) for _ in range(9)]
        await asyncio.sleep(3 * OPTIONS.suspect_seconds + 0.1)
        assert sum(call.done() for call in stuck) == 6
        lost = [call.exception() for call in asked if call.exception() is not None]
        assert [(type(error), getattr(error, "lost", None)) for error in lost] == [(Unavailable, True)] * 3
        busy = [asyncio.ensure_future(kit.call(client, ECHO, data=b"")) for _ in range(100)]
        await asyncio.sleep(0.1)
        assert all(call.done() for call in busy), "although the others have more calls in flight by then"
        pipe.flow()
        await asyncio.gather(*stuck, *busy)
        await asyncio.sleep(2 * OPTIONS.suspect_seconds + OPTIONS.slow_start_seconds)
        await until_answers(kit, client, {b"a", b"b", b"c"})


@virtual_time
async def test_slow_answers_are_no_silence() -> None:
    async with Kit() as kit:
        client, handlers = three(kit)
        await until_answers(kit, client, {b"a", b"b", b"c"})
        for handler in handlers:
            handler.release.clear()
        slow = [asyncio.ensure_future(kit.call(client, ECHO, data=b"", seconds=60)) for _ in range(30)]
        await asyncio.sleep(20)
        route = client._routes.to("wallet")
        assert not any(channel.fitness.silent for channel in route.channels)
        for handler in handlers:
            handler.release.set()
        await asyncio.gather(*slow)


@virtual_time
async def test_one_address_alone_is_used_whatever_it_does() -> None:
    async with Kit() as kit:
        only = Ill(b"a")
        kit.server("unix:/a", echo=only)
        client = kit.client("unix:/a")
        only.ill = True
        assert (await shares(kit, client, 50)) == {InternalError: 50}
        only.ill = False
        assert (await shares(kit, client, 50)) == {b"a": 50}
        kit.network.pipes[0].stall()
        with pytest.raises(DeadlineExceeded):
            await kit.call(client, ECHO, data=b"")


@virtual_time
async def test_a_new_replica_starts_slowly() -> None:
    async with Kit() as kit:
        for address, name in zip(ABC[:2], "ab", strict=True):
            kit.server(address, echo=Here(name.encode()))
        moving = Moving(*ABC[:1])
        client = kit.client(resolver=moving)
        await until_answers(kit, client, {b"a"})
        moving.move(*ABC[:2])
        early = await shares(kit, client, 50)
        await asyncio.sleep(OPTIONS.slow_start_seconds)
        late = await shares(kit, client, 50)
        assert 0 < early[b"b"] < 20 < late[b"b"] == 25


@virtual_time
async def test_the_first_answer_of_the_resolver_is_not_new() -> None:
    async with Kit() as kit:
        client, _ = three(kit)
        await shares(kit, client, 3)
        assert await shares(kit, client, 30) == {b"a": 10, b"b": 10, b"c": 10}


@virtual_time
async def test_calls_wait_for_one_that_comes_back_at_once_rather_than_go_to_a_sick_one() -> None:
    async with Kit() as kit:
        sick, well = Ill(b"a"), Here(b"b")
        kit.server("unix:/a", echo=sick)
        old = kit.server("unix:/b", echo=well)
        client = kit.client("unix:/a", "unix:/b")
        await until_answers(kit, client, {b"a", b"b"})
        sick.ill = True
        fitness = client._routes.to("wallet").channels[0].fitness
        while fitness.verdict(0, asyncio.get_running_loop().time()) != NO:
            await shares(kit, client, 1)
        kit.server("unix:/b", echo=Here(b"new"))  # takes the place of the old one, at the same address
        draining = asyncio.ensure_future(old.drain(1))
        await asyncio.sleep(0.001)
        assert await kit.call(client, ECHO, data=b"") == b"new"
        await draining


@virtual_time
async def test_a_server_that_greets_only_to_say_goodbye_is_not_asked_all_the_time() -> None:
    async with Kit() as kit:
        leaving = kit.server("unix:/a")
        await leaving.drain(0)
        client = kit.client("unix:/a", "unix:/b")
        with pytest.raises(Unavailable):
            await kit.call(client, ECHO, data=b"", seconds=10)
        assert kit.network.attempts < 60


Faults = st.lists(st.sampled_from(["ill", "well", "cut", "pause"]), max_size=12)


@given(faults=st.tuples(Faults, Faults, Faults))
@settings(max_examples=25, deadline=None)
def test_nobody_starves_once_all_is_well(faults: tuple[list[str], ...]) -> None:
    @virtual_time
    async def play() -> None:
        async with Kit() as kit:
            client, handlers = three(kit)
            await until_answers(kit, client, {b"a", b"b", b"c"})
            for step in range(12):
                for handler, plan in zip(handlers, faults, strict=True):
                    fault = plan[step] if step < len(plan) else "well"
                    handler.ill = fault == "ill"
                    if fault == "cut":
                        kit.network.pipes[-1].cut()
                await shares(kit, client, 20)
            for handler in handlers:
                handler.ill = False
            await asyncio.sleep(LONG)
            await shares(kit, client, 300)
            found = await shares(kit, client, 90)
            assert all(found[name] == pytest.approx(30, abs=3) for name in (b"a", b"b", b"c")), found

    run: Callable[[], Any] = play
    asyncio.run(run()) if asyncio.iscoroutinefunction(run) else run()
