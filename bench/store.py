"""Durable SQLite transactions: ours beside what a Python service does today, and beside the limit of the disk.

Each transaction reads a balance, writes it back and is durable (`synchronous=FULL`, write-ahead log) before its caller
goes on. Callers are tasks that start the next transaction when the last one is acknowledged. Every round goes through
all of them on files of their own, so that a slow moment of the disk hits everybody; figures are medians of the rounds,
and for one caller, whose time is nearly all the disk's, the ratio is the median of the rounds' ratios.

    calve             the store, as services use it
    sqlite3 thread    the standard library in one thread, a transaction per hop and per commit
    apsw direct       apsw on the event loop's thread, a commit each: no thread, nobody else can run meanwhile
    limit             apsw directly, 512 transactions per commit, no tasks: what is left when nothing is in the way
    aiosqlite         a connection and a lock
    SQLAlchemy        async Core over aiosqlite, one connection, BEGIN IMMEDIATE
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiosqlite
import apsw
import uvloop
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import create_async_engine

from calve.store import SchemaFile, SqliteStore

from .common import Result, medians, result

MANY = 512
ROUNDS_MANY, SECONDS_MANY = 3, 1.0
ROUNDS_ONE, SECONDS_ONE = 50, 0.1  # short, because a disk's mood changes faster than anything else here
OWNERS = 1000

SCHEMA = """CREATE TABLE wallet (owner TEXT PRIMARY KEY, cents INTEGER NOT NULL) STRICT, WITHOUT ROWID;
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
INSERT INTO wallet SELECT 'o' || i, 0 FROM n;
CREATE TABLE filler AS SELECT zeroblob(20000000);"""
"""The filler brings the log to its full length: while that grows, commits wait for the file system's journal too."""
GET = "SELECT cents FROM wallet WHERE owner = :owner"
PUT = "UPDATE wallet SET cents = :cents WHERE owner = :owner"
SETTINGS = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA wal_autocheckpoint = 4000")

Transact = Callable[[str], Awaitable[object]]


@contextlib.asynccontextmanager
async def calve(path: Path) -> AsyncIterator[Transact]:
    """Our store."""
    async with await SqliteStore.open(path, [SchemaFile("0001_init.sql", SCHEMA)]) as store:

        async def transact(owner: str) -> None:
            async with store.transaction() as tx:
                cents = await tx.one(GET, int, owner=owner)
                assert cents is not None
                await tx.execute(PUT, owner=owner, cents=cents + 1)

        yield transact


@contextlib.asynccontextmanager
async def sqlite3_thread(path: Path) -> AsyncIterator[Transact]:
    """The standard library in a thread."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for setting in SETTINGS:
        connection.execute(setting)
    connection.executescript(SCHEMA)
    loop, thread = asyncio.get_running_loop(), ThreadPoolExecutor(1)

    def work(owner: str) -> None:
        connection.execute("BEGIN IMMEDIATE")
        (cents,) = connection.execute(GET, {"owner": owner}).fetchone()
        connection.execute(PUT, {"owner": owner, "cents": cents + 1})
        connection.execute("COMMIT")

    yield lambda owner: loop.run_in_executor(thread, work, owner)
    thread.shutdown()
    connection.close()


def _apsw(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    for setting in (*SETTINGS, SCHEMA):
        connection.execute(setting).fetchall()
    return connection


@contextlib.asynccontextmanager
async def apsw_direct(path: Path) -> AsyncIterator[Transact]:
    """apsw on the loop's thread."""
    connection = _apsw(path)
    cursor: Any = connection.cursor()

    async def transact(owner: str) -> None:
        cursor.execute("BEGIN IMMEDIATE")
        ((cents,),) = cursor.execute(GET, {"owner": owner}).fetchall()
        cursor.execute(PUT, {"owner": owner, "cents": cents + 1})
        cursor.execute("COMMIT")

    yield transact
    connection.close()


@contextlib.asynccontextmanager
async def aiosqlite_lock(path: Path) -> AsyncIterator[Transact]:
    """aiosqlite: a hop per statement; a lock, because a connection has one transaction at a time."""
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        for setting in SETTINGS:
            await connection.execute(setting)
        await connection.executescript(SCHEMA)
        lock = asyncio.Lock()

        async def transact(owner: str) -> None:
            async with lock:
                await connection.execute("BEGIN IMMEDIATE")
                async with connection.execute(GET, {"owner": owner}) as cursor:
                    row = await cursor.fetchone()
                assert row is not None
                await connection.execute(PUT, {"owner": owner, "cents": row[0] + 1})
                await connection.commit()

        yield transact


@contextlib.asynccontextmanager
async def sqlalchemy_core(path: Path) -> AsyncIterator[Transact]:
    """SQLAlchemy's async engine; more than one connection would only make them wait for each other inside SQLite."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}", pool_size=1, max_overflow=0, pool_timeout=600)

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for statement in (*SETTINGS, *SCHEMA.split(";")):
            cursor.execute(statement)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    get, put = text(GET), text(PUT)

    async def transact(owner: str) -> None:
        async with engine.begin() as connection:
            cents = (await connection.execute(get, {"owner": owner})).scalar_one()
            await connection.execute(put, {"owner": owner, "cents": cents + 1})

    yield transact
    await engine.dispose()


STACKS = {
    "calve": calve,
    "sqlite3 thread": sqlite3_thread,
    "apsw direct": apsw_direct,
    "aiosqlite": aiosqlite_lock,
    "SQLAlchemy": sqlalchemy_core,
}


def run() -> list[Result]:
    """Measure everything."""
    return uvloop.run(_run())


async def _run() -> list[Result]:
    # Not in the usual directory for temporary files: that may be in memory, which costs nothing like a disk.
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent / "results") as folder:
        async with contextlib.AsyncExitStack() as opened:
            stacks = {
                name: await opened.enter_async_context(stack(Path(folder, f"{name}.db")))
                for name, stack in STACKS.items()
            }
            limit = _apsw(Path(folder, "limit.db"))
            one, many, waits = [], [], []
            names = list(stacks)
            for _ in range(ROUNDS_ONE):
                names.append(names.pop(0))  # nobody always runs after the same neighbour
                one.append({name: (await _drive(stacks[name], 1, SECONDS_ONE))[0] for name in names})
            for _ in range(ROUNDS_MANY):
                figures = {name: await _drive(transact, MANY, SECONDS_MANY) for name, transact in stacks.items()}
                many.append({name: rate for name, (rate, _) in figures.items()} | {"limit": _limit(limit)})
                waits.append({name: p99 for name, (_, p99) in figures.items()})
            limit.close()
    return _results(one, medians(many), medians(waits))


def _results(one: list[dict[str, float]], many: dict[str, float], waits: dict[str, float]) -> list[Result]:
    ours, claim = many["calve"], f"SQLite, {MANY} callers, durable transactions/s"
    return [
        result(f"{claim}: times one commit each", ours / many["sqlite3 thread"], "ratio", ">= 5", many),
        result(f"{claim}: times SQLAlchemy", ours / many["SQLAlchemy"], "ratio", ">= 15", many),
        result(f"{claim}: share of the limit", ours / many["limit"], "ratio", "", many),
        result(f"SQLite, {MANY} callers, slowest in a hundred", waits["calve"], "ms", "", waits),
        result(
            "SQLite, 1 caller, durable transactions/s: times sqlite3 in a thread",
            statistics.median(each["calve"] / each["sqlite3 thread"] for each in one),
            "ratio",
            ">= 1",
            medians(one),
        ),
    ]


async def _drive(transact: Transact, callers: int, seconds: float) -> tuple[float, float]:
    """Transactions per second, and the 99th percentile of what a caller waits, in milliseconds."""
    for _ in range(20):
        await transact("o1")
    waits: list[float] = []
    clock = time.perf_counter
    start = clock()
    until = start + seconds

    async def caller(number: int) -> None:
        owner, now = f"o{number % OWNERS}", clock()
        while now < until:
            before = now
            await transact(owner)
            now = clock()
            waits.append(now - before)
            if callers == 1:
                await asyncio.sleep(0)

    await asyncio.gather(*(caller(number) for number in range(callers)))
    took = clock() - start
    waits.sort()
    return len(waits) / took, waits[len(waits) * 99 // 100] * 1000


def _limit(connection: apsw.Connection) -> float:
    cursor: Any = connection.cursor()
    clock = time.perf_counter
    owners, done, start = itertools.cycle(f"o{i}" for i in range(OWNERS)), 0, clock()
    while clock() - start < SECONDS_MANY:
        cursor.execute("BEGIN IMMEDIATE")
        for owner in itertools.islice(owners, MANY):
            ((cents,),) = cursor.execute(GET, {"owner": owner}).fetchall()
            cursor.execute(PUT, {"owner": owner, "cents": cents + 1})
        cursor.execute("COMMIT")
        done += MANY
    return done / (clock() - start)
