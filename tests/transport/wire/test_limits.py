"""Calls that are too large or too many; over a pipe in memory and in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from calve.core.context import CallContext
from calve.core.errors import (
    InternalError,
    InvalidArgument,
    Overloaded,
)
from calve.testing.loop import virtual_time
from calve.transport.wire import WireOptions

from .conftest import DEBIT, ECHO, OWNER, Balance, InsufficientFunds, Kit, until


@virtual_time
async def test_a_request_beyond_the_servers_limit_is_refused_before_it_is_sent() -> None:
    async with Kit() as kit:
        kit.server(options=WireOptions(frame_bytes_max=10_000))
        client = kit.client()
        with pytest.raises(InvalidArgument, match=r"wallet\.echo takes 10\d\d\d bytes .* limit is 10000") as caught:
            await kit.call(client, ECHO, data=b"x" * 10_000)
        assert caught.value.may_have_run is False
        assert await kit.call(client, ECHO, data=b"x" * 9_900) == b"x" * 9_900


@virtual_time
async def test_an_answer_beyond_the_clients_limit_is_an_internal_error() -> None:
    async with Kit() as kit:
        kit.server()
        client = kit.client(options=WireOptions(frame_bytes_max=10_000))
        with pytest.raises(InternalError, match=r"takes 20\d\d\d bytes .* limit is 10000"):
            await kit.call(client, ECHO, data=b"x" * 20_000)
        assert await kit.call(client, ECHO, data=b"ok") == b"ok"


@virtual_time
async def test_the_longest_errors_fit_into_the_smallest_frames() -> None:
    async def echo(context: CallContext, request: Any) -> bytes:
        raise InvalidArgument("é" * 100_000, field="é" * 100_000)

    async def debit(context: CallContext, request: Any) -> Balance:
        raise InsufficientFunds(missing_cents=10**10)

    async with Kit() as kit:
        kit.server(echo=echo, debit=debit)
        client = kit.client(options=WireOptions(frame_bytes_max=4096))
        with pytest.raises(InvalidArgument, match=r"é{800}…") as caught:
            await kit.call(client, ECHO, data=b"")
        assert len(caught.value.field) == 101
        with pytest.raises(InsufficientFunds):
            await kit.call(client, DEBIT, owner=OWNER, cents=1)


@virtual_time
async def test_more_calls_than_the_server_takes_are_refused_before_they_are_sent() -> None:
    release = asyncio.Event()

    async def echo(context: CallContext, request: Any) -> bytes:
        await release.wait()
        return b""

    async with Kit() as kit:
        server = kit.server(echo=echo, options=WireOptions(calls_max=3))
        client = kit.client()
        running = [asyncio.ensure_future(kit.call(client, ECHO, data=b"")) for _ in range(3)]
        await until(lambda: server.running == 3)
        with pytest.raises(Overloaded) as caught:
            await kit.call(client, ECHO, data=b"")
        assert caught.value.may_have_run is False
        release.set()
        await asyncio.gather(*running)
        assert await kit.call(client, ECHO, data=b"") == b""


@virtual_time
async def test_too_many_bytes_in_flight_are_refused() -> None:
    release = asyncio.Event()

    async def echo(context: CallContext, request: Any) -> bytes:
        await release.wait()
        return b""

    async with Kit() as kit:
        server = kit.server(echo=echo, options=WireOptions(request_bytes_max=250_000))
        client = kit.client()
        running = [asyncio.ensure_future(kit.call(client, ECHO, data=b"x" * 100_000)) for _ in range(2)]
        await until(lambda: server.running == 2)
        with pytest.raises(Overloaded, match="request_bytes_max = 250000"):
            await kit.call(client, ECHO, data=b"x" * 100_000)
        release.set()
        await asyncio.gather(*running)
        assert await kit.call(client, ECHO, data=b"x" * 200_000) == b""
