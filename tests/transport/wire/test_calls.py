"""One call and what it can come to, over a pipe in memory and in virtual time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from calve.core.context import CallContext, Principal
from calve.core.errors import (
    CALL_ERRORS,
    CallError,
    DeadlineExceeded,
    InternalError,
    InvalidArgument,
    Unavailable,
    UnknownOperation,
)
from calve.core.idempotency import REPLAYED
from calve.core.trace import TraceContext
from calve.testing.loop import virtual_time
from calve.transport.wire import Address
from calve.transport.wire.frames import Request

from .conftest import DEBIT, ECHO, ECHO_BODY, OWNER, Balance, InsufficientFunds, Kit, RawPeer, Undeclared, until


@virtual_time
async def test_an_answer_comes_back_as_it_was_given() -> None:
    async with Kit() as kit:
        kit.server()
        client = kit.client()
        assert await kit.call(client, DEBIT, owner=OWNER, cents=40) == Balance(owner=OWNER, cents=60)
        assert await kit.call(client, ECHO, data=b"\x00\xff") == b"\x00\xff"


@virtual_time
async def test_many_calls_share_one_connection_and_find_their_own_answers() -> None:
    async with Kit() as kit:

        async def slow_first(context: CallContext, request: Any) -> bytes:
            await asyncio.sleep(1 if request.data == b"0" else 0)
            return bytes(request.data)

        kit.server(echo=slow_first)
        client = kit.client()
        calls = [kit.call(client, ECHO, data=b"%d" % n) for n in range(100)]
        assert await asyncio.gather(*calls) == [b"%d" % n for n in range(100)]
        assert len(kit.network.pipes) == 1


@virtual_time
async def test_the_context_crosses() -> None:
    seen: list[CallContext] = []

    async def look(context: CallContext, request: Any) -> bytes:
        seen.append(context)
        return b""

    async with Kit() as kit:

        async def debit(context: CallContext, request: Any) -> Balance:
            seen.append(context)
            return Balance(owner=request.owner, cents=0)

        kit.server(debit=debit, echo=look)
        client = kit.client()
        trace = TraceContext(1, 2, True, "vendor=1")
        principal = Principal("alice", frozenset({"wallet:write", "x"}))
        context = kit.context(5, principal=principal, trace=trace, key="k1")
        context.caller = "orders.place"
        await client.call("wallet", DEBIT, DEBIT.request(OWNER, 1), context)
        await client.call("wallet", ECHO, ECHO.request(b""), kit.context(None))
    full, empty = seen
    assert full.operation == "wallet.debit"
    assert (full.principal, full.caller) == (principal, "orders.place")
    assert full.given_key == "k1"
    assert full.given_trace is not None
    assert (full.given_trace.traceparent(), full.given_trace.state) == (trace.traceparent(), "vendor=1")
    assert full.deadline == pytest.approx(5, abs=0.01)
    assert (empty.principal, empty.given_key, empty.caller) == (None, None, "")
    assert empty.given_trace is not None
    assert empty.given_trace.undecided
    assert empty.deadline == float("inf")


@virtual_time
async def test_the_key_of_a_command_goes_with_it_and_a_query_has_none() -> None:
    keys: list[str | None] = []

    async def debit(context: CallContext, request: Any) -> Balance:
        keys.append(context.given_key)
        return Balance(owner=request.owner, cents=0)

    async def echo(context: CallContext, request: Any) -> bytes:
        keys.append(context.given_key)
        return b""

    async with Kit() as kit:
        kit.server(debit=debit, echo=echo)
        client = kit.client()
        await client.call("wallet", DEBIT, DEBIT.request(OWNER, 1), keyed := kit.context())
        assert keyed.given_key is None, "whoever repeats a call makes its key, before the first try"
        keyed.idempotency_key  # noqa: B018
        await client.call("wallet", DEBIT, DEBIT.request(OWNER, 1), keyed)
        await client.call("wallet", ECHO, ECHO.request(b""), keyed)
        assert keys == [None, keyed.idempotency_key, None]


@virtual_time
async def test_a_repeated_answer_or_domain_error_says_so_to_the_caller() -> None:
    async def debit(context: CallContext, request: Any) -> Balance:
        if context.given_key == "repeat":
            context.mark = REPLAYED
        if request.cents > 1:
            raise InsufficientFunds(missing_cents=3)
        return Balance(owner=request.owner, cents=0)

    async with Kit() as kit:
        kit.server(debit=debit)
        client = kit.client()
        for cents in (1, 2):
            for key in ("first", "repeat"):
                context = kit.context(key=key)
                with suppress(InsufficientFunds):
                    await client.call("wallet", DEBIT, DEBIT.request(OWNER, cents), context)
                assert context.replayed is (key == "repeat")


@virtual_time
async def test_a_declared_error_comes_back_as_itself() -> None:
    async def debit(context: CallContext, request: Any) -> Balance:
        raise InsufficientFunds(missing_cents=3)

    async with Kit() as kit:
        kit.server(debit=debit)
        with pytest.raises(InsufficientFunds) as caught:
            await kit.call(kit.client(), DEBIT, owner=OWNER, cents=1)
    assert caught.value == InsufficientFunds(missing_cents=3)


@pytest.mark.parametrize("kind", CALL_ERRORS.values())
@pytest.mark.parametrize("may_have_run", [True, False])
def test_every_call_error_comes_back_as_itself(kind: type[CallError], may_have_run: bool) -> None:
    @virtual_time
    async def call() -> None:
        async def debit(context: CallContext, request: Any) -> Balance:
            raise kind("because", may_have_run=may_have_run)

        async with Kit() as kit:
            kit.server(debit=debit)
            with pytest.raises(kind) as caught:
                await kit.call(kit.client(), DEBIT, owner=OWNER, cents=1)
        assert type(caught.value) is kind
        assert str(caught.value) == "because"
        assert caught.value.may_have_run is may_have_run
        assert caught.value.operation is None, "the stub says which operation was called"

    call()


@virtual_time
async def test_the_field_of_an_invalid_argument_crosses() -> None:
    async def debit(context: CallContext, request: Any) -> Balance:
        raise InvalidArgument("too much", field="$.cents")

    async with Kit() as kit:
        kit.server(debit=debit)
        with pytest.raises(InvalidArgument, match="too much") as caught:
            await kit.call(kit.client(), DEBIT, owner=OWNER, cents=1)
    assert caught.value.field == "$.cents"


@pytest.mark.parametrize("error", [ValueError("secret"), Undeclared()])
def test_what_an_endpoint_may_not_raise_becomes_an_internal_error(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    @virtual_time
    async def call() -> None:
        async def debit(context: CallContext, request: Any) -> Balance:
            raise error

        async with Kit() as kit:
            kit.server(debit=debit)
            with pytest.raises(InternalError, match=type(error).__name__) as caught:
                await kit.call(kit.client(), DEBIT, owner=OWNER, cents=1)
        assert "secret" not in str(caught.value)

    call()
    assert "may not raise" in caplog.text


@virtual_time
async def test_a_request_that_does_not_fit_names_the_field() -> None:
    async with Kit() as kit:
        kit.server()
        with pytest.raises(InvalidArgument, match=r"Expected `int`, got `str` at \$\.cents") as caught:
            await kit.call(kit.client(), DEBIT, owner=OWNER, cents="five")
    assert caught.value.field == "$.cents"
    assert caught.value.may_have_run is False


@virtual_time
async def test_an_argument_that_cannot_be_encoded_is_refused_before_it_is_sent() -> None:
    async with Kit() as kit:
        kit.server()
        client = kit.client()
        with pytest.raises(InvalidArgument) as caught:
            await kit.call(client, DEBIT, owner=OWNER, cents=2**65)
        assert caught.value.may_have_run is False
        assert await kit.call(client, ECHO, data=b"still works") == b"still works"
        assert len(kit.network.pipes) == 1


@virtual_time
async def test_an_answer_that_cannot_be_encoded_is_an_internal_error() -> None:
    async def echo(context: CallContext, request: Any) -> Any:
        return object()

    async with Kit() as kit:
        kit.server(echo=echo)
        with pytest.raises(InternalError, match="cannot be sent"):
            await kit.call(kit.client(), ECHO, data=b"")


@virtual_time
async def test_an_answer_that_does_not_fit_the_contract_names_the_field() -> None:
    async def debit(context: CallContext, request: Any) -> Any:
        return {"owner": OWNER, "cents": "many"}

    async with Kit() as kit:
        kit.server(debit=debit)
        with pytest.raises(InternalError, match=r"Wallet\.debit answered .* \$\.cents"):
            await kit.call(kit.client(), DEBIT, owner=OWNER, cents=1)


@virtual_time
async def test_the_deadline_ends_the_wait_and_the_work() -> None:
    ended: list[str] = []

    async def echo(context: CallContext, request: Any) -> bytes:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return b""

    async with Kit() as kit:
        server = kit.server(echo=echo)
        with pytest.raises(DeadlineExceeded, match=r"wallet\.echo gave no answer") as caught:
            await kit.call(kit.client(), ECHO, seconds=2, data=b"")
        assert caught.value.may_have_run is True
        assert kit.clock.monotonic() == pytest.approx(2, abs=0.02)
        await until(lambda: server.running == 0)
        assert ended == ["cancelled"]


@pytest.mark.parametrize("first", [0.5, 60])
def test_every_call_keeps_its_own_deadline_in_whatever_order_they_come(first: float) -> None:
    async def echo(context: CallContext, request: Any) -> bytes:
        await asyncio.sleep(60 if request.data else 0)
        return b""

    @virtual_time
    async def run() -> None:
        async with Kit() as kit:
            kit.server(echo=echo)
            client = kit.client()
            ended: dict[float, float] = {}

            async def expire(seconds: float) -> None:
                with pytest.raises(DeadlineExceeded):
                    await kit.call(client, ECHO, seconds, data=b"x")
                ended[seconds] = kit.clock.monotonic()

            await kit.call(client, ECHO, first, data=b"")  # over long before its deadline
            await asyncio.gather(*(expire(seconds) for seconds in (5, 1, 3, 2, 1, 4)))
            assert ended == pytest.approx({1: 1, 2: 2, 3: 3, 4: 4, 5: 5}, abs=0.02)
            await expire(1)
            assert ended[1] == pytest.approx(6, abs=0.03)

    run()


@virtual_time
async def test_a_deadline_that_has_passed_sends_nothing() -> None:
    async with Kit() as kit:
        kit.server()
        client = kit.client()
        await kit.call(client, ECHO, data=b"")
        before = kit.network.pipes[0].client.sent
        with pytest.raises(DeadlineExceeded, match="not sent") as caught:
            await kit.call(client, ECHO, seconds=0, data=b"")
        assert caught.value.may_have_run is False
        assert kit.network.pipes[0].client.sent == before


@virtual_time
async def test_cancelling_the_caller_cancels_the_operation() -> None:
    cancelled = asyncio.Event()
    started = asyncio.Event()

    async def echo(context: CallContext, request: Any) -> bytes:
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()
        return b""

    async with Kit() as kit:
        server = kit.server(echo=echo)
        client = kit.client()
        task = asyncio.ensure_future(kit.call(client, ECHO, data=b""))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await cancelled.wait()
        await until(lambda: server.running == 0)
        assert kit.clock.monotonic() == 0


@virtual_time
async def test_a_call_cancelled_before_its_task_has_started_leaves_nothing() -> None:
    async with Kit() as kit:
        server = kit.server()
        peer = RawPeer()
        await kit.network.dial(Address.parse("unix:/a"), lambda: peer)
        for call_id in range(1, 6):  # in one write, hence in one read
            peer.connection.send_request(Request(peer.connection.new_id(), "wallet/Wallet/1.2/echo", None, ECHO_BODY))
            peer.connection.send_cancel(call_id)
        peer.connection.send_request(Request(peer.connection.new_id(), "wallet/Wallet/1.2/echo", None, ECHO_BODY))
        peer.send()
        await until(lambda: bool(peer.frames))
        assert [frame.id for frame in peer.frames] == [6]
        assert server.running == 0
        assert not any(link._tasks for link in server._links)


@virtual_time
async def test_an_operation_that_cancels_itself_is_an_internal_error() -> None:
    async def echo(context: CallContext, request: Any) -> bytes:
        raise asyncio.CancelledError

    async with Kit() as kit:
        kit.server(echo=echo)
        with pytest.raises(InternalError, match="cancelled from within"):
            await kit.call(kit.client(), ECHO, data=b"")


@virtual_time
async def test_an_unknown_service_waits_for_the_resolver_until_the_deadline() -> None:
    async with Kit() as kit:
        kit.server()
        client = kit.client()
        with pytest.raises(Unavailable, match="orders could not be reached before the deadline: no address") as caught:
            await client.call("orders", ECHO, ECHO.request(b""), kit.context(1))
        assert caught.value.may_have_run is False
        assert kit.clock.monotonic() == pytest.approx(1, abs=0.02)


@virtual_time
async def test_a_service_that_is_not_hosted_there_is_unknown() -> None:
    async with Kit() as kit:
        kit.server()
        client = kit.client()
        with pytest.raises(UnknownOperation, match="service 'walet' is not hosted here; did you mean 'wallet'"):
            await client.call("walet", ECHO, ECHO.request(b""), kit.context())


@virtual_time
async def test_a_closed_client_refuses() -> None:
    async with Kit() as kit:
        kit.server()
        client = kit.client()
        await kit.call(client, ECHO, data=b"")
        await client.close()
        with pytest.raises(Unavailable, match="closed") as caught:
            await kit.call(client, ECHO, data=b"")
        assert caught.value.may_have_run is False
        await client.close()
