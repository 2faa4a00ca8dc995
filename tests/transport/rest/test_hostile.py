"""Whatever comes in, one answer goes out: never a 500, never silence, never two."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calve.testing.asgi import Answer, AsgiClient

OWNER = "6f1c2a6e-0b7e-4d5e-9c55-5f8f0f6f0a01"
MANY = settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

Ask = Callable[..., Answer]

paths = st.sampled_from(
    ["/search", "/names/", "/orders", "/wallets/", f"/wallets/{OWNER}/debits", "/", "/docs", "/context"]
)
texts = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=30)
names = st.sampled_from(["text", "limit", "ids", "exact", "since", "price", "x"])
values = st.sampled_from(["1", "-1", "true", "null", "%00", "%ff", "+", "1e9", "NaN", "9" * 30, "%F0%9F%92%A9"])
pairs = st.tuples(names, values | texts).map("=".join)
queries = st.lists(pairs, max_size=5).map("&".join)
members = st.sampled_from(["lines", "note", "due", "sku", "extra", "cents"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(members, inner),
    max_leaves=10,
)
bodies = st.binary(max_size=60) | json_values.map(msgspec.json.encode)
context_headers = ["idempotency-key", "x-request-timeout", "traceparent", "tracestate", "authorization"]
content_headers = ["content-type", "content-length", "content-encoding", "transfer-encoding", "expect"]
header_names = st.sampled_from([*context_headers, *content_headers, "accept", "if-none-match"])
header_values = st.text(alphabet=st.characters(max_codepoint=255), max_size=20) | st.sampled_from(
    ["application/json", "application/json; charset=", "0", "5", "9" * 20, "*", f"00-{0:032}-{0:016}-01"]
)
headers = st.dictionaries(header_names, header_values, max_size=4)


@pytest.fixture
def ask(bank: Any) -> Iterator[Ask]:
    """Makes a request and looks at the answer; one edge for all examples of a test."""

    async def make() -> AsgiClient:
        client: AsgiClient = bank.client()
        return client

    with asyncio.Runner() as runner:
        client = runner.run(make())

        def request(method: str, target: str, **options: Any) -> Answer:
            answer = runner.run(client.request(method, target, **options))
            check(answer)
            return answer

        yield request


def check(answer: Answer) -> None:
    assert 200 <= answer.status < 500
    if answer.status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == answer.status
        assert problem["type"].startswith("urn:calve:error:")
    assert answer.headers.get("content-length", str(len(answer.body))) == str(len(answer.body))


@MANY
@given(path=paths, rest=texts, query=queries | texts)
def test_hostile_targets(ask: Ask, path: str, rest: str, query: str) -> None:
    ask("GET", f"{path}{rest.replace('?', '')}?{query}")


@MANY
@given(path=paths, body=bodies, given_headers=headers, split=st.integers(0, 60))
def test_hostile_bodies_and_headers(
    ask: Ask, path: str, body: bytes, given_headers: dict[str, str], split: int
) -> None:
    declared = {"content-type": "application/json"} | given_headers
    ask("POST", path, body=[body[:split], body[split:]], headers=declared)


@MANY
@given(order=st.fixed_dictionaries({"lines": st.just([])}, optional={"extra": json_values, "note": json_values}))
def test_what_is_accepted_comes_back(ask: Ask, order: Any) -> None:
    answer = ask("POST", "/orders", json=order)
    if answer.status == 200:
        sent = msgspec.json.decode(msgspec.json.encode(order))
        assert answer.json() == {"lines": [], "note": None, "due": None, "extra": None} | sent


@pytest.mark.parametrize("method", ["GET", "POST", "\xff", "", "G" * 5000])
def test_hostile_methods(ask: Ask, method: str) -> None:
    ask(method, "/orders", json={"lines": []})
