"""Doubles of services: called exactly as the real ones would be."""

from __future__ import annotations

from typing import Any, Protocol

import pytest

from calve import Call, Contract, DomainError, query
from calve.core.errors import ConfigError, DeadlineExceeded, InternalError, InvalidArgument
from calve.observe import Registry
from calve.service import Proceed
from calve.testing import VirtualClock, endpoints_of, stub_of, virtual_clock, virtual_time
from calve.testing.fakes.observe import CapturedLogs


class Undeclared(DomainError):
    pass


class Shop(Contract, Protocol, version="1.0"):
    @query(timeout_seconds=3)
    async def find(self, text: str) -> list[str]: ...


class Double(Shop):
    async def find(self, text: str) -> list[str]:
        if text == "raise":
            raise Undeclared
        if text == "wait":
            await virtual_clock().sleep(60)
        return [text]


async def test_a_double_answers_through_the_codec() -> None:
    shop = stub_of(Shop, Double())
    assert await shop.find("a") == ["a"]
    with pytest.raises(InvalidArgument):
        await shop.find(1)  # type: ignore[arg-type]
    with CapturedLogs(), pytest.raises(InternalError):
        await shop.find("raise")


async def test_it_has_to_fit_the_contract() -> None:
    class Missing(Shop):
        pass

    with pytest.raises(ConfigError, match="operation 'find' of Shop is not implemented"):
        stub_of(Shop, Missing())  # type: ignore[abstract]


@virtual_time
async def test_in_virtual_time_its_deadlines_are_virtual() -> None:
    with pytest.raises(DeadlineExceeded):
        await stub_of(Shop, Double()).find("wait")
    assert virtual_clock().monotonic() == pytest.approx(3, abs=0.02)


async def test_everything_around_it_can_be_given() -> None:
    async def twice(call: Call, proceed: Proceed) -> Any:
        return await proceed(call) * 2

    registry, clock = Registry(), VirtualClock()
    shop = stub_of(Shop, Double(), registry=registry, clock=clock, middleware=[twice])
    assert await shop.find("a") == ["a", "a"]
    assert registry.operation("shop", "find", "query", "server").seconds_sum == 0


async def test_its_endpoints_are_what_transports_serve() -> None:
    endpoints = endpoints_of(Shop, Double())
    assert [(e.service, e.operation.key) for e in endpoints.values()] == [("shop", "Shop/1.0/find")]
