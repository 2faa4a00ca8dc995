"""Events: what publishing costs beside writing the same rows by hand, and how long an event is on its way.

    publish       a business row and an event in one transaction, durable before its caller goes on
      calve           the store: checked, encoded, appended to the log
      group commit    SQLite: a bare loop over apsw, two inserts in a savepoint, many per commit: the limit
      asyncpg         PostgreSQL: the driver and its pool, two inserts, READ COMMITTED
    on its way    from before the publishing transaction to after the handler's commit, one event at a time, in process
    backlog       events that are all in the log already, handled in batches; each handler inserts a row

Every round goes through all of them on files and tables of their own; figures are medians of the rounds.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import msgspec
import uvloop

from calve.contract import describe
from calve.core.clock import SystemClock
from calve.core.codec import Codec
from calve.core.ids import new_id
from calve.messaging import Consumers, DispatchOptions, Handler, LocalFeed
from calve.observe import Logger
from calve.store import PostgresTarget, SchemaFile, SqliteStore, Store, Transaction
from calve.store.log import Outlet
from calve.store.postgres import PostgresOptions, PostgresStore
from calve.testing.postgres import temporary_database
from calve.testing.store_suite.log import Bank, Opened

from .common import Result, medians, result
from .peers.group_commit import GroupCommit

MANY, CONNECTIONS = 32, 16
ROUNDS, SECONDS = 7, 0.7
ON_ITS_WAY, BACKLOG = 300, 20_000

ENTRY = "CREATE TABLE entry (number INTEGER PRIMARY KEY, owner TEXT NOT NULL, cents BIGINT NOT NULL)"
ENTRY_PG = "CREATE TABLE entry (number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner TEXT, cents BIGINT)"
OUTBOX = """CREATE TABLE outbox (number INTEGER PRIMARY KEY, id TEXT NOT NULL, key TEXT NOT NULL, type TEXT NOT NULL,
version INTEGER NOT NULL, at_ms INTEGER NOT NULL, headers TEXT NOT NULL, data BLOB NOT NULL)"""
OUTBOX_PG = OUTBOX.replace("number INTEGER PRIMARY KEY", "number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY")
OUTBOX_PG = OUTBOX_PG.replace("BLOB", "BYTEA").replace("at_ms INTEGER", "at_ms BIGINT")
INSERT = "INSERT INTO entry (owner, cents) VALUES (:owner, :cents)"
COLUMNS = "INSERT INTO outbox (id, key, type, version, at_ms, headers, data) VALUES "

Publish = Callable[[str], Awaitable[object]]


def _values(owner: str) -> tuple[object, ...]:
    data = msgspec.json.encode({"owner": owner, "cents": 1})
    return str(new_id()), owner, "Opened", 3, int(time.time() * 1000), "{}", data


def _publisher(store: Store) -> Publish:
    store.log.outlet = Outlet("bank", describe(Bank), SystemClock())

    async def publish(owner: str) -> None:
        async def work(tx: Transaction) -> None:
            await tx.execute(INSERT, owner=owner, cents=1)
            tx.publish(Opened(owner=owner, cents=1), key=owner)

        if store.exclusive:  # as operations do it; where transactions collide, the chain runs them again
            async with store.transaction() as tx:
                await work(tx)
        else:
            await store.transact(work)

    return publish


@contextlib.asynccontextmanager
async def sqlite(folder: Path) -> AsyncIterator[dict[str, Publish]]:
    """Both ways on SQLite."""
    bare = GroupCommit(folder / "bare.db", f"{ENTRY};{OUTBOX}")

    async def by_hand(owner: str) -> None:
        def job(cursor: apsw.Cursor) -> None:
            cursor.execute("INSERT INTO entry (owner, cents) VALUES (?, ?)", (owner, 1))
            cursor.execute(f"{COLUMNS} (?, ?, ?, ?, ?, ?, ?)", _values(owner))

        await bare.submit(job)

    async with await SqliteStore.open(folder / "calve.db", [SchemaFile("0001_entry.sql", ENTRY)]) as store:
        yield {"calve": _publisher(store), "group commit": by_hand}
    bare.close()


async def _nothing(connection: Any) -> None:
    """Instead of the request with which the pool resets a connection when it comes back; ours sends none either."""


@contextlib.asynccontextmanager
async def postgres(ours: PostgresTarget, theirs: PostgresTarget) -> AsyncIterator[dict[str, Publish]]:
    """Both ways on PostgreSQL."""
    pool = await asyncpg.create_pool(
        host=theirs.host, port=theirs.port, user=theirs.user, database=theirs.database, min_size=CONNECTIONS,
        max_size=CONNECTIONS, reset=_nothing,
    )  # fmt: skip
    await pool.execute(f"{ENTRY_PG};{OUTBOX_PG}")

    async def by_hand(owner: str) -> None:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("INSERT INTO entry (owner, cents) VALUES ($1, $2)", owner, 1)
            await connection.execute(f"{COLUMNS} ($1, $2, $3, $4, $5, $6, $7)", *_values(owner))

    options = PostgresOptions(connections_max=CONNECTIONS)
    async with await PostgresStore.open(ours, [SchemaFile("0001_entry.sql", ENTRY_PG)], options) as store:
        yield {"calve": _publisher(store), "asyncpg": by_hand}
    await pool.close()


async def _rate(publish: Publish, callers: int) -> float:
    """Transactions a second."""
    until, done = time.perf_counter() + SECONDS, 0

    async def caller(number: int) -> None:
        nonlocal done
        for turn in itertools.count():
            if time.perf_counter() > until:
                return
            await publish(f"owner {number} {turn % 50}")
            done += 1

    started = time.perf_counter()
    await asyncio.gather(*map(caller, range(callers)))
    return done / (time.perf_counter() - started)


async def _rounds(ways: dict[str, Publish], callers: int) -> dict[str, float]:
    found = []
    for _ in range(ROUNDS):
        found.append({name: await _rate(publish, callers) for name, publish in ways.items()})
    return medians(found)


@contextlib.asynccontextmanager
async def listening(folder: Path, noted: Callable[[], None]) -> AsyncIterator[tuple[Store, Consumers]]:
    """A store that publishes, and one that listens; `noted` is called by each handler."""
    clock = SystemClock()
    schema = [SchemaFile("0001_entry.sql", ENTRY)]
    async with (
        await SqliteStore.open(folder / "bank.db", schema) as bank,
        await SqliteStore.open(folder / "notes.db", schema) as notes,
    ):

        async def note(event: Opened, tx: Transaction) -> None:
            await tx.execute(INSERT, owner=event.owner, cents=event.cents)
            noted()

        handler = Handler("notes.note", Opened, Codec(Opened), note)
        feed = LocalFeed("bank", "notes", bank.log, shared=False, clock=clock)
        consumers = Consumers(notes, [(feed, [handler])], clock=clock, log=Logger("notes"), options=DispatchOptions())
        yield bank, consumers
        await consumers.stop()


async def _on_its_way(folder: Path) -> float:
    """Median of the milliseconds from before publishing to after the handler's commit."""
    seconds = []
    async with listening(folder, lambda: None) as (bank, consumers):
        publish, metrics = _publisher(bank), consumers.metrics["bank"]
        consumers.start()
        for number in range(ON_ITS_WAY):
            started = time.perf_counter()
            await publish(f"owner {number}")
            while metrics.handled <= number:  # noqa: ASYNC110  (counted after the commit; a sleep would be measured, too)
                await asyncio.sleep(0)
            seconds.append(time.perf_counter() - started)
    return statistics.median(seconds) * 1000


async def _backlog(folder: Path) -> float:
    """Events a second, from a log that is full."""
    async with listening(folder, lambda: None) as (bank, consumers):
        _publisher(bank)
        for start in range(0, BACKLOG, 1000):
            async with bank.transaction() as tx:
                for number in range(start, start + 1000):
                    tx.publish(Opened(owner=f"owner {number % 997}", cents=number), key=f"owner {number % 997}")
        metrics = consumers.metrics["bank"]
        started = time.perf_counter()
        consumers.start()
        while metrics.handled < BACKLOG:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return BACKLOG / (time.perf_counter() - started)


async def _run() -> list[Result]:
    results = []
    with tempfile.TemporaryDirectory() as folder:
        async with sqlite(Path(folder)) as ways:
            many = await _rounds(ways, MANY)
            one = await _rounds(ways, 1)
    for callers, figures, target in ((MANY, many, ">= 0.6"), (1, one, "")):
        ratio = figures["calve"] / figures["group commit"]
        claim = f"row and event on SQLite, {callers} in flight: ours against a bare group-commit loop"
        results.append(result(claim, ratio, "ratio", target, figures))
    async with temporary_database() as ours, temporary_database() as theirs, postgres(ours, theirs) as ways:
        figures = await _rounds(ways, MANY)
    claim = f"row and event on PostgreSQL, {MANY} in flight: ours against asyncpg with two inserts"
    results.append(result(claim, figures["calve"] / figures["asyncpg"], "ratio", ">= 0.7", figures))
    with tempfile.TemporaryDirectory() as folder:
        way = await _on_its_way(Path(folder))
    claim = "event on its way in one process, from before publishing to after the handler's commit, median"
    results.append(result(claim, way, "ms", "<= 3", {"calve": way}))
    with tempfile.TemporaryDirectory() as folder:
        rate = await _backlog(Path(folder))
    results.append(result("backlog of events handled in one process", rate, "events/s", "", {"calve": rate}))
    return results


def run() -> list[Result]:
    """Measure."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run())
