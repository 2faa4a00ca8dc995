"""Commands with keys: run once, answered as often as asked, and clear about what is not known."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from calve import CallContext, Store
from calve.core.errors import (
    AnswerLost,
    CallError,
    InFlight,
    InternalError,
    InvalidArgument,
    KeyReused,
)
from calve.testing import endpoints_of

from .conftest import Bank, BankBehindChain, BankService, Blocked, Gate, Undeclared, failing

# Repeats ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answers_inside", [False, True])
@pytest.mark.parametrize("restart", [False, True])
async def test_a_repeat_gets_the_answer_without_running(
    bank: BankBehindChain, restart: bool, answers_inside: bool
) -> None:
    bank.service.answers_inside = answers_inside
    assert await bank.called("pay", "ada", 5) == (5, False)
    again = bank.restarted() if restart else bank
    assert await again.called("pay", "ada", 5) == (5, True)
    assert await again.called("pay", "ada", 5) == (5, True)
    assert await bank.paid() == 5
    assert again.service.runs == (0 if restart else 1)


@pytest.mark.parametrize("restart", [False, True])
async def test_a_command_that_answers_nothing_is_repeated_too(bank: BankBehindChain, restart: bool) -> None:
    await bank.call("touch", "ada")
    again = bank.restarted() if restart else bank
    assert await again.called("touch", "ada") == (None, True)
    assert await bank.paid() == 1


async def test_an_answer_within_the_transaction_or_none_needs_no_second_commit(bank: BankBehindChain) -> None:
    assert bank.store is not None
    commits = []
    for operation, inside in (("pay", False), ("pay", True), ("touch", False)):
        before = bank.store.metrics.commits
        bank.service.answers_inside = inside
        await bank.call(operation, "ada", key=f"{operation}-{inside}")
        commits.append(bank.store.metrics.commits - before)
    assert commits == [2, 1, 1]


@pytest.mark.parametrize("key", [None, "k1"])
async def test_without_a_key_or_a_need_nothing_is_remembered(bank: BankBehindChain, key: str | None) -> None:
    assert bank.store is not None
    for operation in ("open", "total", "open"):
        await bank.call(operation, "ada", key=key)
    await bank.call("pay", "ada", key=None)
    assert await bank.paid() == 3
    assert await bank.store.all("SELECT * FROM calve_idempotency") == []


async def test_a_stream_runs_again(bank: BankBehindChain) -> None:
    endpoint = bank.endpoints["watch"]
    assert endpoint.stream is not None
    for total in (1, 2):
        items = endpoint.stream(CallContext("", key="k1"), endpoint.operation.request("ada"))
        assert [item async for item in items] == [total]


async def test_keys_operations_and_principals_are_apart(bank: BankBehindChain) -> None:
    for subject in (None, "", "ada", "bob"):
        assert await bank.called("pay", "ada", subject=subject) == (await bank.paid(), False)
    await bank.call("touch", "ada")
    await bank.pay(key="k2")
    assert await bank.paid() == 6
    again = bank.restarted()
    assert await again.called("pay", "ada", subject="bob") == (4, True)


@pytest.mark.parametrize("restart", [False, True])
async def test_another_request_under_the_same_key_is_refused(bank: BankBehindChain, restart: bool) -> None:
    await bank.pay("ada", 5)
    again = bank.restarted() if restart else bank
    for args in (("ada", 6), ("bob", 5), ("ada",)):
        with pytest.raises(KeyReused, match=r"k1 was given to another request of bank\.pay") as caught:
            await again.pay(*args)
        assert not caught.value.may_have_run
    assert await again.pay("ada", 5) == 5


@pytest.mark.parametrize("key", ["", "a b", "é", "k" * 256])
async def test_a_key_that_is_none_is_refused(bank: BankBehindChain, key: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await bank.pay(key=key)
    assert caught.value.field == "idempotency_key"
    assert await bank.paid() == 0


async def test_after_a_new_minor_version_the_key_alone_counts(bank: BankBehindChain, store: Store) -> None:
    await bank.pay("ada", 5)
    async with store.transaction() as tx:
        await tx.execute("UPDATE calve_idempotency SET fingerprint = '0.9:otherwise'")
    assert await bank.restarted().pay("ada", 5) == 5


# At the same time ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stored", [True, False])
async def test_a_second_call_while_the_first_runs_is_told_to_come_back(store: Store, stored: bool) -> None:
    bank = BankBehindChain(store if stored else None)
    bank.service.before = gate = Gate()
    first = asyncio.create_task(bank.pay())
    await gate.reached.wait()
    with pytest.raises(InFlight, match=r"bank\.pay is running under idempotency key k1") as caught:
        await bank.pay()
    assert caught.value.may_have_run
    with pytest.raises(KeyReused):
        await bank.pay("ada", 7)
    gate.opened.set()
    assert await first == 1
    assert await bank.called("pay", "ada") == (1, True)
    assert bank.service.runs == 1


async def test_of_fifty_at_once_one_has_an_effect(bank: BankBehindChain) -> None:
    results = await asyncio.gather(*(bank.pay() for _ in range(50)), return_exceptions=True)
    assert {type(result) for result in results} <= {int, InFlight}
    assert {result for result in results if isinstance(result, int)} == {1}
    assert await bank.paid() == 1


async def test_two_processes_at_once_have_one_effect(bank: BankBehindChain) -> None:
    other = bank.restarted()
    results = await asyncio.gather(bank.pay(), other.pay(), return_exceptions=True)
    assert await bank.paid() == 1
    assert 1 in results


async def test_what_runs_in_another_process_is_in_flight_until_its_time_is_up(bank: BankBehindChain) -> None:
    bank.service.after = gate = Gate()
    first = asyncio.create_task(bank.pay())
    await gate.reached.wait()
    shared = bank.restarted()
    assert shared.store is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(shared.store), "exclusive", False)
        with pytest.raises(InFlight, match="in another process"):
            await shared.pay()
        async with shared.store.transaction() as tx:
            await tx.execute("UPDATE calve_idempotency SET due_ms = 1")
        with pytest.raises(AnswerLost):
            await shared.pay()
    gate.opened.set()
    assert await first == 1
    assert await shared.pay() == 1


# What did not end well ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [Blocked(reason="x"), ZeroDivisionError(), Undeclared()])
@pytest.mark.parametrize("point", ["before", "inside"])
async def test_what_left_nothing_may_run_again(bank: BankBehindChain, point: str, error: Exception) -> None:
    setattr(bank.service, point, failing(error))
    with pytest.raises((Blocked, InternalError)):
        await bank.pay()
    setattr(bank.service, point, failing(error))
    with pytest.raises((Blocked, InternalError)):
        await bank.pay()
    for process in (bank.restarted(), bank):
        process.service.before = process.service.inside = Gate()
        process.service.inside.opened.set()
        assert await process.pay() == 1
    assert await bank.paid() == 1


@pytest.mark.parametrize("operation", ["pay", "touch"])
@pytest.mark.parametrize("restart", [False, True])
async def test_a_domain_error_after_the_commit_is_an_answer(
    bank: BankBehindChain, operation: str, restart: bool
) -> None:
    bank.service.after = failing(Blocked(reason="fraud"))
    with pytest.raises(Blocked):
        await bank.call(operation, "ada")
    again = bank.restarted() if restart else bank
    with pytest.raises(Blocked) as caught:
        await again.call(operation, "ada")
    assert caught.value == Blocked(reason="fraud")
    assert await bank.paid() == 1


@pytest.mark.parametrize("error", [ZeroDivisionError(), Undeclared(), CallError("no")])
@pytest.mark.parametrize("operation", ["pay", "touch", "answering"])
@pytest.mark.parametrize("restart", [False, True])
async def test_any_other_failure_after_the_commit_loses_the_answer(
    bank: BankBehindChain, operation: str, restart: bool, error: Exception
) -> None:
    bank.service.answers_inside = operation == "answering"
    bank.service.after = failing(error)
    name = "touch" if operation == "touch" else "pay"
    with pytest.raises(CallError):
        await bank.call(name, "ada")
    again = bank.restarted() if restart else bank
    with pytest.raises(AnswerLost, match="under idempotency key k1 and had an effect") as caught:
        await again.call(name, "ada")
    assert caught.value.may_have_run
    assert await bank.paid() == 1


@pytest.fixture
def too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks for a mark looks before the other process has written it."""

    async def find(store: Store, mark: Any) -> None:
        return None

    monkeypatch.setattr(Store, "find_mark", find)


@pytest.mark.usefixtures("too_early")
async def test_of_two_processes_the_later_finds_out_in_its_transaction(bank: BankBehindChain) -> None:
    await bank.pay("ada", 5)
    again = bank.restarted()
    assert await again.called("pay", "ada", 5) == (5, True)
    assert (await bank.paid(), again.service.runs) == (5, 1)
    with pytest.raises(KeyReused):
        await bank.restarted().pay("ada", 6)


@pytest.mark.usefixtures("too_early")
async def test_a_method_that_catches_everything_cannot_swallow_a_repeat(bank: BankBehindChain) -> None:
    await bank.pay()

    class Stubborn(BankService):
        async def pay(self, owner: str, cents: int = 1) -> int:
            for _ in range(3):
                try:
                    await super().pay(owner, cents)
                except BaseException:  # noqa: BLE001
                    continue
            raise Blocked(reason="whatever")

    assert bank.store is not None
    endpoint = endpoints_of(Bank, Stubborn(bank.store), store=bank.store)["pay"]
    assert await endpoint.handle(CallContext("", key="k1"), endpoint.operation.request("ada")) == 1
    assert await bank.paid() == 1


@pytest.mark.usefixtures("too_early")
async def test_a_repeat_inside_a_task_group_is_one_too(bank: BankBehindChain) -> None:
    await bank.pay()

    class Grouped(BankService):
        async def pay(self, owner: str, cents: int = 1) -> int:
            async with asyncio.TaskGroup() as group:
                paying = group.create_task(super().pay(owner, cents))
            return paying.result()

    assert bank.store is not None
    endpoint = endpoints_of(Bank, Grouped(bank.store), store=bank.store)["pay"]
    assert await endpoint.handle(CallContext("", key="k1"), endpoint.operation.request("ada")) == 1


async def test_an_answer_that_no_longer_fits_the_contract_is_lost(bank: BankBehindChain, store: Store) -> None:
    bank.service.answers_inside = True
    await bank.pay()
    for answer, error in ((b"\xa1x", None), (b"\x80", "Blocked"), (b"\x80", "Gone")):
        async with store.transaction() as tx:
            await tx.execute(
                "UPDATE calve_idempotency SET answer = :answer, error = :error", answer=answer, error=error
            )
        with pytest.raises(AnswerLost):
            await bank.restarted().pay()
