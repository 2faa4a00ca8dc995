"""A bank behind the chain, over a store in memory, whose method a test can stop anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Protocol

import pytest

from calve import CallContext, Clock, Contract, DomainError, Principal, Store, command, query
from calve.store import PostgresTarget, SchemaFile, SqliteStore
from calve.store.postgres import PostgresStore
from calve.testing import endpoints_of
from calve.testing.postgres import Missing, temporary_database

_TABLE = "CREATE TABLE entry (number INTEGER PRIMARY KEY {numbers}, owner TEXT NOT NULL, cents INTEGER NOT NULL);"
SCHEMA = SchemaFile("0001_bank.sql", _TABLE.format(numbers=""))
POSTGRES = SchemaFile("0001_bank.postgres.sql", _TABLE.format(numbers="GENERATED ALWAYS AS IDENTITY"))
TOTAL = "SELECT coalesce(sum(cents), 0) FROM entry WHERE owner = :owner"


class Blocked(DomainError):
    reason: str


class Undeclared(DomainError):
    pass


class Bank(Contract, Protocol, version="1.0"):
    @command(raises=[Blocked], timeout_seconds=10)
    async def pay(self, owner: str, cents: int = 1) -> int: ...

    @command(raises=[Blocked])
    async def touch(self, owner: str) -> None: ...

    @command(idempotent=True)
    async def open(self, owner: str) -> int: ...

    @command()
    def watch(self, owner: str) -> AsyncIterator[int]: ...

    @query()
    async def total(self, owner: str) -> int: ...


async def nothing() -> None:
    """What happens at a point of the method unless a test wants something."""


class BankService(Bank):
    """Pays in one transaction; `before`, `inside` and `after` it a test can do something."""

    def __init__(self, store: Store | None) -> None:
        self.store = store
        self.runs = 0
        self.answers_inside = False
        self.before: Callable[[], Awaitable[Any]] = nothing
        self.inside: Callable[[], Awaitable[Any]] = nothing
        self.after: Callable[[], Awaitable[Any]] = nothing

    async def pay(self, owner: str, cents: int = 1) -> int:
        self.runs += 1
        await self.before()
        if self.store is None:
            return self.runs
        async with self.store.transaction() as tx:
            await tx.execute("INSERT INTO entry (owner, cents) VALUES (:owner, :cents)", owner=owner, cents=cents)
            total = await tx.one(TOTAL, int, owner=owner)
            assert total is not None
            if self.answers_inside:
                await tx.answer(total)
            await self.inside()
        await self.after()
        return total

    async def touch(self, owner: str) -> None:
        await self.pay(owner)

    async def open(self, owner: str) -> int:
        return await self.pay(owner)

    async def watch(self, owner: str) -> AsyncIterator[int]:
        yield await self.pay(owner)

    async def total(self, owner: str) -> int:
        self.runs += 1
        assert self.store is not None
        return await self.store.one(TOTAL, int, owner=owner) or 0


class BankBehindChain:
    """One process of the bank; `restarted` is the next one, over the same store."""

    def __init__(self, store: Store | None, clock: Clock | None = None) -> None:
        self.store, self.clock, self.service = store, clock, BankService(store)
        self.endpoints = endpoints_of(Bank, self.service, store=store, clock=clock)

    def restarted(self) -> BankBehindChain:
        """A process that has forgotten everything but what is in the store."""
        return BankBehindChain(self.store, self.clock)

    async def call(
        self, operation: str, *args: Any, key: str | None = "k1", subject: str | None = None, **options: Any
    ) -> Any:
        """Call as a transport does."""
        return (await self.called(operation, *args, key=key, subject=subject, **options))[0]

    async def called(
        self, operation: str, *args: Any, key: str | None = "k1", subject: str | None = None, **options: Any
    ) -> tuple[Any, bool]:
        """The answer, and whether it is a repeated one."""
        principal = None if subject is None else Principal(subject)
        context = CallContext("", principal=principal, key=key, **options)
        endpoint = self.endpoints[operation]
        answer = await endpoint.handle(context, endpoint.operation.request(*args))
        return answer, context.replayed

    async def pay(self, *args: Any, **options: Any) -> int:
        """Pay, under key k1 unless told otherwise."""
        answer = await self.call("pay", *(args or ("ada",)), **options)
        assert isinstance(answer, int)
        return answer

    async def paid(self, owner: str = "ada") -> int:
        """What was paid, according to the database."""
        assert self.store is not None
        return await self.store.one(TOTAL, int, owner=owner) or 0


def failing(error: BaseException) -> Callable[[], Awaitable[Any]]:
    """Something to do at a point of the method: raise."""

    async def fail() -> None:
        raise error

    return fail


class Gate:
    """A point where the method waits for the test."""

    def __init__(self) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> None:
        self.reached.set()
        await self.opened.wait()


@pytest.fixture(scope="session")
def bank_database() -> Iterator[PostgresTarget]:
    """A database on a server, made once."""
    with asyncio.Runner() as runner:
        made = temporary_database(prefix="calve_bank")
        try:
            target = runner.run(made.__aenter__())
        except Missing as missing:
            pytest.skip(str(missing))
        yield target
        runner.run(made.__aexit__(None, None, None))


@pytest.fixture(params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest) -> PostgresTarget | None:
    """Where the store is; None for a file in memory."""
    return None if request.param == "sqlite" else request.getfixturevalue("bank_database")


@pytest.fixture
async def store(server: PostgresTarget | None) -> AsyncIterator[Store]:
    """A real, empty store."""
    if server is None:
        async with await SqliteStore.memory([SCHEMA]) as opened:
            yield opened
        return
    async with await PostgresStore.open(server, [POSTGRES]) as served:
        for table in ("entry", "calve_idempotency"):
            async with served.transaction() as tx:
                await tx.execute(f"DELETE FROM {table}")
        yield served


@pytest.fixture
async def bank(store: Store) -> BankBehindChain:
    """A bank with a store."""
    return BankBehindChain(store)
