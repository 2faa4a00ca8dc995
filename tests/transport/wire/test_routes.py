"""Which of several addresses a call goes to, and how addresses that were away are taken up again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from calve.core.context import CallContext
from calve.testing.loop import virtual_time
from calve.transport.wire import Address

from .conftest import ECHO, Kit, until


class Here:
    """A handler of `echo` that says where it is, once it is released."""

    def __init__(self, name: bytes, *, released: bool = True) -> None:
        self.name, self.started, self.release = name, 0, asyncio.Event()
        if released:
            self.release.set()

    async def __call__(self, context: CallContext, request: Any) -> bytes:
        self.started += 1
        await self.release.wait()
        return self.name


class Moving:
    """A resolver whose answer a test changes."""

    def __init__(self, *addresses: str) -> None:
        self.move(*addresses)

    def move(self, *addresses: str) -> None:
        """From now on the wallet is at these."""
        self.addresses = tuple(map(Address.parse, addresses))

    def resolve(self, service: str) -> Sequence[Address]:
        """See `Resolver`."""
        return self.addresses

    def missing(self, service: str) -> str:
        """See `Resolver`."""
        return "it moved"


async def answers(kit: Kit, client: Any, count: int = 10) -> set[bytes]:
    """Where so many calls, one after the other, were answered."""
    return {await kit.call(client, ECHO, data=b"") for _ in range(count)}


async def until_answers(kit: Kit, client: Any, names: set[bytes]) -> None:
    """Call until every one of these has answered and no other."""
    for _ in range(100):
        if await answers(kit, client) == names:
            return
        await asyncio.sleep(0.1)  # in virtual time
    raise AssertionError(f"never {names}")


@virtual_time
async def test_calls_go_to_the_address_with_the_fewest_in_flight() -> None:
    async with Kit() as kit:
        first, second = Here(b"a"), Here(b"b")
        kit.server("unix:/a", echo=first)
        kit.server("unix:/b", echo=second)
        client = kit.client("unix:/a", "unix:/b")
        await until_answers(kit, client, {b"a", b"b"})
        first.started = second.started = 0
        first.release.clear()
        stuck = [asyncio.ensure_future(kit.call(client, ECHO, data=b"")) for _ in range(20)]
        await until(lambda: first.started + second.started == 20)
        assert (first.started, second.started) == (10, 10), "in turn among equals"
        await until(lambda: sum(call.done() for call in stuck) == 10)
        assert await answers(kit, client) == {b"b"}, "the other one is busy"
        first.release.set()
        await asyncio.gather(*stuck)


@virtual_time
async def test_an_address_that_is_down_is_passed_over() -> None:
    async with Kit() as kit:
        kit.server("unix:/b")
        client = kit.client("unix:/a", "unix:/b")
        for _ in range(10):
            assert await kit.call(client, ECHO, data=b"x") == b"x"
        assert kit.clock.monotonic() < 0.1


@virtual_time
async def test_an_address_that_comes_back_gets_calls_again() -> None:
    async with Kit() as kit:
        kit.server("unix:/a", echo=Here(b"a"))
        old = kit.server("unix:/b", echo=Here(b"b"))
        client = kit.client("unix:/a", "unix:/b")
        await until_answers(kit, client, {b"a", b"b"})
        await old.close()
        assert await answers(kit, client) == {b"a"}
        kit.server("unix:/b", echo=Here(b"b2"))
        await until_answers(kit, client, {b"a", b"b2"})


@virtual_time
async def test_calls_follow_what_the_resolver_says() -> None:
    async with Kit() as kit:
        kit.server("unix:/a", echo=Here(b"a"))
        kit.server("unix:/b", echo=Here(b"b"))
        moving = Moving("unix:/a")
        client = kit.client(resolver=moving)
        assert await answers(kit, client) == {b"a"}
        moving.move("unix:/b")
        assert await answers(kit, client) == {b"b"}, "although the first one answers still"
        moving.move("unix:/b", "unix:/a")
        await until_answers(kit, client, {b"a", b"b"})


@virtual_time
async def test_a_call_in_flight_ends_where_it_began() -> None:
    async with Kit() as kit:
        first = Here(b"a", released=False)
        old = kit.server("unix:/a", echo=first)
        kit.server("unix:/b", echo=Here(b"b"))
        moving = Moving("unix:/a")
        client = kit.client(resolver=moving)
        call = asyncio.ensure_future(kit.call(client, ECHO, data=b""))
        await until(lambda: first.started == 1)
        moving.move("unix:/b")
        assert await answers(kit, client) == {b"b"}
        first.release.set()
        assert await call == b"a"
        await until(lambda: old.connections == 0)
