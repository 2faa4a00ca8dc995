"""The fake beside the port of remote calls: prepared answers, and a record of what was sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Protocol, cast

import pytest

from calve import CallContext, Contract, DomainError, query
from calve.contract import describe
from calve.core.errors import InvalidArgument, Unavailable
from calve.service import RemoteCaller
from calve.testing.fakes.remote import FakeRemote


class Refused(DomainError):
    reason: str


class Shop(Contract, Protocol, version="1.0"):
    @query(raises=[Refused])
    async def find(self, text: str) -> list[str]: ...

    @query()
    def watch(self, text: str) -> AsyncIterator[int]: ...


FIND, WATCH = (describe(Shop).operations[name] for name in ("find", "watch"))


async def call(remote: RemoteCaller, text: Any) -> Any:
    """Find."""
    return await remote.call("shop", FIND, FIND.request(text), CallContext("shop.find"))


def watch(remote: RemoteCaller) -> Any:
    """Watch."""
    return cast(Any, remote.stream("shop", WATCH, WATCH.request("a"), CallContext("shop.watch")))


async def test_answers_are_copies_and_calls_are_kept() -> None:
    answer = ["x"]
    remote = FakeRemote({"shop.find": answer})
    got = await call(remote, "a")
    assert got == answer
    assert got is not answer
    assert remote.requests("shop.find") == [{"text": "a"}]
    assert remote.requests("shop.watch") == []
    assert remote.calls[0].context.operation == "shop.find"


async def test_answers_may_be_functions() -> None:
    async def later(request: Any) -> list[str]:
        return [request.text, "later"]

    assert await call(FakeRemote({"shop.find": lambda request: [request.text]}), "a") == ["a"]
    assert await call(FakeRemote({"shop.find": later}), "a") == ["a", "later"]


async def test_errors_are_raised_and_domain_errors_are_copies() -> None:
    prepared = Refused(reason="no")
    with pytest.raises(Refused) as caught:
        await call(FakeRemote({"shop.find": prepared}), "a")
    assert caught.value == prepared
    assert caught.value is not prepared
    with pytest.raises(Unavailable):
        await call(FakeRemote({"shop.find": Unavailable("gone")}), "a")


async def test_requests_are_checked_like_on_a_wire() -> None:
    remote = FakeRemote({"shop.find": []})
    with pytest.raises(InvalidArgument):
        await call(remote, 5)
    assert remote.calls == []


async def test_what_was_not_prepared_is_named() -> None:
    with pytest.raises(LookupError, match=r"no answer prepared for shop\.find; there are: none"):
        await call(FakeRemote(), "a")


async def test_streams() -> None:
    remote = FakeRemote({"shop.watch": [1, 2, Unavailable("gone")]})
    items = watch(remote)
    assert [await anext(items), await anext(items)] == [1, 2]
    with pytest.raises(Unavailable):
        await anext(items)
    async with aclosing(watch(remote)) as again:
        await anext(again)
    assert remote.closed_streams == 2
