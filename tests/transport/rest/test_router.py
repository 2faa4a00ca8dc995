"""The route table: what is found, what is not, what may not be claimed twice."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calve.core.errors import ConfigError
from calve.transport.rest.router import Router


def router() -> Router[str]:
    table: Router[str] = Router()
    for method, path in [
        ("GET", "/"),
        ("GET", "/orders"),
        ("POST", "/orders"),
        ("GET", "/orders/open"),
        ("GET", "/orders/{id}"),
        ("DELETE", "/orders/{number}"),
        ("GET", "/orders/{id}/lines/{line}"),
        ("GET", "/orders/open/lines"),
        ("GET", "/orders/open/{id}/first"),
        ("GET", "/orders/{id}/{line}/last"),
        ("GET", "/caf%C3%A9"),
    ]:
        table.add(method, path, f"{method} {path}", f"shop{path}")
    return table


@pytest.mark.parametrize(
    ("path", "target", "values"),
    [
        ("/", "GET /", ()),
        ("/orders", "GET /orders", ()),
        ("/orders/open", "GET /orders/open", ()),
        ("/orders/7", "GET /orders/{id}", ("7",)),
        ("/orders/7/lines/2", "GET /orders/{id}/lines/{line}", ("7", "2")),
        ("/orders/open/lines", "GET /orders/open/lines", ()),
        ("/orders/open/lines/2", "GET /orders/{id}/lines/{line}", ("open", "2")),
        ("/orders/open/7/first", "GET /orders/open/{id}/first", ("7",)),
        ("/orders/open/7/last", "GET /orders/{id}/{line}/last", ("open", "7")),
    ],
)
def test_the_most_literal_route_is_found(path: str, target: str, values: tuple[str, ...]) -> None:
    for found in (router().find(path), router().find_raw(path.encode())):
        assert found is not None
        assert (found.resource.methods["GET"], found.values) == (target, values)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "*",
        "x/orders/7",
        "/order",
        "/orders/",
        "//orders",
        "/orders/7/",
        "/orders//lines/2",
        "/orders/7/lines",
        "/orders/7/lines/2/x",
    ],
)
def test_another_path_is_not_found(path: str) -> None:
    assert router().find(path) is None
    assert router().find_raw(path.encode()) is None


def test_an_encoded_slash_belongs_to_the_value() -> None:
    found = router().find_raw(b"/orders/a%2Fb")
    assert found is not None
    assert found.values == ("a/b",)
    assert router().find_raw(b"/orders%2Fopen") is None


def test_encoded_letters_are_those_letters() -> None:
    for raw in (b"/%6frders/open", b"/orders/op%65n"):
        found = router().find_raw(raw)
        assert found is not None
        assert found.resource.methods["GET"] == "GET /orders/open"
    assert router().find_raw("/café".encode()) is not None
    assert router().find_raw(b"/caf%c3%a9") is not None


def test_what_is_not_utf8_is_said_so() -> None:
    with pytest.raises(UnicodeDecodeError):
        router().find_raw(b"/orders/%ff")


def test_get_answers_head_and_all_methods_are_listed() -> None:
    orders, one = router().find("/orders"), router().find("/orders/7")
    assert orders is not None
    assert one is not None
    assert orders.resource.methods["HEAD"] == "GET /orders"
    assert orders.resource.allow == b"GET, HEAD, OPTIONS, POST"
    assert one.resource.allow == b"DELETE, GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", ["/orders", "/orders/{other}", "/caf%c3%a9"])
def test_a_route_can_be_claimed_once(path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        router().add("GET", path, "again", "stock.orders")
    text = str(caught.value)
    assert path in text
    assert "stock.orders" in text
    assert "shop/" in text


@given(st.text(max_size=40))
def test_any_value_survives_the_path(value: str) -> None:
    quoted = "".join(f"%{byte:02X}" for byte in value.encode("utf-8", "ignore"))
    value = value.encode("utf-8", "ignore").decode()
    found = router().find_raw(f"/orders/{quoted}/lines/1".encode())
    if value:
        assert found is not None
        assert found.values == (value, "1")
    else:
        assert found is None


@given(st.binary(max_size=60))
def test_a_hostile_path_is_found_or_not(raw: bytes) -> None:
    try:
        router().find_raw(b"/" + raw)
    except UnicodeDecodeError:
        with pytest.raises(UnicodeDecodeError):
            unquote_to_bytes(raw).decode()
