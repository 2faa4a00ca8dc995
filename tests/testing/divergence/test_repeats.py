"""Repeated commands: one effect and one answer on every runner, over stubs and over REST."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from divergence_ledger import Audited, Ledger

from calve import Principal, call_options
from calve.core.errors import AnswerLost, InFlight, InternalError, InvalidArgument, KeyReused
from calve.testing import App
from calve.testing.asgi import Answer

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def owner() -> str:
    """Somebody new; the name is as good as any as a key."""
    return uuid4().hex


async def test_a_repeat_has_no_effect_and_the_first_answer(ledger: Ledger, owner: str) -> None:
    with call_options(idempotency_key=owner):
        first = await ledger.add(owner, 5)
    await ledger.add(owner, 1)
    with call_options(idempotency_key=owner):
        assert await ledger.add(owner, 5) == first == 5
    assert await ledger.total(owner) == 6


async def test_a_repeat_that_answers_nothing(ledger: Ledger, owner: str) -> None:
    with call_options(idempotency_key=owner):
        await ledger.clear(owner)
    await ledger.add(owner, 1)
    with call_options(idempotency_key=owner):
        await ledger.clear(owner)
    assert await ledger.total(owner) == 1


async def test_without_a_key_every_call_counts(ledger: Ledger, owner: str) -> None:
    assert [await ledger.add(owner, 1) for _ in range(3)] == [1, 2, 3]
    with call_options(idempotency_key=owner):
        assert [await ledger.open(owner) for _ in range(3)] == [4, 5, 6]


async def test_another_request_under_the_key(ledger: Ledger, owner: str) -> None:
    with call_options(idempotency_key=owner):
        await ledger.add(owner, 5)
        with pytest.raises(KeyReused, match=r"was given to another request of divergence_ledger\.add") as caught:
            await ledger.add(owner, 6)
    assert (caught.value.operation, caught.value.may_have_run) == ("divergence_ledger.add", False)


async def test_fifty_at_once(ledger: Ledger, owner: str) -> None:
    with call_options(idempotency_key=owner):
        results = await asyncio.gather(*(ledger.add(owner, 1) for _ in range(50)), return_exceptions=True)
    assert {type(result) for result in results} <= {int, InFlight}
    assert {result for result in results if not isinstance(result, InFlight)} == {1}
    assert await ledger.total(owner) == 1


async def test_a_domain_error_after_the_commit_is_an_answer(ledger: Ledger, owner: str) -> None:
    with call_options(idempotency_key=owner):
        for _ in range(2):
            with pytest.raises(Audited) as caught:
                await ledger.add(owner, 5, "refuse")
            assert caught.value.total == 5
    assert await ledger.total(owner) == 5


async def test_a_failure_after_the_commit_loses_the_answer(ledger: Ledger, owner: str) -> None:
    with call_options(idempotency_key=owner):
        with pytest.raises(InternalError):
            await ledger.add(owner, 5, "fail")
        with pytest.raises(AnswerLost, match=owner):
            await ledger.add(owner, 5, "fail")
    assert await ledger.total(owner) == 5


async def test_nobody_gets_the_answer_of_somebody_else(ledger: Ledger, owner: str) -> None:
    for subject in ("ann", "bob", "ann"):
        with call_options(idempotency_key=owner, principal=Principal(subject)):
            await ledger.add(owner, 5)
    assert await ledger.total(owner) == 10


async def test_a_key_that_is_none(ledger: Ledger, owner: str) -> None:
    with call_options(idempotency_key="x" * 256), pytest.raises(InvalidArgument) as caught:
        await ledger.add(owner, 5)
    assert caught.value.field == "idempotency_key"


async def post(app: App, owner: str, cents: int, after: str = "", key: str | None = None) -> Answer:
    """Add over REST."""
    headers = {"idempotency-key": owner if key is None else key}
    return await app.rest.request("POST", f"/ledger/{owner}", json={"cents": cents, "after": after}, headers=headers)


@pytest.mark.parametrize(("after", "status"), [("", 200), ("refuse", 403)])
async def test_rest_says_that_an_answer_is_a_repeated_one(app: App, owner: str, after: str, status: int) -> None:
    first, again = await post(app, owner, 5, after), await post(app, owner, 5, after)
    assert (first.status, again.status) == (status, status)
    assert first.body == again.body
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"


async def test_rest_says_so_without_a_body_as_well(app: App, ledger: Ledger, owner: str) -> None:
    headers = {"idempotency-key": owner}
    answers = [await app.rest.request("DELETE", f"/ledger/{owner}", headers=headers) for _ in range(2)]
    assert [answer.status for answer in answers] == [204, 204]
    assert ["idempotency-replayed" in answer.headers for answer in answers] == [False, True]


async def test_rest_refuses_another_request_under_the_key(app: App, owner: str) -> None:
    await post(app, owner, 5)
    answer = await post(app, owner, 6)
    problem = answer.json()
    assert (answer.status, problem["code"], problem["retryable"]) == (422, "key_reused", False)


async def test_rest_tells_who_comes_too_early_to_come_back(app: App, ledger: Ledger, owner: str) -> None:
    answers = await asyncio.gather(*(post(app, owner, 5) for _ in range(20)))
    assert {answer.status for answer in answers} <= {200, 409}
    for answer in answers:
        if answer.status == 409:
            problem = answer.json()
            assert (problem["code"], problem["retryable"], answer.headers["retry-after"]) == ("in_flight", True, "1")
    assert await ledger.total(owner) == 5


async def test_rest_knows_what_a_key_is(app: App, owner: str) -> None:
    answer = await post(app, owner, 5, key="a b")
    assert (answer.status, answer.json()["field"]) == (400, "Idempotency-Key")


async def test_a_lost_answer_says_what_it_is(app: App, owner: str) -> None:
    assert (await post(app, owner, 5, "fail")).status == 500
    answer = await post(app, owner, 5, "fail")
    problem = answer.json()
    assert (answer.status, problem["code"], problem["retryable"]) == (500, "answer_lost", False)
    assert owner in problem["detail"]
