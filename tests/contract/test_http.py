"""HTTP rules as text: what is read, and what is refused with the next step."""

from __future__ import annotations

from typing import Literal

import pytest

from calve.contract import ContractError, HttpRule
from calve.contract.http import parse_rule

Kind = Literal["command", "query"]


def parse(rule: str, kind: Kind = "command") -> HttpRule:
    """Parse as `describe` does."""
    return parse_rule(rule, kind=kind, status=200, where="shop.Wallet.debit")


@pytest.mark.parametrize(
    ("rule", "kind", "params"),
    [
        ("GET /", "query", ()),
        ("GET /wallets/{owner}", "query", ("owner",)),
        ("POST /wallets/{owner}/debits/", "command", ("owner",)),
        ("PATCH /a/{b}/c-1.x_~!$&'()*+,;=:@%20/{d}", "command", ("b", "d")),
        ("PUT /x", "command", ()),
        ("DELETE /x/{id}", "command", ("id",)),
    ],
)
def test_a_rule_is_taken_apart(rule: str, kind: Kind, params: tuple[str, ...]) -> None:
    method, path = rule.split(" ")
    assert parse(rule, kind) == HttpRule(method, path, params, 200)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "kind", "text"),
    [
        ("/wallets", "query", "is not 'METHOD /path'; write for example 'GET /wallets/{owner}'"),
        ("get /wallets", "query", "is not 'METHOD /path'"),
        ("HEAD /wallets", "query", "is not 'METHOD /path'"),
        ("GET wallets", "query", "is not 'METHOD /path'"),
        ("GET /wallets?x=1", "query", "path segment 'wallets?x=1'"),
        ("GET /a//b", "query", "path segment ''"),
        ("GET /a/{b", "query", "path segment '{b'"),
        ("GET /a/x{b}", "query", "path segment 'x{b}'"),
        ("GET /a/{b-c}", "query", "path segment '{b-c}'"),
        ("GET /ü", "query", "path segment 'ü'"),
        ("GET /{a}/{a}", "query", "names a parameter twice"),
        ("POST /a", "query", "a query is safe, hence GET"),
        ("GET /a", "command", "a command changes state"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(rule: str, kind: Kind, text: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse(rule, kind)
    assert str(caught.value).startswith("shop.Wallet.debit: ")
    assert text in str(caught.value)
