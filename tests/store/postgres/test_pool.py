"""The pool: bounded, first come first served, and it loses nothing when somebody stops waiting."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from calve.store import StoreBusy, StoreUnavailable
from calve.store.postgres.options import PostgresOptions
from calve.store.postgres.pool import Pool
from calve.testing import virtual_time


class Fake:
    """A connection that is nowhere."""

    def __init__(self) -> None:
        self.open = True

    def is_closed(self) -> bool:
        return not self.open

    def terminate(self) -> None:
        self.open = False

    async def close(self, timeout: float) -> None:
        self.open = False


class Maker:
    """Makes connections, or refuses."""

    def __init__(self) -> None:
        self.made: list[Fake] = []
        self.refuses = False

    async def __call__(self) -> Fake:
        await asyncio.sleep(0)
        if self.refuses:
            raise ConnectionRefusedError("nobody there")
        self.made.append(Fake())
        return self.made[-1]


def pool_of(maker: Maker, most: int = 2, **options: Any) -> Pool:
    """A pool of at most so many."""
    return Pool(maker, PostgresOptions(connections_max=most, **options))


async def test_connections_are_made_when_needed_and_used_again() -> None:
    maker = Maker()
    pool = pool_of(maker)
    one = await pool.acquire()
    pool.release(one)
    assert await pool.acquire() is one
    assert await pool.acquire() is not one
    assert (len(maker.made), pool.size, pool.in_use, pool.waiting) == (2, 2, 2, 0)


async def test_who_waits_gets_the_next_in_order() -> None:
    pool = pool_of(Maker(), 1)
    one = await pool.acquire()
    order: list[str] = []

    async def use(name: str) -> None:
        connection = await pool.acquire()
        order.append(name)
        await asyncio.sleep(0)
        pool.release(connection)

    tasks = [asyncio.create_task(use(name)) for name in "abc"]
    await asyncio.sleep(0)
    assert pool.waiting == 3
    pool.release(one)
    await asyncio.gather(*tasks)
    assert order == ["a", "b", "c"]


@pytest.mark.parametrize("gift", ["connection", "place"])
async def test_what_was_given_to_somebody_who_left_goes_on(gift: str) -> None:
    pool = pool_of(Maker(), 1)
    one = await pool.acquire()
    leaving, staying = asyncio.create_task(pool.acquire()), asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    if gift == "connection":
        pool.release(one)
    else:
        pool.drop(one)
    leaving.cancel()
    got = await asyncio.wait_for(staying, 5)
    assert (got is one) is (gift == "connection")
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert pool.size == 1


async def test_a_dropped_connection_makes_a_place_for_another() -> None:
    maker = Maker()
    pool = pool_of(maker, 1)
    one = await pool.acquire()
    waiting = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    pool.drop(one)
    assert await waiting is maker.made[1]
    assert not maker.made[0].open


async def test_a_closed_connection_is_not_given() -> None:
    maker = Maker()
    pool = pool_of(maker)
    one = await pool.acquire()
    pool.release(one)
    one.open = False
    assert await pool.acquire() is maker.made[1]
    assert pool.size == 1


async def test_a_connection_that_cannot_be_made_is_told_to_each() -> None:
    maker = Maker()
    pool = pool_of(maker, 1)
    maker.refuses = True
    results = await asyncio.gather(*(pool.acquire() for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [StoreUnavailable] * 3
    maker.refuses = False
    await pool.acquire()
    assert pool.size == 1


async def test_a_cancelled_opening_leaves_the_place() -> None:
    pool = pool_of(Maker(), 1)
    opening = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await pool.acquire()


@virtual_time
async def test_nobody_waits_for_ever() -> None:
    pool = pool_of(Maker(), 1, wait_seconds=3)
    await pool.acquire()
    with pytest.raises(StoreBusy, match="all 1 connections were in use for 3 s; raise connections_max"):
        await pool.acquire()
    assert pool.waiting == 0


@virtual_time
async def test_idle_connections_are_closed() -> None:
    maker = Maker()
    pool = pool_of(maker, 2, idle_seconds=60)
    one, other = await pool.acquire(), await pool.acquire()
    pool.release(one)
    await asyncio.sleep(40)
    pool.release(other)
    await asyncio.sleep(40)
    assert (one.open, other.open, pool.size) == (False, True, 1)
    await asyncio.sleep(40)
    assert (other.open, pool.size) == (False, 0)
    await pool.close()


async def test_closing_sends_everybody_away() -> None:
    pool = pool_of(Maker(), 2)
    one, other = await pool.acquire(), await pool.acquire()
    pool.release(other)
    taken = await pool.acquire()
    waiting = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    await pool.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await pool.acquire()
    with pytest.raises(StoreUnavailable, match="closed"):
        await waiting
    for connection in (one, taken):
        pool.release(connection)
        assert not connection.open
    assert pool.size == 0
