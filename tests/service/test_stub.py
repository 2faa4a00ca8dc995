"""Stubs: arguments bound as the contract says, contexts made out of the caller's, nothing shared with the callee."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Protocol, cast

import pytest

from calve import CallContext, CallError, Contract, DomainError, Principal, call_options, command, current_call, query
from calve.contract import describe
from calve.core.context import _current
from calve.core.deadline import NEVER
from calve.core.errors import DeadlineExceeded, InternalError, InvalidArgument, PermissionDenied, Unavailable
from calve.core.trace import TraceContext
from calve.observe import Registry, Tracing
from calve.service import make_stub, remote_endpoints
from calve.testing import endpoints_of, stub_of, virtual_clock, virtual_time
from calve.testing.fakes.remote import FakeRemote


class Refused(DomainError):
    rows: list[int]


class Shop(Contract, Protocol, version="1.0"):
    @query(raises=[Refused])
    async def find(self, rows: list[int], limit: int = 10, *, note: str = "") -> list[int]: ...

    @command()
    async def save(self) -> str: ...

    @query()
    def watch(self, rows: list[int]) -> AsyncIterator[list[int]]: ...


class ShopService(Shop):
    """Answers with what it was given, or misbehaves when told."""

    def __init__(self) -> None:
        self.contexts: list[CallContext] = []
        self.rows: list[int] = []
        self.error: BaseException | None = None
        self.answer: Any = None

    async def find(self, rows: list[int], limit: int = 10, *, note: str = "") -> list[int]:
        context = current_call()
        assert context is not None
        self.contexts.append(context)
        self.rows = rows
        if self.error is not None:
            raise self.error
        if self.answer is not None:
            return cast(list[int], self.answer)
        return [*rows, limit, len(note)]

    async def save(self) -> str:
        context = current_call()
        assert context is not None
        self.contexts.append(context)
        return context.idempotency_key

    async def watch(self, rows: list[int]) -> AsyncIterator[list[int]]:
        context = current_call()
        assert context is not None
        self.contexts.append(context)
        self.rows = rows
        yield rows
        if self.error is not None:
            raise self.error
        yield cast(list[int], self.answer)


def elsewhere(remote: FakeRemote) -> Shop:
    """A stub of a shop behind a wire."""
    clock, registry, tracing = virtual_clock(), Registry(), Tracing.off()
    endpoints = remote_endpoints(describe(Shop), "shop", remote, clock=clock, registry=registry, tracing=tracing)
    return cast(Shop, make_stub(describe(Shop), "shop", endpoints, hosted=False))


# --- binding


@virtual_time
async def test_arguments_are_given_as_to_the_method() -> None:
    for shop in (stub_of(Shop, ShopService()), elsewhere(FakeRemote({"shop.find": lambda r: [*r.rows, r.limit, 0]}))):
        assert await shop.find([1]) == [1, 10, 0]
        assert await shop.find([1], 5) == [1, 5, 0]
        assert await shop.find(limit=6, rows=[]) == [6, 0]
    assert await stub_of(Shop, ShopService()).find([], note="abc") == [10, 3]


@virtual_time
async def test_arguments_that_do_not_fit_the_method_are_type_errors() -> None:
    hosted: Any = stub_of(Shop, ShopService())
    remote: Any = elsewhere(FakeRemote())
    for shop in (hosted, remote):
        for args, kwargs in (((), {}), (([], 1, "note"), {}), (([],), {"rows": []}), (([],), {"unknown": 1})):
            with pytest.raises(TypeError, match=r"^shop\.find\(\): "):
                await shop.find(*args, **kwargs)
            with pytest.raises(TypeError, match=r"^shop\.watch\(\): "):
                shop.watch(*args, **{**kwargs, "unknown": 1})


@virtual_time
async def test_a_stub_shows_its_service_and_has_the_contract_as_base() -> None:
    shop = stub_of(Shop, ShopService())
    assert repr(shop) == "<shop>"
    assert Shop in type(shop).__mro__


# --- arguments and answers


@virtual_time
async def test_nothing_is_shared_with_the_implementation() -> None:
    service, rows = ShopService(), [1]
    shop = stub_of(Shop, service)
    service.answer = answer = [7]
    got = await shop.find(rows)
    assert service.rows == rows
    assert service.rows is not rows
    assert got == answer
    assert got is not answer
    async with aclosing(cast(Any, shop.watch(rows))) as items:
        first = await anext(items)
    assert first == rows
    assert first is not service.rows is not rows


@virtual_time
async def test_an_invalid_argument_is_refused_before_the_operation() -> None:
    service = ShopService()
    shop: Any = stub_of(Shop, service)
    with pytest.raises(InvalidArgument) as caught:
        await shop.find([1, "x"])
    assert (caught.value.field, caught.value.operation) == ("$.rows[1]", "shop.find")
    assert not caught.value.may_have_run
    with pytest.raises(InvalidArgument) as streamed:
        await anext(shop.watch(["x"]))
    assert (streamed.value.field, streamed.value.operation) == ("$.rows[0]", "shop.watch")
    assert service.contexts == []


@virtual_time
async def test_an_invalid_answer_is_the_callees_fault() -> None:
    service = ShopService()
    service.answer = ["x"]
    shop = stub_of(Shop, service)
    with pytest.raises(
        InternalError, match=r"shop\.find answered with something its contract does not allow"
    ) as caught:
        await shop.find([])
    assert (caught.value.operation, caught.value.may_have_run) == ("shop.find", True)
    items = shop.watch([])
    assert await anext(items) == []
    with pytest.raises(InternalError, match=r"shop\.watch answered with something"):
        await anext(items)


@virtual_time
async def test_what_would_be_too_large_for_a_wire_is_refused_here_too() -> None:
    service = ShopService()
    shop = make_stub(describe(Shop), "shop", endpoints_of(Shop, service), hosted=True, message_bytes_max=100)
    assert await shop.find([1] * 50) == [*[1] * 50, 10, 0]
    with pytest.raises(InvalidArgument, match="the limit is 100"):
        await shop.find([1] * 200)
    service.answer = [1] * 200
    with pytest.raises(InternalError, match="the limit is 100"):
        await shop.find([])
    items = shop.watch([])
    assert await anext(items) == []
    with pytest.raises(InternalError, match="the limit is 100"):
        await anext(items)
    with pytest.raises(InvalidArgument, match="the limit is 100"):
        await anext(shop.watch([1] * 200))


@virtual_time
async def test_errors_carry_the_operation_that_was_called() -> None:
    for error in (PermissionDenied("no"), Unavailable("gone")):
        service = ShopService()
        service.error = error
        hosted, remote = stub_of(Shop, service), elsewhere(FakeRemote({"shop.find": error, "shop.watch": [[1], error]}))
        for shop in (hosted, remote):
            error.operation = None
            with pytest.raises(CallError) as caught:
                await shop.find([])
            assert caught.value.operation == "shop.find"
            error.operation = None
            items = shop.watch([1])
            assert await anext(items) == [1]
            with pytest.raises(CallError) as streamed:
                await anext(items)
            assert streamed.value.operation == "shop.watch"


@virtual_time
async def test_a_domain_error_is_a_copy() -> None:
    service, rows = ShopService(), [1]
    service.error = Refused(rows=rows)
    with pytest.raises(Refused) as caught:
        await stub_of(Shop, service).find([])
    assert caught.value == service.error
    assert caught.value.rows is not rows


# --- contexts


@virtual_time
async def test_outside_of_any_call_a_new_context_begins() -> None:
    service = ShopService()
    shop = stub_of(Shop, service)
    await shop.find([])
    await anext(shop.watch([]))
    for context in service.contexts:
        assert (context.principal, context.given_key, context.given_trace) == (None, None, None)
        assert context.deadline < NEVER


@virtual_time
async def test_deadline_principal_and_trace_go_on_with_the_call() -> None:
    service, remote, alice = ShopService(), FakeRemote({"shop.find": [], "shop.watch": [[]]}), Principal("alice")
    with call_options(timeout_seconds=3, principal=alice, clock=virtual_clock()) as outer:
        outer.trace = TraceContext.root()
        for shop in (stub_of(Shop, service), elsewhere(remote)):
            await shop.find([])
            await anext(shop.watch([]))
    contexts = service.contexts + [call.context for call in remote.calls]
    assert len(contexts) == 4
    for context in contexts:
        assert (context.deadline, context.principal, context.trace) == (3, alice, outer.trace)


@virtual_time
async def test_a_key_is_for_commands_made_directly_inside_the_block() -> None:
    service, remote = ShopService(), FakeRemote({"shop.find": [], "shop.save": lambda r: "saved"})
    for shop in (stub_of(Shop, service), elsewhere(remote)):
        with call_options(idempotency_key="k1"):
            await shop.save()
            await shop.find([])
        await shop.save()
    assert [context.given_key == "k1" for context in service.contexts] == [True, False, False]
    assert [call.context.given_key for call in remote.calls] == ["k1", None, None]


@virtual_time
async def test_a_commands_own_key_is_never_passed_on() -> None:
    class Front(ShopService):
        async def save(self) -> str:
            return await inner.save()

    inner = stub_of(Shop, ShopService())
    with call_options(idempotency_key="k1"):
        assert await stub_of(Shop, Front()).save() != "k1"


@virtual_time
async def test_a_tighter_deadline_of_the_caller_holds_in_the_callee() -> None:
    class Slow(ShopService):
        async def save(self) -> str:
            await virtual_clock().sleep(100)
            return "late"

    with call_options(timeout_seconds=1, clock=virtual_clock()), pytest.raises(DeadlineExceeded) as caught:
        await stub_of(Shop, Slow()).save()
    assert caught.value.operation == "shop.save"
    assert virtual_clock().monotonic() == pytest.approx(1, abs=0.02)


@virtual_time
async def test_a_stream_that_is_left_early_is_closed() -> None:
    remote = FakeRemote({"shop.watch": [[1], [2]]})
    async with aclosing(cast(Any, elsewhere(remote).watch([]))) as items:
        await anext(items)
    assert remote.closed_streams == 1


@virtual_time
async def test_the_caller_is_the_running_operation_or_else_whoever_has_the_stub() -> None:
    remote = FakeRemote({"shop.find": [], "shop.save": "", "shop.watch": [[1]]})
    info = describe(Shop)
    parts: dict[str, Any] = {"clock": virtual_clock(), "registry": Registry(), "tracing": Tracing.off()}
    elsewhere = make_stub(info, "shop", remote_endpoints(info, "shop", remote, **parts), hosted=False, caller="till")
    service = ShopService()
    here = make_stub(info, "shop", endpoints_of(Shop, service), hosted=True, caller="till")

    async def calls() -> None:
        for stub in (elsewhere, here):
            await stub.find([])
            await stub.save()
        async with aclosing(elsewhere.watch([])) as items:
            await anext(items)

    await calls()
    with call_options(idempotency_key="k"):
        await calls()
    token = _current.set(CallContext("desk.ask"))
    try:
        await calls()
    finally:
        _current.reset(token)
    assert [call.context.caller for call in remote.calls] == ["till"] * 6 + ["desk.ask"] * 3
    assert [context.caller for context in service.contexts] == ["till"] * 4 + ["desk.ask"] * 2


@virtual_time
async def test_a_block_of_call_options_has_the_caller_of_its_operation() -> None:
    outer = CallContext("desk.ask")
    outer.caller = "till.sell"
    token = _current.set(outer)
    try:
        with call_options(timeout_seconds=1) as inner:
            assert (inner.operation, inner.caller) == ("desk.ask", "till.sell")
    finally:
        _current.reset(token)
