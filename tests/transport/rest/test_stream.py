"""Streams: events and lines, how they end, signs of life, and what happens when the client goes."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from calve.testing import virtual_clock, virtual_time
from calve.testing.asgi import AsgiClient

OWNER = "6f1c2a6e-0b7e-4d5e-9c55-5f8f0f6f0a01"
HISTORY = f"/wallets/{OWNER}/history"
LINES = {"Accept": "application/x-ndjson"}


def events(body: bytes) -> list[tuple[str, Any]]:
    found = []
    for block in body.decode().removesuffix("\n\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((fields.get("event", "message"), msgspec.json.decode(fields["data"])))
    return found


def lines(body: bytes) -> list[Any]:
    return [msgspec.json.decode(line) for line in body.splitlines() if line]


def item(number: int) -> dict[str, Any]:
    return {"owner": OWNER, "cents": number, "version": number}


async def test_items_are_events_and_the_end_is_one(client: AsgiClient) -> None:
    answer = await client.request("GET", f"{HISTORY}?items=2")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert events(answer.body) == [("message", item(0)), ("message", item(1)), ("end", {})]


async def test_items_are_lines_for_who_wants_them(client: AsgiClient) -> None:
    answer = await client.request("GET", f"{HISTORY}?items=2", headers=LINES)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert lines(answer.body) == [{"item": item(0)}, {"item": item(1)}, {"end": True}]


async def test_a_stream_may_be_empty(client: AsgiClient) -> None:
    assert events((await client.request("GET", f"{HISTORY}?items=0")).body) == [("end", {})]
    assert lines((await client.request("GET", f"{HISTORY}?items=0", headers=LINES)).body) == [{"end": True}]


async def test_an_error_before_the_first_item_is_an_answer_of_its_own(client: AsgiClient) -> None:
    answer = await client.request("GET", f"{HISTORY}?fail_at=0")
    assert (answer.status, answer.json()["code"]) == (409, "InsufficientFunds")
    for target in (f"{HISTORY}?items=x", "/wallets/7/history"):
        assert (await client.request("GET", target)).status == 400


async def test_an_error_later_is_the_last_message(client: AsgiClient) -> None:
    problem = {
        "type": "urn:calve:error:wallet:InsufficientFunds",
        "title": "There is not enough money in the wallet",
        "status": 409,
        "code": "InsufficientFunds",
        "missing_cents": 1,
    }
    assert events((await client.request("GET", f"{HISTORY}?fail_at=1")).body)[1:] == [("error", problem)]
    assert lines((await client.request("GET", f"{HISTORY}?fail_at=1", headers=LINES)).body)[1:] == [{"error": problem}]


async def test_an_item_of_another_type_ends_the_stream(
    client: AsgiClient, bank: Any, caplog: pytest.LogCaptureFixture
) -> None:
    call = client.start("GET", "/odd")
    await call.task
    assert bank.service.closed.is_set()
    answer = await call.answer()
    (_, first), (name, problem) = events(answer.body)
    assert (first, name, problem["code"]) == (1, "error", "internal_error")
    assert b"hunter2" not in answer.body
    assert "wallet.odd" in str(caplog.records[0].__dict__)


async def test_head_does_not_run_the_operation(client: AsgiClient, bank: Any) -> None:
    answer = await client.request("HEAD", "/quiet")
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "text/event-stream", b"")
    assert not bank.service.running.is_set()


@virtual_time
async def test_a_deadline_ends_a_stream(bank: Any) -> None:
    for headers, expected in [({}, 504), ({"X-Request-Timeout": "3"}, 200)]:
        bank.service.running.clear()
        answer = await bank.client().request("GET", "/quiet", headers={"X-Request-Timeout": "0.5"} | headers)
        assert answer.status == expected
    assert events(answer.body)[-1][0] == "error"
    assert events(answer.body)[-1][1]["code"] == "deadline_exceeded"


@pytest.mark.parametrize(("headers", "sign"), [({}, b":\n\n"), (LINES, b"\n")])
def test_a_quiet_stream_shows_signs_of_life(bank: Any, headers: dict[str, str], sign: bytes) -> None:
    @virtual_time
    async def run() -> None:
        call = bank.client(keep_alive_seconds=15.0, stream_silence_seconds=1.0).start("GET", "/quiet", headers=headers)
        seen = []
        for _ in range(3):
            assert await call.part() == sign
            seen.append(round(virtual_clock().monotonic()))
        assert seen == [1, 16, 31]
        bank.service.go_on.set()
        assert b"1" in (await call.part() or b"")
        last = virtual_clock().monotonic()
        assert await call.part() == sign
        assert virtual_clock().monotonic() - last == pytest.approx(15, abs=0.1)
        call.disconnect()
        assert await call.part() is None

    run()


@virtual_time
async def test_a_client_that_goes_away_closes_the_generator(bank: Any) -> None:
    call = bank.client().start("GET", "/quiet")
    await asyncio.sleep(100)
    call.disconnect()
    await call.answer()
    assert bank.service.closed.is_set()
    assert virtual_clock().monotonic() == pytest.approx(100, abs=0.1)
    assert len(asyncio.all_tasks()) == 1


@virtual_time
async def test_a_stream_that_outlives_the_server_is_told_so(bank: Any) -> None:
    for wait, status in [(0.1, 503), (5, 200)]:
        call = bank.client().start("GET", "/quiet", headers=LINES)
        await asyncio.sleep(wait)
        call.task.cancel()
        start = await call.event()
        parts = [await call.event() for _ in range(1 if wait < 1 else 2)]
        assert start is not None
        assert start["status"] == status
        assert b'"code":"unavailable"' in (parts[-1] or {})["body"]
        with pytest.raises(asyncio.CancelledError):
            await call.task


async def test_nobody_listening_ends_a_stream(bank: Any, caplog: pytest.LogCaptureFixture) -> None:
    call = bank.client().start("GET", HISTORY)
    await call.answer()

    async def send(event: dict[str, Any]) -> None:
        if event["type"] == "http.response.body":
            raise OSError("gone")

    await bank.edge()(call.scope, asyncio.Event().wait, send)
    assert not caplog.records
