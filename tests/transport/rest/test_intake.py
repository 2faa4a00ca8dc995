"""Headers and limits: what becomes the context of a call, and how much a request may weigh and take."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from calve.core.trace import parse_traceparent
from calve.testing import virtual_clock, virtual_time
from calve.testing.asgi import AsgiClient
from calve.transport.rest import Headers

OWNER = "6f1c2a6e-0b7e-4d5e-9c55-5f8f0f6f0a01"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
DEBIT = f"/wallets/{OWNER}/debits"


async def test_a_request_without_headers_has_a_new_trace_and_nothing_else(client: AsgiClient) -> None:
    first, second = [(await client.request("GET", "/context")).json() for _ in range(2)]
    assert (first["key"], first["principal"], first["state"]) == (None, None, "calve=undecided")
    assert parse_traceparent(first["trace"]) is not None
    assert first["trace"] != second["trace"]


async def test_the_trace_goes_on(client: AsgiClient) -> None:
    headers = {"traceparent": TRACE, "tracestate": "vendor=1"}
    answer = (await client.request("GET", "/context", headers=headers)).json()
    assert (answer["trace"][:35], answer["state"]) == (TRACE[:35], "vendor=1")


async def test_a_broken_trace_is_as_good_as_none(client: AsgiClient) -> None:
    answer = await client.request("GET", "/context", headers={"traceparent": "00-zz"})
    assert (answer.status, answer.json()["state"]) == (200, "calve=undecided")


@virtual_time
async def test_a_client_can_shorten_the_time(bank: Any) -> None:
    call = bank.client().start("GET", "/wait", headers={"X-Request-Timeout": "2.5"})
    answer = await call.answer()
    assert (answer.status, answer.json()["code"]) == (504, "deadline_exceeded")
    assert virtual_clock().monotonic() == pytest.approx(2.5, abs=0.02)


@virtual_time
async def test_a_client_cannot_lengthen_the_time(bank: Any) -> None:
    answer = await bank.client().request("GET", "/wait", headers={"X-Request-Timeout": "86400"})
    assert answer.status == 504
    assert virtual_clock().monotonic() == pytest.approx(600, abs=0.02)


@pytest.mark.parametrize("value", ["", "0", "-1", "1s", "1e3", "nan", "inf", "86401", "1" * 300])
async def test_a_timeout_that_is_none_is_refused(client: AsgiClient, value: str) -> None:
    answer = await client.request("GET", "/context", headers={"X-Request-Timeout": value})
    problem = answer.json()
    assert (answer.status, problem["field"], problem["errors"][0]["in"]) == (400, "X-Request-Timeout", "header")


@pytest.mark.parametrize("value", ["", " ", "a b", "ä", "x" * 256])
async def test_an_idempotency_key_that_is_none_is_refused(client: AsgiClient, value: str) -> None:
    answer = await client.request("POST", DEBIT, json={"cents": 1}, headers={"Idempotency-Key": value})
    assert (answer.status, answer.json()["field"]) == (400, "Idempotency-Key")


async def test_an_idempotency_key_belongs_to_commands(client: AsgiClient) -> None:
    good = {"Idempotency-Key": '"' + "x" * 253 + '"'}
    assert (await client.request("POST", DEBIT, json={"cents": 1}, headers=good)).status == 200
    answer = await client.request("GET", "/context", headers={"Idempotency-Key": "not looked at"})
    assert (answer.status, answer.json()["key"]) == (200, None)


async def test_the_principal_comes_from_the_authenticator(client: AsgiClient) -> None:
    answer = await client.request("GET", "/context", headers={"Authorization": "Bearer reader"})
    assert answer.json()["principal"] == "ann"


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        (None, 401, "unauthenticated"),
        ("Bearer expired", 401, "unauthenticated"),
        ("Bearer reader", 403, "permission_denied"),
        ("Bearer wallet:admin", 200, None),
    ],
)
async def test_roles_are_asked_for(
    client: AsgiClient, authorization: str | None, status: int, code: str | None
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = await client.request("GET", "/secret", headers=headers)
    assert answer.status == status
    if code:
        assert answer.json()["code"] == code
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)


@pytest.mark.parametrize("declare", [True, False])
@pytest.mark.parametrize(("size", "status"), [(1000, 200), (1001, 413)])
async def test_a_body_may_have_so_many_bytes(bank: Any, declare: bool, size: int, status: int) -> None:
    body = b'{"lines":[],"note":"' + b"x" * (size - 22) + b'"}'
    headers = {"content-type": "application/json"} | ({"content-length": str(size)} if declare else {})
    client = bank.client(body_bytes_max=1000)
    for pieces in ([body], [body[:500], body[500:]], [bytes([b]) for b in body]):
        answer = await client.request("POST", "/orders", body=pieces, headers=headers)
        assert answer.status == status
        if status == 413:
            assert answer.json()["code"] == "too_large"
            assert "1000 bytes" in answer.json()["detail"]
            assert answer.headers["connection"] == "close"


async def test_a_body_without_end_is_not_collected(bank: Any) -> None:
    received, sent = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal received
        received += 1
        return {"type": "http.request", "body": b" " * 100, "more_body": True}

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    call = bank.client().start("POST", "/orders", headers={"content-type": "application/json"})
    await call.answer()
    await bank.edge(body_bytes_max=1000)(call.scope, receive, send)
    assert sent[0]["status"] == 413
    assert received == 11


@pytest.mark.parametrize("length", ["", "-5", "+5", "5, 5", "0x5", "9" * 19, "9" * 5000])
async def test_a_declared_length_that_is_none_is_refused(client: AsgiClient, length: str) -> None:
    headers = {"content-type": "application/json", "content-length": length}
    assert (await client.request("POST", "/orders", body=b"{}", headers=headers)).status == 400


async def test_the_body_ends_at_its_declared_length(client: AsgiClient) -> None:
    call = client.start(
        "POST",
        "/orders",
        body=b'{"lines":[]}',
        complete=False,
        headers={"content-type": "application/json", "content-length": "12"},
    )
    assert (await call.answer()).status == 200


@virtual_time
async def test_a_body_that_does_not_come_is_given_up(bank: Any) -> None:
    for parts in (b"", b'{"lines":'):
        before = virtual_clock().monotonic()
        call = bank.client(body_timeout_seconds=30.0).start(
            "POST", "/orders", body=parts, headers={"content-type": "application/json"}, complete=False
        )
        answer = await call.answer()
        assert (answer.status, answer.json()["code"]) == (408, "request_timeout")
        assert virtual_clock().monotonic() - before == pytest.approx(30, abs=0.1)


async def test_a_client_that_goes_away_while_sending_is_not_answered(client: AsgiClient) -> None:
    for parts in (b"", b'{"lines":'):
        call = client.start("POST", "/orders", body=parts, headers={"content-type": "application/json"}, complete=False)
        call.disconnect()
        assert await call.event() is None


async def test_paths_queries_and_headers_may_be_so_long(bank: Any) -> None:
    client = bank.client(query_bytes_max=100, header_bytes_max=200)
    for target, status in [
        ("/search?text=" + "x" * 95, 200),
        ("/search?text=" + "x" * 96, 414),
        ("/names/" + "x" * 93, 200),
        ("/names/" + "x" * 94, 414),
    ]:
        assert (await client.request("GET", target)).status == status
    answer = await client.request("GET", "/context", headers={"cookie": "x" * 195})
    assert (answer.status, answer.json()["code"]) == (431, "headers_too_large")
    assert (await client.request("GET", "/context", headers={"cookie": "x" * 194})).status == 200


@virtual_time
async def test_the_time_for_the_body_begins_after_authentication(bank: Any) -> None:
    async def slowly(headers: Headers) -> None:
        await asyncio.sleep(100)

    edge = bank.edge(body_timeout_seconds=30.0, authenticate=slowly)
    call = AsgiClient(edge).start("POST", "/orders", headers={"content-type": "application/json"}, complete=False)
    await asyncio.sleep(105)
    call.feed(b'{"lines":[]}', last=True)
    assert (await call.answer()).status == 200
