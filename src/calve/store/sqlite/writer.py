"""Group commit: transactions run one after another on the single writer, and many share one COMMIT.

    enter ──> statements ──┬─ roll_back ───────────────────────> next one enters
      ▲                    └─ release: into the batch ──> next one enters
      │                                    │ nobody is ready, or the batch is full or old
      └── waiters pile up while the ─── COMMIT runs in a thread ──> everybody in the batch is acknowledged

SQLite sees one transaction per batch. The first of ours needs no savepoint, since nothing would be left if it failed;
each further one is a savepoint. "Nobody is ready" is asked one turn of the event loop after a release, so that tasks
which the last commit woke together get into the next one together; a caller who was alone last time need not wait for
that.

What a batch reads is not durable before its COMMIT: even a transaction that only read, or raised a domain error because
of what it read, waits for the commit when there were writes in the batch before it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any

from ...core.errors import StoreError
from ..errors import StoreBusy, StoreUnavailable, TransactionError
from .connection import Connection
from .lease import Lease, LoopShare
from .options import SqliteOptions
from .plan import Plans
from .workers import Workers

_now = time.monotonic


class Turn(Lease):
    """One transaction's turn at the writer."""

    __slots__ = ("changes_before", "nested", "since", "task")

    def __init__(self, connection: Connection, workers: Workers, share: LoopShare, plans: Plans) -> None:
        super().__init__(connection, workers, share, plans)
        self.task = asyncio.current_task()
        self.since = 0.0
        """When it got the writer, on the event loop's clock."""
        self.nested = False
        """Whether it is a savepoint, because the batch holds others."""
        self.changes_before = 0
        """The connection's count of changed rows when it began."""


class _Waiter:
    """A place in the queue; the future is renewed when its owner was woken but the writer had been taken again."""

    __slots__ = ("future",)
    future: asyncio.Future[None]


class Writer:
    """The single writer of a database file. Only COMMIT and slow statements leave the event loop's thread."""

    def __init__(
        self, connection: Connection, workers: Workers, share: LoopShare, plans: Plans, options: SqliteOptions
    ) -> None:
        self.connection, self._workers, self._share, self._plans = connection, workers, share, plans
        self._options = options
        self._metrics = share.metrics
        self._loop = asyncio.get_running_loop()
        self._owner: Turn | None = None
        self._waiters: deque[_Waiter] = deque()
        self._batch: list[asyncio.Future[None]] = []
        self._batch_since = 0.0
        self._begun = False
        self._committing = False
        self._settling = False
        self._alone = False
        self._watch: asyncio.TimerHandle | None = None
        self._drained: asyncio.Future[None] | None = None
        self._evicting = False

    def turn(self) -> Turn:
        """A turn for the current task; `enter` waits for it."""
        return Turn(self.connection, self._workers, self._share, self._plans)

    def enter(self, turn: Turn) -> Coroutine[Any, Any, None] | None:
        """Get the writer and begin.

        Returns: what to await until it is the turn's, or None if it is already. What is awaited may raise StoreBusy.
        Raises:
            TransactionError: this task has the writer already.
            StoreUnavailable: the store is closed.
        """
        if self._drained is not None:
            raise StoreUnavailable("the store is closed")
        owner = self._owner
        if owner is not None and owner.task is turn.task and not owner.over:
            raise TransactionError(
                "a transaction inside a transaction of the same store would wait for itself; pass the outer one on"
            )
        if owner is not None or self._committing or self._waiters:
            return self._enter_later(turn)
        return self._take(turn)

    async def _enter_later(self, turn: Turn) -> None:
        await self._wait()
        begun = self._take(turn)
        if begun is not None:
            await begun

    def _take(self, turn: Turn) -> Coroutine[Any, Any, None] | None:
        self._owner = turn
        turn.since = self._loop.time()
        turn.changes_before = self.connection.changes
        if self._watch is None:
            self._watch = self._loop.call_later(self._options.hold_seconds_max, self._check_owner)
        try:
            if self._batch:
                self.connection.command("SAVEPOINT calve")
                turn.nested = True
            elif not self._begun:
                self.connection.command("BEGIN IMMEDIATE")
                self._begun = True
        except StoreBusy:
            # Somebody else holds the file: wait for them, but not on the loop's thread.
            return self._begin_in_thread(turn)
        except BaseException:
            self.roll_back(turn)
            raise
        return None

    async def _begin_in_thread(self, turn: Turn) -> None:
        try:
            await turn.run(self._begin_patiently)
        except BaseException:
            self.roll_back(turn)
            raise
        self._begun = True

    def _begin_patiently(self) -> None:
        self.connection.patient(True)
        try:
            self.connection.command("BEGIN IMMEDIATE")
        finally:
            self.connection.patient(False)

    async def _wait(self) -> None:
        waiter = _Waiter()
        self._waiters.append(waiter)
        try:
            while True:
                waiter.future = self._loop.create_future()
                await waiter.future
                if self._evicting:
                    raise StoreUnavailable("the store was closed before the transaction began")
                if self._owner is None and not self._committing and self._waiters[0] is waiter:
                    self._waiters.popleft()
                    return
        except BaseException:
            self._waiters.remove(waiter)
            self._advance()
            raise

    def release(self, turn: Turn) -> asyncio.Future[None] | None:
        """End a transaction that is to be kept, while no thread has its connection.

        Returns: what to await for the acknowledgement, or None if there is nothing to wait for.
        Raises: StoreError: it cannot be kept, and was rolled back.
        """
        wrote = self.connection.changes != turn.changes_before
        try:
            if wrote:
                self.connection.check_foreign_keys()
            if turn.nested:
                self.connection.command("RELEASE calve")
        except StoreError:
            self.roll_back(turn)
            raise
        turn.over = True
        acknowledged = self._join() if wrote or self._batch else None
        self._metrics.transactions += acknowledged is None
        self._owner = None
        self._advance()
        return acknowledged

    def roll_back(self, turn: Turn, outcome_counts: bool = False) -> asyncio.Future[None] | None:
        """End a transaction that is not to be kept: now, or when the thread lets go of the connection. No-op if over.

        Args:
            outcome_counts: Whether somebody acts upon the reason, which holds only if what was read before is
                committed.
        Returns: what to await before giving the reason, or None if there is nothing to wait for.
        """
        if turn.over:
            return None
        self._metrics.rollbacks += 1
        acknowledged: asyncio.Future[None] | None = None

        def undo() -> None:
            nonlocal acknowledged
            self._undo(turn)
            if outcome_counts and self._batch:
                acknowledged = self._join()
            self._owner = None
            self._advance()

        turn.end(undo)
        return acknowledged

    def _undo(self, turn: Turn) -> None:
        self.connection.resume()
        if self._begun and not self.connection.in_transaction:
            # SQLite has ended the whole batch by itself, as it does after some errors (disk full, I/O).
            self._lose(StoreError("another transaction of the same commit met an error that ended them all"))
        try:
            if not self._batch:
                self._abort()
            elif turn.nested:
                self.connection.command("ROLLBACK TO calve")
                self.connection.command("RELEASE calve")
        except StoreError as error:
            self._lose(error)

    def _lose(self, error: StoreError) -> None:
        batch, self._batch = self._batch, []
        self._fail(batch, error)
        self._abort()

    def _abort(self) -> None:
        """End SQLite's transaction, of which nothing is to be kept."""
        self._begun = False
        if self.connection.in_transaction:
            with suppress(StoreError):  # SQLite ends the transaction even if it reports an error
                self.connection.command("ROLLBACK")

    def _fail(self, batch: list[asyncio.Future[None]], error: BaseException) -> None:
        self._metrics.rollbacks += len(batch)
        for acknowledged in batch:
            if not acknowledged.done():
                acknowledged.set_exception(StoreUnavailable(f"nothing of the transaction was kept: {error}"))

    def _join(self) -> asyncio.Future[None]:
        if not self._batch:
            self._batch_since = _now()
        acknowledged: asyncio.Future[None] = self._loop.create_future()
        self._batch.append(acknowledged)
        return acknowledged

    def _advance(self) -> None:
        """The writer may be free: commit, or let the next one in."""
        if self._owner is not None or self._committing:
            return
        options = self._options
        if self._batch and (
            len(self._batch) >= options.batch_count_max or _now() - self._batch_since >= options.batch_seconds_max
        ):
            self._commit()
        elif self._waiters:
            head = self._waiters[0].future
            if not head.done():
                head.set_result(None)
        elif self._begun:
            if self._alone and self._batch:
                self._commit()
            elif not self._settling:
                self._settling = True
                self._loop.call_soon(self._settle)
        elif self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def _settle(self) -> None:
        self._settling = False
        if self._owner is not None or self._committing or self._waiters:
            return
        if self._batch:
            self._commit()
        else:  # nobody wrote, or whoever did was rolled back
            self._abort()
            self._advance()

    def _commit(self) -> None:
        batch, self._batch = self._batch, []
        self._committing = True
        done = partial(self._committed, batch, time.perf_counter())
        self._workers.submit(partial(self.connection.command, "COMMIT"), done)

    def _committed(self, batch: list[asyncio.Future[None]], start: float, _: None, error: BaseException | None) -> None:
        metrics = self._metrics
        self._committing = self._begun = False
        self._alone = len(batch) == 1 and not self._waiters
        # Waiters before those who are acknowledged: they asked first, and the latter may well come back at once.
        if self._waiters:
            for waiter in islice(self._waiters, self._options.batch_count_max):
                if not waiter.future.done():
                    waiter.future.set_result(None)
        if error is not None:
            metrics.commit_failures += 1
            self._abort()
            self._fail(batch, error)
        else:
            metrics.commits += 1
            metrics.commit_seconds += time.perf_counter() - start
            metrics.transactions += len(batch)
            if len(batch) > metrics.batch_size_max:
                metrics.batch_size_max = len(batch)
            for acknowledged in batch:
                if not acknowledged.done():
                    acknowledged.set_result(None)
        self._advance()

    def _check_owner(self) -> None:
        """Roll back a transaction that has had the writer for too long. One timer for all of them."""
        self._watch = None
        owner, limit = self._owner, self._options.hold_seconds_max
        if owner is None:
            return
        left = owner.since + limit - self._loop.time()
        if left > 0:
            self._watch = self._loop.call_later(left, self._check_owner)
            return
        owner.reason = TransactionError(
            f"rolled back after {limit:g} s, because others wait for the writer; do not await anything else inside a"
            " transaction, least of all a task that wants one too"
        )
        self.roll_back(owner)

    async def drain(self, grace_seconds: float) -> None:
        """Let in nobody else, and wait until everything is committed; what takes longer is rolled back."""
        self._drained = self._loop.create_future()
        self._advance()
        try:
            async with asyncio.timeout(grace_seconds):
                await asyncio.shield(self._drained)
        except TimeoutError:
            self._evicting = True
            for waiter in self._waiters:
                if not waiter.future.done():
                    waiter.future.set_result(None)
            if self._owner is not None:
                self._owner.reason = StoreUnavailable("the store was closed during the transaction")
                self.connection.interrupt()
                self.roll_back(self._owner)
            await self._drained
        if self._watch is not None:
            self._watch.cancel()
