"""The exclusive use of a connection by one block, across the loop's thread and a worker's.

    await lease.call(plan, work, …)      on the loop if the plan is fast, else in a thread; one call at a time
    lease.end(finish)                    now, or as soon as the thread has let go of the connection

The second is what keeps a cancellation simple: the task that ran the block goes away at once, and whatever has to be
done with the connection is done when it is free.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

from ...core.errors import StoreError
from ..errors import TransactionError
from ..metrics import StoreMetrics
from .connection import Connection, NotHere
from .options import SqliteOptions
from .plan import Plan
from .workers import Workers

R = TypeVar("R")

_perf_counter = time.perf_counter
MISSED: Any = object()
"""Returned by `LoopShare.attempt` when the statement has to run in a thread."""


class LoopShare:
    """What statements take of the event loop's thread, and the rule that they give it back now and then.

    A statement on the loop does not suspend, so a task that runs a thousand in a row would stop everybody else.
    """

    __slots__ = ("_limit", "_spent", "metrics")

    def __init__(self, options: SqliteOptions, metrics: StoreMetrics) -> None:
        self._limit, self._spent, self.metrics = options.loop_seconds_max, 0.0, metrics

    def attempt(self, connection: Connection, plan: Plan, work: Callable[..., R], *args: Any) -> R:
        """Run `work(plan, *args, limited=True)` here if the plan is fast; MISSED if it is, or turns out to be, slow."""
        if plan.thread_runs:
            return MISSED  # type: ignore[no-any-return]
        start = _perf_counter()
        try:
            return work(plan, *args, True)
        except NotHere:
            plan.slow()
            return MISSED  # type: ignore[no-any-return]
        finally:
            seconds = _perf_counter() - start
            self._spent += seconds
            self.metrics.loop_statements += 1
            if connection.over_budget:
                plan.slow()
            else:
                plan.ran_on_loop(seconds > self._limit)

    def learn(self, plan: Plan, over_budget: bool, seconds: float) -> None:
        """Learn from a run in a thread."""
        plan.ran_in_thread(over_budget or seconds > self._limit)

    @property
    def used_up(self) -> bool:
        """Whether it is time to let others run."""
        return self._spent > self._limit

    async def give_way(self) -> None:
        """Let the loop turn once."""
        self._spent = 0.0
        await asyncio.sleep(0)


class Lease:
    """One block's use of a connection; see the module."""

    __slots__ = ("_finish", "_idle", "_workers", "connection", "over", "reason", "running", "share")

    def __init__(self, connection: Connection, workers: Workers, share: LoopShare) -> None:
        self.connection, self._workers, self.share = connection, workers, share
        self.running = False
        """Whether a thread has the connection now."""
        self.over = False
        """Whether the block may not use the connection any more."""
        self.reason: StoreError | None = None
        """Why it is over, if not because the block has ended."""
        self._finish: Callable[[], None] | None = None
        self._idle: list[asyncio.Future[None]] = []

    async def call(self, plan: Plan, work: Callable[..., R], *args: Any, many: bool = False) -> R:
        """Run `work(plan, *args, limited)` where the plan says, or in a thread if it is for many rows.

        Raises: what `work` raises; TransactionError (or `reason`) if the block is over.
        """
        if self.running:
            await self.settle()
        if self.over:
            raise self.reason or TransactionError("the block has ended; use what it gave you only inside")
        result = MISSED if many else self.share.attempt(self.connection, plan, work, *args)
        if result is MISSED:
            return await self.in_thread(plan, work, *args, many=many)
        if self.share.used_up:
            await self.share.give_way()
        return result

    async def in_thread(self, plan: Plan, work: Callable[..., R], *args: Any, many: bool = False) -> R:
        """Run `work(plan, *args, limited=False)` in a thread, and learn from the time unless it is for many rows."""
        connection = self.connection

        def timed() -> tuple[R, bool, float]:
            connection.patient(True)
            # Processor time: waiting for the interpreter lock must not make a fast statement look slow.
            start = time.thread_time()
            try:
                result = work(plan, *args, False)
                return result, connection.over_budget, time.thread_time() - start
            finally:
                connection.patient(False)

        result, over_budget, seconds = await self.run(timed)
        self.share.metrics.thread_statements += 1
        if not many:
            self.share.learn(plan, over_budget, seconds)
        return result

    async def run(self, work: Callable[[], R]) -> R:
        """Run any work with the connection in a thread. A cancellation stops the waiting only; see `end`."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()

        def done(result: R | None, error: BaseException | None) -> None:
            self.running = False
            idle, self._idle = self._idle, []
            for waiter in idle:
                if not waiter.done():
                    waiter.set_result(None)
            if self._finish is not None:
                self._finish()
            if not future.done():
                if error is None:
                    future.set_result(result)  # type: ignore[arg-type]  # None only if work returned it
                else:
                    future.set_exception(error)

        self.running = True
        self._workers.submit(work, done)
        return await future

    async def settle(self) -> None:
        """Wait until no thread has the connection: statements of one block run one at a time."""
        while self.running:
            idle: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._idle.append(idle)
            await idle

    def end(self, finish: Callable[[], None]) -> None:
        """Refuse further calls, and run `finish` on the loop's thread when the connection is free. Once."""
        self.over = True
        if self.running:
            self._finish = finish
        else:
            finish()
