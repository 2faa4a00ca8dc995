"""What an idempotency key costs: the same durable command with and without one, in a table that has many marks already.

The command writes one row; its mark goes into the same transaction. Calls go through the whole chain of the service, as
they do from the wire and from REST. Every round goes through all variants, each on a database of its own that holds
`MARKS` marks from before, with keys of the variant's kind; figures are medians of the rounds.

    no key                   the command alone
    random keys              a key without order (UUID version 4): its mark lands anywhere in the index
    time-ordered keys        a key that begins with the time (as Calve makes them; UUID version 7): beside the last one
    answer in transaction    time-ordered, with `tx.answer`: mark, effect and answer in one commit instead of two
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

import uvloop

from calve import Contract, Store, command
from calve.contract import Endpoint, describe
from calve.core.context import CallContext
from calve.core.ids import new_id
from calve.store import SchemaFile, SqliteStore
from calve.testing import endpoints_of
from calve.testing.postgres import temporary_database

from .common import Result, medians, result

MARKS = 200_000
ROUNDS, SECONDS = 7, 0.5
MANY = 64

SCHEMA = "CREATE TABLE entry (owner TEXT NOT NULL, cents BIGINT NOT NULL);"
MARK = """INSERT INTO calve_idempotency (scope, key, fingerprint, owner, answer, error, due_ms, expires_ms)
VALUES ('debit', :key, '1.0:0123456789abcdef0123456789abcdef', 'earlier', :answer, NULL, 0, :expires)"""
HOUR_MS = 3_600_000


class Till(Contract, Protocol, version="1.0"):
    """One command, that answers."""

    @command()
    async def debit(self, owner: str, cents: int) -> int:
        """Write a row."""
        ...


class TillService(Till):
    """Over a store."""

    def __init__(self, store: Store, together: bool) -> None:
        self._store, self._together = store, together

    async def debit(self, owner: str, cents: int) -> int:
        async with self._store.transaction() as tx:
            await tx.execute("INSERT INTO entry (owner, cents) VALUES (:owner, :cents)", owner=owner, cents=cents)
            return await tx.answer(cents) if self._together else cents


class Variant(NamedTuple):
    """One way to call."""

    key: Callable[[], str | None]
    together: bool = False


VARIANTS = {
    "no key": Variant(lambda: None),
    "random keys": Variant(lambda: uuid4().hex),
    "time-ordered keys": Variant(lambda: new_id().hex),
    "answer in transaction": Variant(lambda: new_id().hex, together=True),
}


class Figures(NamedTuple):
    """Of one variant."""

    rate: float
    """Calls per second."""
    bytes: float
    """Written by this process for one call."""


Call = Callable[[], Awaitable[object]]
OpenStore = Callable[[str], contextlib.AbstractAsyncContextManager[Store]]


@contextlib.asynccontextmanager
async def sqlite(folder: Path, name: str) -> AsyncIterator[Store]:
    """A file of its own."""
    async with await SqliteStore.open(folder / f"{name}.db", [SchemaFile("0001_init.sql", SCHEMA)]) as store:
        yield store


@contextlib.asynccontextmanager
async def postgres(name: str) -> AsyncIterator[Store]:
    """A database of its own."""
    from calve.store.postgres import PostgresOptions, PostgresStore

    async with temporary_database(prefix="calve_bench") as target:
        options = PostgresOptions(connections_max=16)
        async with await PostgresStore.open(target, [SchemaFile("0001_init.sql", SCHEMA)], options) as store:
            yield store


async def _prepared(store: Store, variant: Variant) -> Call:
    """Fill the table of marks, and give what makes one call."""
    expires = int(time.time() * 1000) + HOUR_MS
    make = variant.key if variant.key() is not None else lambda: new_id().hex
    rows = ({"key": make(), "answer": b"\x05", "expires": expires + i} for i in range(MARKS))
    while batch := list(itertools.islice(rows, 10_000)):
        async with store.transaction() as tx:
            await tx.execute_many(MARK, batch)
    implementation = TillService(store, variant.together)
    endpoint: Endpoint = endpoints_of(Till, implementation, store=store)["debit"]
    request: Any = describe(Till).operations["debit"].request

    async def call() -> object:
        return await endpoint.handle(CallContext("till.debit", key=variant.key()), request("ada", 5))

    return call


def run() -> list[Result]:
    """Measure everything."""
    return uvloop.run(_run())


async def _run() -> list[Result]:
    # Not in the usual directory for temporary files: that may be in memory, which costs nothing like a disk.
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent / "results") as folder:
        on_sqlite = await _measure(lambda name: sqlite(Path(folder), name))
    results = _results("SQLite", on_sqlite)
    written = {name: figures.bytes for name, figures in on_sqlite[MANY].items()}
    if all(written.values()):
        claim = f"SQLite, bytes written for a command, {MANY} at once: random keys against time-ordered ones"
        results.append(result(claim, written["random keys"] / written["time-ordered keys"], "ratio", "", written))
    return [*results, *_results("PostgreSQL", await _measure(postgres))]


async def _measure(open_store: OpenStore) -> dict[int, dict[str, Figures]]:
    """By how many calls are made at once, then by variant."""
    rounds: dict[int, list[dict[str, Figures]]] = {1: [], MANY: []}
    async with contextlib.AsyncExitStack() as opened:
        calls = {}
        for name, variant in VARIANTS.items():
            calls[name] = await _prepared(await opened.enter_async_context(open_store(name)), variant)
        names = list(calls)
        for _ in range(ROUNDS):
            names.append(names.pop(0))  # nobody always runs after the same neighbour
            for callers, figures in rounds.items():
                figures.append({name: await _drive(calls[name], callers) for name in names})
    return {callers: _medians(figures) for callers, figures in rounds.items()}


def _medians(rounds: list[dict[str, Figures]]) -> dict[str, Figures]:
    rates = medians({name: figures.rate for name, figures in each.items()} for each in rounds)
    written = medians({name: figures.bytes for name, figures in each.items()} for each in rounds)
    return {name: Figures(rates[name], written[name]) for name in rates}


async def _drive(call: Call, callers: int) -> Figures:
    for _ in range(10):
        await call()
    clock, done = time.perf_counter, 0
    start, before = clock(), _written()

    async def caller() -> None:
        nonlocal done
        while clock() - start < SECONDS:
            await call()
            done += 1

    await asyncio.gather(*(caller() for _ in range(callers)))
    return Figures(done / (clock() - start), (_written() - before) / done)


def _written() -> int:
    """Bytes this process has given to the system to write; 0 where it does not tell."""
    try:
        lines = Path("/proc/self/io").read_text().splitlines()
    except OSError:
        return 0
    return int(next(line for line in lines if line.startswith("wchar")).split()[1])


def _results(database: str, figures: dict[int, dict[str, Figures]]) -> list[Result]:
    results = []
    for callers, by_name in figures.items():
        rates = {name: each.rate for name, each in by_name.items()}
        claim = f"{database}, commands/s with an idempotency key, {callers} at once"
        for name, variant in (("time-ordered keys", ""), ("answer in transaction", ", `tx.answer`")):
            share = rates[name] / rates["no key"]
            results.append(result(f"{claim}{variant}: share of without", share, "ratio", "", rates))
    times = rates["time-ordered keys"] / rates["random keys"]
    results.append(result(f"{claim}: time-ordered keys against random ones", times, "ratio", "", rates))
    return results
