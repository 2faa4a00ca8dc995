"""Requests: what is read from path, query and body, and what is refused, with the field and the part at fault."""

from __future__ import annotations

from typing import Any

import pytest

from calve.testing.asgi import AsgiClient

OWNER = "6f1c2a6e-0b7e-4d5e-9c55-5f8f0f6f0a01"
JSON = {"content-type": "application/json"}


async def test_query_parameters_are_read_from_text(client: AsgiClient) -> None:
    answer = await client.request(
        "GET", "/search?text=a%20b+c%2B&limit=5&ids=1&ids=2&exact=true&since=2030-01-01T02:00:00%2B02:00&price=1.50"
    )
    assert answer.status == 200
    assert answer.json() == {
        "text": "a b c+",
        "limit": 5,
        "ids": [1, 2],
        "exact": True,
        "since": "2030-01-01T00:00:00Z",
        "price": "1.50",
    }


@pytest.mark.parametrize(
    ("query", "name", "value"),
    [
        ("limit=5.0", "limit", 5),
        ("limit=1e1", "limit", 10),
        ("exact=null", "exact", None),
        ("exact=false", "exact", False),
        ("ids=-0&ids=18446744073709551615", "ids", [0, 2**64 - 1]),
        ("price=1e2", "price", "1E+2"),
        ("text=null", "text", "null"),
        ("text=a+b", "text", "a b"),
    ],
)
async def test_numbers_and_flags_are_written_as_in_json(client: AsgiClient, query: str, name: str, value: Any) -> None:
    answer = await client.request("GET", f"/search?{query}" + ("" if "text" in query else "&text=a"))
    assert (answer.status, answer.json()[name]) == (200, value)


async def test_query_parameters_that_are_absent_have_their_defaults(client: AsgiClient) -> None:
    answer = await client.request("GET", "/search?&text=")
    assert answer.json() == {"text": "", "limit": 10, "ids": [], "exact": None, "since": None, "price": None}


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("", "$", "text"),
        ("?text=a&limit=x", "$.limit", "Expected `int`"),
        ("?text=a&limit=0", "$.limit", ">= 1"),
        ("?text=a&limit=1.5", "$.limit", "Expected `int`"),
        ("?text=a&limit=1-", "$.limit", "Expected `int`"),
        ("?text=a&limit=1e400", "$.limit", "Expected `int`"),
        ("?text=a&limit=true", "$.limit", "Expected `int`"),
        ("?text=a&limit=null", "$.limit", "Expected `int`"),
        ("?text=a&exact=1", "$.exact", "Expected `bool | null`"),
        ("?text=a&exact=TRUE", "$.exact", "Expected `bool | null`"),
        ("?text=a&since=1577836800", "$.since", "datetime"),
        ("?text=a&price=1,5", "$.price", "decimal"),
        ("?text=a&limit=", "$.limit", "Expected `int`"),
        ("?text=a&ids=1&ids=b", "$.ids[1]", "Expected `int`"),
        (f"?text=a&ids={2**64}", "$", "2**64"),
        ("?text=a&text=b", "$.text", "more than once"),
        ("?text=a&lmit=5", "$.lmit", "did you mean 'limit'?"),
        ("?text=%ff", "$", "not UTF-8"),
    ],
)
async def test_query_parameters_that_do_not_fit_are_refused(
    client: AsgiClient, query: str, field: str, words: str
) -> None:
    answer = await client.request("GET", f"/search{query}")
    problem = answer.json()
    assert (answer.status, problem["code"], problem["field"]) == (400, "invalid_argument", field)
    assert (problem["errors"][0]["in"], problem["may_have_run"]) == ("query", False)
    assert words in problem["detail"]


async def test_all_unknown_query_parameters_are_named(client: AsgiClient) -> None:
    problem = (await client.request("GET", "/context?a=1&b=2")).json()
    assert [error["field"] for error in problem["errors"]] == ["$.a", "$.b"]


async def test_of_very_many_unknown_query_parameters_some_are_named(client: AsgiClient) -> None:
    problem = (await client.request("GET", "/context?" + "&".join(f"p{n}{'x' * 100}" for n in range(60)))).json()
    assert len(problem["errors"]) == 20
    assert max(len(error["field"]) for error in problem["errors"]) <= 62


async def test_a_query_string_is_refused_where_none_is_meant(client: AsgiClient) -> None:
    answer = await client.request("POST", f"/wallets/{OWNER}/debits?cents=5", json={"cents": 5})
    assert (answer.status, answer.json()["field"]) == (400, "$.cents")


async def test_a_path_parameter_that_does_not_fit_is_refused(client: AsgiClient) -> None:
    for method, path in [("GET", "/wallets/7"), ("POST", "/wallets/7/debits"), ("DELETE", "/wallets/7")]:
        answer = await client.request(method, path, json={"cents": 5})
        problem = answer.json()
        assert (answer.status, problem["field"], problem["errors"][0]["in"]) == (400, "$.owner", "path")


@pytest.mark.parametrize("name", ["a b", "ä/ö", "%", "\N{SNOWMAN}", ".", "a?b#c", "\0"])
async def test_a_path_parameter_may_hold_anything(client: AsgiClient, name: str) -> None:
    quoted = "".join(f"%{byte:02x}" for byte in name.encode())
    assert (await client.request("GET", f"/names/{quoted}")).json() == name


async def test_body_members_are_parameters(client: AsgiClient) -> None:
    answer = await client.request("POST", f"/wallets/{OWNER}/debits", json={"cents": 30})
    assert (answer.status, answer.json()) == (200, {"owner": OWNER, "cents": 70, "version": 2})


async def test_one_message_is_the_whole_body(client: AsgiClient) -> None:
    order = {"lines": [{"sku": "a", "quantity": 2}], "note": "x", "due": "2030-01-01T02:00:00+02:00", "extra": [1.5]}
    answer = await client.request("POST", "/orders", json=order)
    assert answer.json() == order | {"due": "2030-01-01T00:00:00Z"}


async def test_body_members_that_the_operation_does_not_know_are_ignored(client: AsgiClient) -> None:
    answer = await client.request("POST", f"/wallets/{OWNER}/debits", json={"cents": 30, "colour": "red"})
    assert answer.status == 200


@pytest.mark.parametrize(("body", "said"), [(b"", "anonymous "), (b"{}", "anonymous "), (b'{"name":"x"}', "x ")])
async def test_a_body_of_defaults_may_be_empty(client: AsgiClient, body: bytes, said: str) -> None:
    answer = await client.request("PATCH", f"/wallets/{OWNER}", body=body, headers=JSON)
    assert answer.json() == said


async def test_an_operation_without_body_ignores_one(client: AsgiClient) -> None:
    answer = await client.request("POST", "/ping", body=b"whatever", headers={"content-type": "text/plain"})
    assert answer.status == 202


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        (b"", "$", "has none"),
        (b"{}", "$", "lines"),
        (b"[]", "$", "Expected `object`"),
        (b"null", "$", "Expected `object`"),
        (b'{"lines":[{"sku":"a","quantity":0}]}', "$.lines[0].quantity", ">= 1"),
        (b'{"lines":[{"sku":"a","quantity":"1"}]}', "$.lines[0].quantity", "Expected `int`"),
        (b'{"lines":[{"sku":"a","quantity":1.5}]}', "$.lines[0].quantity", "Expected `int`"),
        (b'{"lines":[{"sku":"a","quantity":1e400}]}', "$.lines[0].quantity", "out of range"),
        (b'{"lines":[],"extra":18446744073709551616}', "$", "2**64"),
        (b'{"lines":[],"extra":1e999}', "$.extra", "out of range"),
        (b'{"lines":[],"note":"\xff"}', "$", "utf-8"),
        (b'\xef\xbb\xbf{"lines":[]}', "$", "malformed"),
        ('{"lines":[]}'.encode("utf-16"), "$", "malformed"),
        (b'{"lines":[]', "$", "truncated"),
        (b'{"lines":[1.0', "$", "truncated"),
        (b'{"lines":[]}x', "$", "trailing"),
        (b'{"lines":[],"extra":' + b"[" * 64 + b"]" * 64 + b"}", "$", "deeper than 64 levels"),
        (b"[" * 100_000, "$", "deeper than 64 levels"),
    ],
)
async def test_bodies_that_do_not_fit_are_refused(client: AsgiClient, body: bytes, field: str, words: str) -> None:
    answer = await client.request("POST", "/orders", body=body, headers=JSON)
    problem = answer.json()
    assert (answer.status, problem["code"], problem["field"]) == (400, "invalid_argument", field)
    assert problem["errors"][0]["in"] == "body"
    assert words in problem["detail"].lower() or words in problem["detail"]


async def test_a_whole_number_is_an_integer_however_it_is_written(client: AsgiClient) -> None:
    body = b'{"lines":[{"sku":"a","quantity":5.0},{"sku":"b","quantity":1e2}],"extra":[1.50,-0.0]}'
    answer = await client.request("POST", "/orders", body=body, headers=JSON)
    assert [line["quantity"] for line in answer.json()["lines"]] == [5, 100]
    assert answer.json()["extra"] == [1.5, 0]


async def test_nesting_up_to_the_limit_is_fine(client: AsgiClient) -> None:
    deep: Any = 1
    for _ in range(63):
        deep = [deep]
    answer = await client.request("POST", "/orders", json={"lines": [], "extra": deep})
    assert (answer.status, answer.json()["extra"]) == (200, deep)


@pytest.mark.parametrize(
    "declared", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"']
)
async def test_json_may_be_declared_in_these_ways(client: AsgiClient, declared: str) -> None:
    answer = await client.request("POST", "/orders", body=b'{"lines":[]}', headers={"content-type": declared})
    assert answer.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/jsonp"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
@pytest.mark.parametrize("length", [{}, {"content-length": "12"}])
async def test_a_body_that_is_not_plain_json_is_refused(
    client: AsgiClient, headers: dict[str, str], length: dict[str, str]
) -> None:
    answer = await client.request("POST", "/orders", body=b'{"lines":[]}', headers=headers | length)
    assert (answer.status, answer.json()["code"]) == (415, "unsupported_media_type")
