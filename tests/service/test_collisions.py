"""Operations whose transactions collide: they run again as long as they had no effect, and nobody outside sees it."""

from __future__ import annotations

from typing import Any, Protocol, cast

import pytest

from calve import Contract, Unavailable, command, query
from calve.contract.operation import describe
from calve.service import make_stub
from calve.store import StoreConflict, running_attempt
from calve.store.again import ATTEMPTS_MAX
from calve.testing import endpoints_of, virtual_time


class Till(Contract, Protocol, version="1.0"):
    @command()
    async def sell(self, cents: int, *, note: str = "") -> int: ...

    @query()
    async def look(self) -> int: ...


class Log(Contract, Protocol, version="1.0"):
    @command()
    async def write(self, text: str) -> None: ...

    @query()
    async def read(self) -> str: ...


class LogService(Log):
    def __init__(self) -> None:
        self.written: list[str] = []

    async def write(self, text: str) -> None:
        self.written.append(text)

    async def read(self) -> str:
        return ",".join(self.written)


class Shared:
    """What the chain asks of a store that several processes share."""

    exclusive = False


class Exclusive:
    """What it asks of one that is a file."""

    exclusive = True


class TillService(Till):
    """Collides a number of times, after calling somebody else."""

    def __init__(self, collisions: int, log: Log | None = None) -> None:
        self.left, self.log, self.runs = collisions, log, 0

    async def sell(self, cents: int, *, note: str = "") -> int:
        self.runs += 1
        if self.log is not None:
            await (self.log.write(note) if note else self.log.read())
        if self.left:
            self.left -= 1
            raise StoreConflict("collided")
        return cents

    async def look(self) -> int:
        assert running_attempt() is not None
        return await self.sell(1)


def till(service: TillService, store: type[Any] = Shared) -> Till:
    """The stub of a till over a chain."""
    endpoints = endpoints_of(Till, service, store=cast(Any, store()))
    return cast(Till, make_stub(describe(Till), "till", endpoints, hosted=True))


def log_of(service: LogService) -> Log:
    """The stub of a log."""
    return cast(Log, make_stub(describe(Log), "log", endpoints_of(Log, service), hosted=True))


async def test_an_operation_runs_until_it_does_not_collide() -> None:
    service = TillService(2)
    assert await till(service).sell(5) == 5
    assert service.runs == 3
    assert running_attempt() is None


async def test_so_does_a_query() -> None:
    service = TillService(1)
    assert await till(service).look() == 1
    assert service.runs == 2


@virtual_time
async def test_for_the_caller_one_that_never_succeeds_may_be_tried_later() -> None:
    service = TillService(1000)
    with pytest.raises(Unavailable, match=r"till\.sell failed with StoreConflict") as caught:
        await till(service).sell(5)
    assert caught.value.may_have_run
    assert service.runs == ATTEMPTS_MAX


async def test_a_store_that_nobody_shares_costs_nothing() -> None:
    service = TillService(1)
    with pytest.raises(Unavailable):
        await till(service, Exclusive).sell(5)
    assert service.runs == 1


async def test_a_query_called_before_may_be_called_again() -> None:
    log = LogService()
    service = TillService(1, log_of(log))
    assert await till(service).sell(5) == 5
    assert service.runs == 2


async def test_a_command_called_before_is_not_repeated() -> None:
    log = LogService()
    service = TillService(1, log_of(log))
    with pytest.raises(Unavailable):
        await till(service).sell(5, note="sold")
    assert (service.runs, log.written) == (1, ["sold"])


async def test_a_command_of_a_service_elsewhere_counts_too() -> None:
    log = LogService()
    remote = cast(Log, make_stub(describe(Log), "log", endpoints_of(Log, log), hosted=False))
    service = TillService(1, remote)
    with pytest.raises(Unavailable):
        await till(service).sell(5, note="sold")
    assert log.written == ["sold"]
