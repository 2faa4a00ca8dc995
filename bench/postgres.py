"""Transactions on PostgreSQL: ours beside the bare driver and beside SQLAlchemy, each with as many connections.

Two transactions, each durable before its caller goes on; callers are tasks that start the next one at once:

    two inserts      a business row and a log row
    read and write   read a balance, write it back: correct only if nobody else writes in between

    calve            the store, through `transact`: serializable, run again after a collision
    asyncpg          the driver and its pool, READ COMMITTED: reading and writing may lose somebody's update
    serializable     the driver, SERIALIZABLE, in a loop until it does not collide
    SQLAlchemy       async Core over asyncpg, READ COMMITTED

Every round goes through all of them on tables of their own; figures are medians of the rounds. Client and server share
the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import uvloop
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from calve.store import PostgresTarget, SchemaFile, Transaction
from calve.store.postgres import PostgresOptions, PostgresStore
from calve.testing.postgres import temporary_database

from .common import Result, medians, result

CONNECTIONS = 16
MANY = 32
ROUNDS, SECONDS = 7, 0.7
OWNERS = 1000

SCHEMA = """CREATE TABLE wallet (owner TEXT PRIMARY KEY, cents BIGINT NOT NULL);
INSERT INTO wallet SELECT 'o' || i, 0 FROM generate_series(0, 999) AS i;
CREATE TABLE entry (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner TEXT NOT NULL, note TEXT NOT NULL);
CREATE TABLE log (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner TEXT NOT NULL, note TEXT NOT NULL);"""
GET = "SELECT cents FROM wallet WHERE owner = :owner"
PUT = "UPDATE wallet SET cents = :cents WHERE owner = :owner"
ENTRY = "INSERT INTO entry (owner, note) VALUES (:owner, :note)"
LOG = "INSERT INTO log (owner, note) VALUES (:owner, :note)"
NOTE = "x" * 100

Transact = Callable[[str], Awaitable[object]]
Pair = tuple[Transact, Transact]
"""Two inserts; read and write."""


@contextlib.asynccontextmanager
async def calve(target: PostgresTarget) -> AsyncIterator[Pair]:
    """Our store."""
    options = PostgresOptions(connections_max=CONNECTIONS)
    async with await PostgresStore.open(target, [SchemaFile("0001_init.sql", SCHEMA)], options) as store:

        async def insert(owner: str) -> None:
            async def work(tx: Transaction) -> None:
                await tx.execute(ENTRY, owner=owner, note=NOTE)
                await tx.execute(LOG, owner=owner, note=NOTE)

            await store.transact(work)

        async def change(owner: str) -> None:
            async def work(tx: Transaction) -> None:
                cents = await tx.one(GET, int, owner=owner)
                assert cents is not None
                await tx.execute(PUT, owner=owner, cents=cents + 1)

            await store.transact(work)

        yield insert, change


async def _nothing(connection: Any) -> None:
    """Instead of the request with which the pool resets a connection when it comes back; ours sends none either."""


def _numbered(sql: str) -> str:
    return sql.replace(":owner", "$1").replace(":note", "$2").replace(":cents", "$2")


@contextlib.asynccontextmanager
async def driver(target: PostgresTarget, isolation: str | None = None) -> AsyncIterator[Pair]:
    """asyncpg and its pool."""
    get, put, entry, log = map(_numbered, (GET, PUT, ENTRY, LOG))
    pool = await asyncpg.create_pool(
        host=target.host, port=target.port, user=target.user, database=target.database, min_size=CONNECTIONS,
        max_size=CONNECTIONS, reset=_nothing,
    )  # fmt: skip
    await pool.execute(SCHEMA)

    async def insert(owner: str) -> None:
        async with pool.acquire() as connection, connection.transaction(isolation=isolation):
            await connection.execute(entry, owner, NOTE)
            await connection.execute(log, owner, NOTE)

    async def change(owner: str) -> None:
        while True:
            with contextlib.suppress(asyncpg.SerializationError):
                async with pool.acquire() as connection, connection.transaction(isolation=isolation):
                    cents = await connection.fetchval(get, owner)
                    await connection.execute(put, owner, cents + 1)
                return

    yield insert, change
    await pool.close()


@contextlib.asynccontextmanager
async def serializable(target: PostgresTarget) -> AsyncIterator[Pair]:
    """asyncpg in a loop."""
    async with driver(target, "serializable") as pair:
        yield pair


@contextlib.asynccontextmanager
async def sqlalchemy_core(target: PostgresTarget) -> AsyncIterator[Pair]:
    """SQLAlchemy's async engine."""
    url = f"postgresql+asyncpg://{target.user}@{target.host}:{target.port}/{target.database}"
    engine = create_async_engine(url, pool_size=CONNECTIONS, max_overflow=0, pool_timeout=600)
    async with engine.begin() as connection:
        for statement in SCHEMA.split(";\n"):
            await connection.execute(text(statement))
    get, put, entry, log = map(text, (GET, PUT, ENTRY, LOG))

    async def insert(owner: str) -> None:
        async with engine.begin() as connection:
            await connection.execute(entry, {"owner": owner, "note": NOTE})
            await connection.execute(log, {"owner": owner, "note": NOTE})

    async def change(owner: str) -> None:
        async with engine.begin() as connection:
            cents = (await connection.execute(get, {"owner": owner})).scalar_one()
            await connection.execute(put, {"owner": owner, "cents": cents + 1})

    yield insert, change
    await engine.dispose()


STACKS = {"calve": calve, "asyncpg": driver, "serializable": serializable, "SQLAlchemy": sqlalchemy_core}


def run() -> list[Result]:
    """Measure everything."""
    return uvloop.run(_run())


async def _run() -> list[Result]:
    async with contextlib.AsyncExitStack() as opened:
        stacks: dict[str, Pair] = {}
        for name, stack in STACKS.items():
            target = await opened.enter_async_context(temporary_database(prefix="calve_bench"))
            stacks[name] = await opened.enter_async_context(stack(target))
        rounds: dict[tuple[int, int], list[dict[str, float]]] = {}
        names = list(stacks)
        for _ in range(ROUNDS):
            names.append(names.pop(0))  # nobody always runs after the same neighbour
            for kind, callers in itertools.product((0, 1), (1, MANY)):
                figures = {name: await _drive(stacks[name][kind], callers) for name in names}
                rounds.setdefault((kind, callers), []).append(figures)
    return _results({key: medians(figures) for key, figures in rounds.items()})


def _results(figures: dict[tuple[int, int], dict[str, float]]) -> list[Result]:
    results = []
    for (kind, callers), rates in figures.items():
        what = ("two inserts", "read and write")[kind]
        claim = f"PostgreSQL, {what}, {callers} at once, durable transactions/s"
        target = ">= 0.7" if (kind, callers) == (0, MANY) else ""
        results.append(result(f"{claim}: share of asyncpg", rates["calve"] / rates["asyncpg"], "ratio", target, rates))
    return results


async def _drive(transact: Transact, callers: int) -> float:
    """Transactions per second."""
    for _ in range(10):
        await transact("o1")
    clock, done = time.perf_counter, 0
    start = clock()

    async def caller(number: int) -> None:
        nonlocal done
        owners = itertools.count(number, callers)
        while clock() - start < SECONDS:
            await transact(f"o{next(owners) * 37 % OWNERS}")
            done += 1

    await asyncio.gather(*(caller(number) for number in range(callers)))
    return done / (clock() - start)
