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
from ..statement import shorten
from .connection import Connection, NotHere
from .options import SqliteOptions
from .plan import Plan, Plans
from .workers import Workers

R = TypeVar("R")

_perf_counter = time.perf_counter
MISSED: Any = object()
"""Returned by `LoopShare.attempt` when the statement has to run in a thread."""


class LoopShare:
    """What statements take of the event loop's thread, and the rule that they give it back now and then.

    A statement on the loop does not suspend, so a task that runs a thousand in a row would stop everybody else.
    """

    __slots__ = ("limit", "metrics", "spent")

    def __init__(self, options: SqliteOptions, metrics: StoreMetrics) -> None:
        self.metrics = metrics
        self.limit = options.loop_seconds_max
        """Seconds; for one statement, and for all since the loop last turned."""
        self.spent = 0.0
        """Seconds since `give_way`."""

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
            self.spent += seconds
            self.metrics.loop_statements += 1
            if connection.over_budget:
                plan.slow()
            else:
                plan.ran_on_loop(seconds > self.limit)

    def learn(self, plan: Plan, over_budget: bool, seconds: float) -> None:
        """Learn from a run in a thread."""
        plan.ran_in_thread(over_budget or seconds > self.limit)

    async def give_way(self) -> None:
        """Let the loop turn once; called when more than `limit` is spent."""
        self.spent = 0.0
        await asyncio.sleep(0)


class Lease:
    """One block's use of a connection; see the module."""

    __slots__ = (
        "_finish",
        "_idle",
        "_plans",
        "_share",
        "_workers",
        "connection",
        "failure",
        "over",
        "reason",
        "running",
    )

    def __init__(self, connection: Connection, workers: Workers, share: LoopShare, plans: Plans) -> None:
        self.connection, self._workers, self._share, self._plans = connection, workers, share, plans
        self.failure: StoreError | None = None
        """The error of the first statement that failed or was cancelled."""
        self.running = False
        """Whether a thread has the connection now."""
        self.over = False
        """Whether the block may not use the connection any more."""
        self.reason: StoreError | None = None
        """Why it is over, if not because the block has ended."""
        self._finish: Callable[[], None] | None = None
        self._idle: list[asyncio.Future[None]] | None = None

    async def call(self, sql: str, work: Callable[..., R], *args: Any, many: bool = False) -> R:
        """Run `work(plan, *args, limited)` where the statement's plan says, or in a thread if it is for many rows.

        Raises: what `work` raises; TransactionError (or `reason`) if the block is over. An error or a cancellation is
            kept as the lease's `failure`.
        """
        share = self._share
        try:
            if self.running:
                await self.settle()
            if self.over:
                raise self.reason or TransactionError("the block has ended; use what it gave you only inside")
            plan = self._plans(sql)
            result = MISSED if many else share.attempt(self.connection, plan, work, *args)
            if result is MISSED:
                return await self.in_thread(plan, work, *args, many=many)
            if share.spent > share.limit:
                await share.give_way()
        except StoreError as error:
            self.failure = self.failure or error
            raise
        except asyncio.CancelledError:
            # Whoever catches this and carries on cannot know whether the statement has had its effect.
            self.failure = self.failure or TransactionError(f"cancelled while it ran: {shorten(sql)!r}")
            raise
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
        self._share.metrics.thread_statements += 1
        if not many:
            self._share.learn(plan, over_budget, seconds)
        return result

    async def run(self, work: Callable[[], R]) -> R:
        """Run any work with the connection in a thread. A cancellation stops the waiting only; see `end`."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()

        def done(result: R | None, error: BaseException | None) -> None:
            self.running = False
            idle, self._idle = self._idle, None
            for waiter in idle or ():
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
            self._idle = [*(self._idle or ()), idle]
            await idle

    def end(self, finish: Callable[[], None]) -> None:
        """Refuse further calls, and run `finish` on the loop's thread when the connection is free. Once."""
        self.over = True
        if self.running:
            self._finish = finish
        else:
            finish()
