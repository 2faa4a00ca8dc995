"""Deadlines: one timer wheel per event loop instead of one timer object per call.

A *timeout* (seconds, relative) crosses the wire; a *deadline* (a point on `Clock.monotonic`) lives inside. Nearly every
call ends long before its deadline, so arming and disarming must cost almost nothing while firing may be late: entries
are put into buckets of `TICK_SECONDS`, and one loop timer waits for the first bucket that is due. A deadline fires at
most one tick late (if the loop is not busy), never early.

    buckets: {tick number: {Timer: None}}      arm: one dict store · disarm: one dict pop · idle: no loop timer at all
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

from .errors import DeadlineExceeded

NEVER = float("inf")
TICK_SECONDS = 0.010
SWEEP_SECONDS = 1.0
"""How long buckets may stay after all their timers were disarmed."""

T = TypeVar("T")


class Timer:
    """One armed deadline; `disarm` is idempotent and safe after it fired."""

    __slots__ = ("_bucket", "callback")

    def __init__(self, bucket: dict[Timer, None], callback: Callable[[], None]) -> None:
        self._bucket, self.callback = bucket, callback
        bucket[self] = None

    def disarm(self) -> None:
        """Forget this deadline."""
        self._bucket.pop(self, None)


class TimerWheel:
    """All deadlines of one event loop.

    Args:
        loop: The loop whose thread arms, disarms and fires; not thread-safe.
        monotonic: The clock the deadlines are points on.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, monotonic: Callable[[], float]) -> None:
        self._loop, self._monotonic = loop, monotonic
        self._buckets: dict[int, dict[Timer, None]] = {}
        self._handle: asyncio.TimerHandle | None = None
        self._next = NEVER
        """The tick the loop timer waits for; NEVER while there is none."""

    def arm(self, deadline: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` once at or up to one tick after `deadline` (seconds on the monotonic clock, not NEVER)."""
        tick = int(deadline / TICK_SECONDS) + 1
        bucket = self._buckets.get(tick)
        if bucket is None:
            bucket = self._buckets[tick] = {}
            if tick < self._next:
                self._schedule(tick)
        return Timer(bucket, callback)

    def __len__(self) -> int:
        return sum(len(bucket) for bucket in self._buckets.values())

    def _schedule(self, tick: float) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._next = tick
        delay = tick * TICK_SECONDS - self._monotonic()
        self._handle = self._loop.call_later(min(max(delay, 0.0), SWEEP_SECONDS), self._turn)

    def _turn(self) -> None:
        self._handle, self._next = None, NEVER
        # A microsecond's grace: sums of floats must not make the loop wake a hair too early, again and again.
        now = (self._monotonic() + 1e-6) / TICK_SECONDS
        # Empty buckets are dropped before they are due, so that finished calls with long deadlines leave nothing
        # behind.
        for tick in sorted(tick for tick, bucket in self._buckets.items() if tick <= now or not bucket):
            bucket = self._buckets.pop(tick)
            for timer in list(bucket):
                if timer in bucket:  # a callback may have disarmed one that is due at the same tick
                    self._fire(timer)
            bucket.clear()  # timers refer to their bucket; without the way back, a timer goes with its last user
        if self._buckets:
            self._schedule(min(self._buckets))

    def _fire(self, timer: Timer) -> None:
        try:
            timer.callback()
        except Exception as error:  # noqa: BLE001  (one callback must not keep the other deadlines from firing)
            self._loop.call_exception_handler({"message": "deadline callback failed", "exception": error})


@coroutine
def run_until(
    wheel: TimerWheel, deadline: float, body: Coroutine[Any, Any, T], describe: Callable[[], str]
) -> Generator[Any, Any, T]:
    """Await `body` in the current task, but no longer than until `deadline`.

    The body runs eagerly up to its first real suspension before any timer exists, so a call that never waits never pays
    for one. When the deadline passes the task is cancelled and the cancellation turned into DeadlineExceeded; a
    cancellation from outside stays one (the same bookkeeping as `asyncio.timeout`: cancel once, uncancel once,
    compare).

    Args:
        wheel: The timer wheel of the running loop.
        deadline: Point on the wheel's clock, seconds; `NEVER` disables it.
        body: A coroutine that was not started yet.
        describe: Called only when the deadline passed; the text that names the operation and its budget.
    Raises:
        DeadlineExceeded: the deadline passed while the body was suspended; the body saw a cancellation.
    """
    try:
        waiting = body.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    return (yield from finish_until(wheel, deadline, body, waiting, describe))


@coroutine
def finish_until(
    wheel: TimerWheel, deadline: float, body: Coroutine[Any, Any, T], waiting: Any, describe: Callable[[], str]
) -> Generator[Any, Any, T]:
    """The second half of `run_until`: `body` has run up to its first suspension and yielded `waiting`.

    For the call chain, which takes the eager step itself: most calls end in it, and a generator less is a tenth of
    their price.
    """
    if deadline == NEVER:
        return (yield from _resume(body, waiting))
    task = asyncio.current_task()
    assert task is not None, "calls run inside a task"
    expired = False

    def expire() -> None:
        nonlocal expired
        expired = True
        task.cancel()

    before = task.cancelling()
    timer = wheel.arm(deadline, expire)
    try:
        answer = yield from _resume(body, waiting)
    except asyncio.CancelledError as cancelled:
        if expired and task.uncancel() <= before:
            raise DeadlineExceeded(describe()) from cancelled
        raise
    except BaseException:
        if expired:
            task.uncancel()
        raise
    else:
        if expired:  # the body swallowed our cancellation and answered all the same: the answer counts
            task.uncancel()
        return answer
    finally:
        timer.disarm()


@coroutine
def _resume(body: Coroutine[Any, Any, T], waiting: Any) -> Generator[Any, Any, T]:
    """Go on with a coroutine that has already yielded `waiting`, passing results and exceptions through."""
    while True:
        try:
            sent = yield waiting
        except BaseException as thrown:  # noqa: BLE001  (a coroutine must see whatever is thrown into it)
            try:
                waiting = body.throw(thrown)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
        else:
            try:
                waiting = body.send(sent)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
