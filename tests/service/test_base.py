"""The middleware port: the record a middleware gets."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec
import pytest

from calve import Call, CallContext, Contract, Middleware, query
from calve.contract import describe
from calve.service import Proceed


class Shop(Contract, Protocol, version="1.0"):
    @query()
    async def find(self, text: str) -> str: ...


def test_a_call_is_replaced_not_changed() -> None:
    operation = describe(Shop).operations["find"]
    call = Call("shop", operation, operation.request("a"), CallContext("shop.find"))
    with pytest.raises(AttributeError):
        call.request = None  # type: ignore[misc]
    other = msgspec.structs.replace(call, request=operation.request("b"))
    assert (call.request.text, other.request.text) == ("a", "b")


async def test_a_function_is_a_middleware() -> None:
    async def upper(call: Call, proceed: Proceed) -> Any:
        return str(await proceed(call)).upper()

    async def answer(call: Call) -> Any:
        return call.request.text

    middleware: Middleware = upper
    operation = describe(Shop).operations["find"]
    assert await middleware(Call("shop", operation, operation.request("a"), CallContext("")), answer) == "A"
