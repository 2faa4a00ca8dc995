"""Callers who go away: before the commit they stop the command, after it they only miss its answer."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import msgspec
import pytest

from calve import CallContext, Store, current_call
from calve.core.clock import SystemClock
from calve.core.errors import AnswerLost, DeadlineExceeded, InFlight
from calve.observe import Logger
from calve.service.idempotency import Keys
from calve.testing import endpoints_of

from .conftest import Bank, BankBehindChain, BankService, Gate


async def test_a_caller_who_leaves_before_the_commit_stops_the_command(bank: BankBehindChain) -> None:
    bank.service.inside = gate = Gate()
    first = asyncio.create_task(bank.pay())
    await gate.reached.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.opened.set()
    assert await bank.pay() == 1
    assert (await bank.paid(), bank.service.runs) == (1, 2)


async def test_a_command_that_has_committed_goes_on_without_its_caller(bank: BankBehindChain) -> None:
    bank.service.after = gate = Gate()
    first = asyncio.create_task(bank.pay())
    await gate.reached.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    with pytest.raises(InFlight):
        await bank.pay()
    gate.opened.set()
    while True:
        try:
            assert await bank.called("pay", "ada") == (1, True)
            break
        except InFlight:
            await asyncio.sleep(0)
    assert (await bank.paid(), bank.service.runs) == (1, 1)


async def test_a_deadline_that_passes_after_the_commit_loses_no_answer(bank: BankBehindChain) -> None:
    bank.service.after = gate = Gate()
    with pytest.raises(DeadlineExceeded):
        await bank.pay(deadline=asyncio.get_running_loop().time() + 0.02)
    gate.opened.set()
    again = bank.restarted()
    while True:
        try:
            assert await again.pay() == 1
            break
        except (AnswerLost, InFlight):  # not written yet; which of both, depends on whether there can be two processes
            await asyncio.sleep(0)
    assert await bank.paid() == 1


async def test_a_cancelled_method_that_answers_all_the_same_has_answered(bank: BankBehindChain) -> None:
    gate = Gate()

    async def stubborn() -> None:
        with suppress(asyncio.CancelledError):
            await gate()

    bank.service.before = stubborn
    first = asyncio.create_task(bank.pay())
    await gate.reached.wait()
    first.cancel()
    assert await first == 1
    assert await bank.called("pay", "ada") == (1, True)


async def test_closing_waits_for_those_who_were_left_alone(bank: BankBehindChain) -> None:
    keys = Keys(SystemClock(), Logger("test"))
    await keys.close()
    gate = Gate()
    task = asyncio.create_task(gate())
    keys.leave(task, "bank.pay")
    closing = asyncio.create_task(keys.close())
    await gate.reached.wait()
    assert not closing.done()
    gate.opened.set()
    await closing


async def test_what_a_command_leaves_running_is_no_part_of_it(bank: BankBehindChain, store: Store) -> None:
    gate, left = Gate(), []

    async def later() -> None:
        await gate()
        async with store.transaction() as tx:
            await tx.execute("INSERT INTO entry (owner, cents) VALUES ('bob', 1)")

    class Leaving(BankService):
        async def pay(self, owner: str, cents: int = 1) -> int:
            left.append(asyncio.create_task(later()))
            return 1

    endpoint = endpoints_of(Bank, Leaving(store), store=store)["pay"]
    assert await endpoint.handle(CallContext("", key="k1"), endpoint.operation.request("ada")) == 1
    gate.opened.set()
    await asyncio.gather(*left)
    assert await store.all("SELECT * FROM calve_idempotency") == []
    assert await bank.paid("bob") == 1


async def test_the_method_runs_in_the_call_it_belongs_to(bank: BankBehindChain) -> None:
    seen = []

    async def look() -> None:
        seen.append(current_call())

    bank.service.before = look
    await bank.pay(subject="ada")
    [call] = seen
    assert call is not None
    assert (call.operation, call.principal.subject if call.principal else None) == ("bank.pay", "ada")
    assert msgspec.msgpack.encode(call.given_key) == msgspec.msgpack.encode("k1")
