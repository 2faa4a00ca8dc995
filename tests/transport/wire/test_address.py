"""Addresses: read, written, and refused with the next step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calve.core.errors import ConfigError
from calve.transport.wire import Address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unix:/run/shop.sock", Address("unix", path="/run/shop.sock")),
        ("tcp://127.0.0.1:7400", Address("tcp", host="127.0.0.1", port=7400)),
        ("tls://money.shop.svc:0", Address("tls", host="money.shop.svc", port=0)),
        ("tcp://[::1]:80", Address("tcp", host="::1", port=80)),
    ],
)
def test_good_addresses(text: str, expected: Address) -> None:
    assert Address.parse(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no scheme"),
        ("/run/shop.sock", "has no scheme"),
        ("localhost:80", "unknown scheme; known: tcp, tls, unix"),
        ("tpc://localhost:80", "unknown scheme; did you mean 'tcp'"),
        ("http://localhost:80", "unknown scheme"),
        ("unix:run/shop.sock", "absolute path"),
        ("unix://run/shop.sock", "absolute path"),
        ("unix:", "absolute path"),
        ("unix:/a\0b", "absolute path"),
        ("unix:/" + "x" * 107, "takes 108 bytes, at most 107"),
        ("unix:/" + "é" * 54, "takes 109 bytes"),
        ("tcp://localhost", "scheme://host:port"),
        ("tcp://:80", "scheme://host:port"),
        ("tcp:localhost:80", "scheme://host:port"),
        ("tcp://localhost:http", "scheme://host:port"),
        ("tcp://user@localhost:80", "scheme://host:port"),
        ("tcp://::1:80", "scheme://host:port"),
        ("tcp://localhost:65536", "the highest is 65535"),
        ("tls://localhost:99999999999", "scheme://host:port"),
    ],
)
def test_bad_addresses_say_what_is_wrong_and_where(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Address.parse(text, where="calve.toml [wire] listen")
    assert str(caught.value).startswith("calve.toml [wire] listen: ")
    assert caught.value.fix


def test_the_longest_path_fits() -> None:
    assert Address.parse("unix:/" + "x" * 106).path == "/" + "x" * 106


@given(st.text())
def test_any_text_is_an_address_or_an_error(text: str) -> None:
    for prefix in ("", "unix:", "tcp://", "tls://h:"):
        try:
            address = Address.parse(prefix + text)
        except ConfigError:
            continue
        assert Address.parse(str(address)) == address
