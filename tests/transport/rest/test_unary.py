"""Answers: statuses, entity tags, errors as problems, and what happens when somebody goes away."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

import pytest

from calve.contract import Contract, Endpoint, describe, query
from calve.core.context import CallContext
from calve.core.errors import CallError, CircuitOpen, InternalError, Overloaded, Unavailable, UnknownOperation
from calve.core.trace import TraceContext
from calve.testing import virtual_clock, virtual_time
from calve.testing.asgi import AsgiClient
from calve.transport.rest import RestEdge
from calve.transport.rest.unary import entity_tag

OWNER = "6f1c2a6e-0b7e-4d5e-9c55-5f8f0f6f0a01"
WALLET = f"/wallets/{OWNER}"


class Greeter(Contract, Protocol, version="1.0"):
    """One operation, whose handler each test brings along."""

    @query(http="GET /hello")
    async def hello(self) -> str: ...


def raising(error: BaseException) -> AsgiClient:
    async def handle(context: CallContext, request: Any) -> str:
        context.trace = TraceContext(0xABC, 1)
        raise error

    endpoint = Endpoint("greeter", describe(Greeter).operations["hello"], handle)
    return AsgiClient(RestEdge([endpoint], title="x", version="1"))


async def test_a_good_answer_is_json_that_nobody_keeps(client: AsgiClient) -> None:
    answer = await client.request("GET", "/names/ann")
    assert (answer.status, answer.body) == (200, b'"ann"')
    assert answer.headers == {
        "content-type": "application/json",
        "content-length": "5",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }


async def test_head_is_get_without_the_body(client: AsgiClient) -> None:
    for path in (WALLET, "/names/ann", "/search", "/docs", "/openapi.json", "/nowhere"):
        got, head = await client.request("GET", path), await client.request("HEAD", path)
        assert (head.status, head.headers, head.body) == (got.status, got.headers, b"")


async def test_an_operation_without_answer_has_no_body(client: AsgiClient, bank: Any) -> None:
    closed = await client.request("DELETE", f"{WALLET}?force=true")
    assert (closed.status, closed.body, bank.service.note) == (204, b"", "closed, force=True")
    assert not {"content-length", "content-type"} & closed.headers.keys()
    pinged = await client.request("POST", "/ping")
    assert (pinged.status, pinged.body, bank.service.note) == (202, b"", "pinged")
    assert pinged.headers["content-length"] == "0"


async def test_an_answer_with_a_version_has_an_entity_tag(client: AsgiClient) -> None:
    answer = await client.request("GET", WALLET)
    assert (answer.headers["etag"], answer.headers["cache-control"]) == ('W/"7"', "no-cache")
    posted = await client.request("POST", f"{WALLET}/debits", json={"cents": 1})
    assert "etag" not in posted.headers


@pytest.mark.parametrize(
    ("condition", "status"),
    [('W/"7"', 304), ('"7"', 304), ('"1", W/"7" ', 304), ("*", 304), ('W/"8"', 200), ("7", 200), ("", 200)],
)
async def test_who_has_the_version_gets_no_body(client: AsgiClient, condition: str, status: int) -> None:
    answer = await client.request("GET", WALLET, headers={"If-None-Match": condition})
    assert (answer.status, answer.headers["etag"], bool(answer.body)) == (status, 'W/"7"', status == 200)


def test_no_two_versions_share_a_tag() -> None:
    versions: list[int | str] = [1, "a,b", 'a"b', "a b", "a%20b", "\xe4", "", "\r\n"]
    tags = {entity_tag(version) for version in versions}
    assert len(tags) == len(versions)
    assert all(tag.isascii() and tag.count(b'"') == 2 and b"," not in tag and b"\n" not in tag for tag in tags)


async def test_a_declared_domain_error_is_a_problem_with_its_fields(client: AsgiClient) -> None:
    answer = await client.request("POST", f"{WALLET}/debits", json={"cents": 130})
    assert (answer.status, answer.headers["content-type"]) == (409, "application/problem+json")
    assert answer.json() == {
        "type": "urn:calve:error:wallet:InsufficientFunds",
        "title": "There is not enough money in the wallet",
        "status": 409,
        "code": "InsufficientFunds",
        "missing_cents": 30,
    }


@pytest.mark.parametrize("path", ["/fail", "/wrong"])
async def test_what_went_wrong_inside_stays_inside(
    client: AsgiClient, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await client.request("GET", path)
    problem = answer.json()
    assert (answer.status, problem["code"], problem["may_have_run"]) == (500, "internal_error", True)
    assert b"hunter2" not in answer.body
    assert b"RuntimeError" not in answer.body
    assert caplog.records, "its log says why"


def come_back(seconds: float) -> CircuitOpen:
    """An error that knows when a repeat may have a chance."""
    error = CircuitOpen("not sent")
    error.retry_after_seconds = seconds
    return error


@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [
        (Overloaded("full"), 429, "1"),
        (Unavailable("wallet is gone", may_have_run=False), 503, "1"),
        (UnknownOperation("nobody serves Greeter/1.0/hello"), 404, None),
        (come_back(2.3), 503, "3"),
        (come_back(0.2), 503, "1"),
    ],
)
async def test_call_errors_are_problems(error: CallError, status: int, retry: str | None) -> None:
    answer = await raising(error).request("GET", "/hello")
    problem = answer.json()
    assert answer.status == problem["status"] == status
    assert problem["type"] == f"urn:calve:error:{error.code}"
    assert (problem["detail"], problem["may_have_run"]) == (str(error), False)
    assert (problem["retryable"], answer.headers.get("retry-after")) == (error.retryable, retry)
    assert problem.get("trace_id") == (f"{0xABC:032x}" if status >= 500 else None)


@pytest.mark.parametrize("error", [InternalError("password=hunter2"), RuntimeError("hunter2"), OSError("hunter2")])
async def test_a_handler_that_breaks_its_rules_is_a_plain_500(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await raising(error).request("GET", "/hello")
    assert (answer.status, answer.json()["code"]) == (500, "internal_error")
    assert b"hunter2" not in answer.body


async def test_an_undeclared_domain_error_is_a_500(caplog: pytest.LogCaptureFixture, bank: Any) -> None:
    declared = next(iter(describe(type(bank.service).__mro__[1]).operations["debit"].raises))
    answer = await raising(declared(missing_cents=1)).request("GET", "/hello")
    assert answer.status == 500
    assert "InsufficientFunds" in caplog.text


@virtual_time
async def test_a_client_that_goes_away_cancels_its_call(bank: Any) -> None:
    call = bank.client().start("GET", "/wait")
    await bank.service.running.wait()
    await asyncio.sleep(1)
    call.disconnect()
    assert await call.event() is None
    assert bank.service.cancelled.is_set()
    assert virtual_clock().monotonic() == pytest.approx(1, abs=0.1)


@virtual_time
async def test_it_is_noticed_soon_even_when_the_body_came_slowly(bank: Any) -> None:
    call = bank.client().start("POST", "/work", headers={"content-type": "application/json"}, complete=False)
    await asyncio.sleep(5)
    call.feed(b'{"note":"a"}', last=True)
    await bank.service.running.wait()
    before = virtual_clock().monotonic()
    call.disconnect()
    assert await call.event() is None
    assert bank.service.cancelled.is_set()
    assert virtual_clock().monotonic() - before < 0.1


async def test_a_short_call_is_not_watched(bank: Any) -> None:
    call = bank.client().start("GET", "/names/ann")
    await call.answer()
    sent = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("nobody should listen")

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    await bank.edge()(call.scope, receive, send)
    assert sent[0]["status"] == 200


@virtual_time
async def test_a_call_that_outlives_the_server_is_told_so(bank: Any) -> None:
    call = bank.client().start("GET", "/wait")
    await bank.service.running.wait()
    call.task.cancel()
    answer = (await call.event(), await call.event())
    assert answer[0] is not None
    assert answer[0]["status"] == 503
    with pytest.raises(asyncio.CancelledError):
        await call.task


async def test_nobody_listening_is_no_error(bank: Any, caplog: pytest.LogCaptureFixture) -> None:
    call = bank.client().start("GET", "/names/ann")
    await call.answer()

    async def send(event: dict[str, Any]) -> None:
        raise OSError("gone")

    with caplog.at_level(logging.DEBUG):
        await bank.edge()(call.scope, asyncio.Event().wait, send)
    assert not caplog.records
