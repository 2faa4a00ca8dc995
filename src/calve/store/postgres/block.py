"""One block's use of a connection: from its first statement to the end of its transaction.

    enter ──> (nothing yet) ──first statement──> connection, BEGIN ──> statements, one at a time ──> COMMIT or ROLLBACK
      └── too long, or the store closes: `expire` ──> rolled back; what comes later gets the reason

A block that ends by a cancellation goes away at once. What has to be done with its connection (wait for the server to
stop the statement, roll back) is done in the background; if that takes too long the connection is given up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from ...core.errors import StoreError
from ..errors import StatementError, StoreUnavailable, TransactionError
from ..metrics import StoreMetrics
from ..statement import shorten
from .connecting import Server
from .errors import FOREIGN, is_lost, translate
from .options import PostgresOptions
from .plan import Plan
from .pool import Pool

R = TypeVar("R")

UNDO_SECONDS = 5.0


class Home:
    """What the blocks of one store share."""

    def __init__(
        self, server: Server, pool: Pool, plans: Callable[[str], Plan], metrics: StoreMetrics, options: PostgresOptions
    ) -> None:
        self.server, self.pool, self.plans, self.metrics, self.options = server, pool, plans, metrics, options
        self.blocks: set[Block] = set()
        """Those that have been entered and not left."""
        self.closed = False
        self._emptied: asyncio.Future[None] | None = None

    def leave(self, block: Block) -> None:
        """A block is not in progress any more."""
        self.blocks.discard(block)
        if self._emptied is not None and not self.blocks and not self._emptied.done():
            self._emptied.set_result(None)

    async def empty(self, seconds: float) -> None:
        """Wait until no block is in progress, at most so long."""
        if self.blocks:
            self._emptied = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._emptied], timeout=seconds)

    def give_back(self, connection: Any, clean: str) -> asyncio.Task[None]:
        """Return a connection whose state is not known, in the background.

        Args:
            clean: What makes it usable again: ROLLBACK, or any statement where no transaction is open.
        """
        return self.pool.background(self._clean(connection, clean))

    async def _clean(self, connection: Any, clean: str) -> None:
        try:
            async with asyncio.timeout(UNDO_SECONDS):
                await connection.execute(clean)  # waits until a cancelled statement has stopped
        except BaseException:
            self.pool.drop(connection)
            raise
        self.pool.release(connection)


class Block:
    """See the module.

    Args:
        home: The store's.
        reading: Whether it may only read.
    """

    def __init__(self, home: Home, *, reading: bool) -> None:
        self._home, self._reading = home, reading
        self._connection: Any = None
        self._turn = asyncio.Lock()
        self._watch: asyncio.TimerHandle | None = None
        self.task: asyncio.Task[Any] | None = None
        self.over = False
        """Whether it may not use the connection any more."""
        self.reason: StoreError | None = None
        """Why it is over, if not because the block has ended."""
        self.wrote = False
        """Whether a statement was more than a bare read."""
        self.failure: StoreError | None = None
        """The error of the first statement that failed or was cancelled."""

    def enter(self) -> None:
        """Begin to count as in progress. Raises StoreUnavailable: the store is closed."""
        home = self._home
        if home.closed:
            raise StoreUnavailable("the store is closed")
        self.task = asyncio.current_task()
        home.blocks.add(self)
        limit = home.options.hold_seconds_max
        self._watch = asyncio.get_running_loop().call_later(limit, self._expired, limit)

    def _expired(self, limit: float) -> None:
        what = "the snapshot was ended" if self._reading else "rolled back"
        self.expire(TransactionError(f"{what} after {limit:g} s; do not await anything else inside a transaction"))

    def expire(self, reason: StoreError) -> None:
        """End it from outside. No-op if over."""
        if self.over:
            return
        self.reason = reason
        connection, busy = self._connection, self._turn.locked()
        self.leave()
        if connection is not None and busy:
            self._home.pool.drop(connection)  # whoever awaits the statement gets an error, and then the reason
        elif connection is not None:
            self._home.give_back(connection, "ROLLBACK")

    def leave(self) -> Any:
        """Stop counting as in progress. Returns the connection, if there is one, which is then the caller's."""
        self.over = True
        self._home.leave(self)
        if self._watch is not None:
            self._watch.cancel()
        connection, self._connection = self._connection, None
        return connection

    async def settle(self) -> None:
        """Wait until no statement runs."""
        if self._turn.locked():
            async with self._turn:
                pass

    async def call(self, sql: str, work: Callable[[Any, Plan], Awaitable[R]], params: Any) -> R:
        """Run `work(connection, plan)` for a statement, when those before it are done.

        Args:
            params: Parameters of the first run.
        Raises: StoreError; kept as the block's `failure`.
        """

        async def planned(connection: Any) -> R:
            plan = self._home.plans(sql)
            self.wrote = self.wrote or plan.writes
            if not plan.described:
                await plan.describe(connection, params, in_transaction=True)
            return await work(connection, plan)

        return await self.run(sql, planned)

    async def run(self, sql: str, work: Callable[[Any], Awaitable[R]]) -> R:
        """Run `work(connection)`, when the statements before it are done; begin the transaction if it is the first.

        Args:
            sql: What it does, for messages.
        Raises: as `call`.
        """
        try:
            async with self._turn:
                self._check_usable()
                connection = self._connection
                if connection is None:
                    connection = await self._begin()
                try:
                    return await work(connection)
                except FOREIGN as error:
                    raise await self._failed(connection, error, sql) from error
        except StoreError as error:
            self.failure = self.failure or error
            raise
        except asyncio.CancelledError:
            # Whoever catches this and carries on cannot know whether the statement has had its effect.
            self.failure = self.failure or TransactionError(f"cancelled while it ran: {shorten(sql)!r}")
            raise

    def _check_usable(self) -> None:
        if self.over:
            raise self.reason or TransactionError("the block has ended; use what it gave you only inside")

    async def _failed(self, connection: Any, error: BaseException, sql: str) -> StoreError:
        if self.reason is not None:
            return self.reason
        if is_lost(error):
            self._lose(connection)
        return translate(error, sql, reading=self._reading)

    def _lose(self, connection: Any) -> None:
        if self._connection is connection:
            self._connection = None
            self._home.pool.drop(connection)
            self._home.pool.drop_idle()

    async def _begin(self) -> Any:
        """Get a connection and begin; a free one that turns out to be dead is replaced, because nothing has happened.

        Raises: StoreError.
        """
        pool = self._home.pool
        for last in (False, True):
            connection = await pool.acquire()
            self._connection = connection
            try:
                await self._open(connection)
            except FOREIGN as error:
                if self.reason is not None:
                    raise self.reason from None
                if not is_lost(error):
                    raise translate(error, "BEGIN") from error
                self._lose(connection)
                if last:
                    raise translate(error, "BEGIN") from error
            else:
                self._check_usable()
                return connection
        raise AssertionError("the last attempt returns or raises")

    async def _open(self, connection: Any) -> None:
        """For subclasses: begin the transaction. Raises: one of `FOREIGN`."""
        raise NotImplementedError


async def select(connection: Any, plan: Plan, params: dict[str, Any], into: Any, single: bool) -> list[Any]:
    """Run a statement and return its rows as `into`.

    Args:
        single: Whether more than one row is an error.
    Raises: one of `FOREIGN`, or StatementError.
    """
    records = await connection.fetch(plan.text, *plan.bind(params))
    if single and len(records) > 1:
        raise StatementError(f"more than one row for one(): {shorten(plan.sql)!r}")
    return plan.rows(records, into)
