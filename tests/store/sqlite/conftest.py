"""What the tests of the SQLite store share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from calve.core.errors import StoreError
from calve.store import SchemaFile, SqliteOptions, SqliteStore, Store, StoreUnavailable

ACCOUNTS = (
    SchemaFile(
        "0001_init.sql",
        """CREATE TABLE account (owner TEXT PRIMARY KEY, cents INTEGER NOT NULL CHECK (cents >= 0)) STRICT;
           CREATE TABLE entry (
               number INTEGER PRIMARY KEY,
               owner TEXT REFERENCES account (owner) DEFERRABLE INITIALLY DEFERRED
           ) STRICT;""",
    ),
)
"""The tables most tests use."""


@pytest.fixture
def schema() -> tuple[SchemaFile, ...]:
    """The tables most tests use."""
    return ACCOUNTS


STEADY = SqliteOptions(loop_seconds_max=60, batch_seconds_max=60)
"""Options under which nothing depends on how fast the machine is."""


@pytest.fixture
async def store(schema: tuple[SchemaFile, ...]) -> AsyncIterator[SqliteStore]:
    """A store in memory: no threads and nothing timed, so the order of events is the same in every run."""
    async with await SqliteStore.memory(schema, STEADY) as store:
        yield store


class Blocker:
    """Stops the writer's thread at a chosen point until the test lets it go: in the SQL function `block()`, or `at`."""

    def __init__(self, store: SqliteStore, loop: asyncio.AbstractEventLoop) -> None:
        self.entered = asyncio.Event()
        self._go = threading.Event()
        self._loop, self._connection = loop, store._connection
        self._connection.raw.create_scalar_function("block", self._block)

    def _block(self, *_: object) -> int:
        self._loop.call_soon_threadsafe(self.entered.set)
        assert self._go.wait(30), "nobody let go"
        return 1

    def at(self, command: str, times: int = 1) -> None:
        """Stop before the command, such as COMMIT, is run for the nth time."""
        run, left = self._connection.command, times

        def counted(sql: str) -> None:
            nonlocal left
            left -= sql == command
            if sql == command and left == 0:
                self._block()
            run(sql)

        self._connection.command = counted  # type: ignore[method-assign]

    def let_go(self) -> None:
        """End `block()`, now and for ever."""
        self._go.set()


def refuse(store: SqliteStore, command: str, error: type[StoreError] = StoreUnavailable) -> None:
    """Let one of the store's own commands, such as SAVEPOINT, fail once."""
    run, left = store._connection.command, 1

    def refusing(sql: str) -> None:
        nonlocal left
        if sql == command and left:
            left = 0
            raise error(f"{command} was refused")
        run(sql)

    store._connection.command = refusing  # type: ignore[method-assign]


@pytest.fixture
def block() -> Callable[[SqliteStore], Blocker]:
    """Give a store's writer the function `block()`."""
    return lambda store: Blocker(store, asyncio.get_running_loop())


async def put(store: Store, owner: str, cents: int) -> None:
    """Insert an account."""
    async with store.transaction() as tx:
        await tx.execute("INSERT INTO account VALUES (:owner, :cents)", owner=owner, cents=cents)
