"""The documentation page: complete without JavaScript and without a network, safe with any text in the contract."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from calve.contract import describe
from calve.contract.openapi import openapi
from calve.testing.asgi import AsgiClient
from calve.transport.rest.docs import render


class Page(HTMLParser):
    """What a browser without JavaScript shows, and everything it would load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.ids, self.loads, self.scripts, self.links = "", set[str](), list[str](), list[str](), set[str]()
        self._hidden = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids.add(found.get("id") or "")
        self.loads += [
            value or "" for name, value in attrs if name in ("src", "action") or (tag, name) == ("link", "href")
        ]
        if tag == "a":
            self.links.add(found.get("href") or "")
        if tag in ("script", "style", "form"):
            self._hidden = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = ""

    def handle_data(self, data: str) -> None:
        if self._hidden in ("script", "style"):
            self.scripts.append(data)
        elif not self._hidden:
            self.text += data


@pytest.fixture
async def page(client: AsgiClient) -> Page:
    return Page((await client.request("GET", "/docs")).body.decode())


async def test_it_tells_everything_without_a_script(page: Page) -> None:
    for words in [
        "Bank 1.2",
        "Money held for a customer.",
        "/wallets/{owner}/debits",
        "Take money out of a wallet.",
        "There must be enough in it.",
        "There is not enough money in the wallet",
        "Idempotency-Key",
        "integer >= 1 <= 100",
        "Needs the role wallet:admin.",
        "streamed as text/event-stream",
        "What is in a wallet.",
    ]:
        assert words in page.text, words


async def test_it_loads_nothing_and_its_links_lead_somewhere(page: Page) -> None:
    assert page.loads == []
    assert "wallet.debit" in page.ids
    assert {link.removeprefix("#") for link in page.links if link != "openapi.json"} <= page.ids


async def test_its_policy_allows_its_own_script_and_style_only(client: AsgiClient, page: Page) -> None:
    policy = (await client.request("GET", "/docs")).headers["content-security-policy"]
    hashes = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in page.scripts}
    assert set(re.findall(r"'sha256-([^']+)'", policy)) == hashes
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_text_from_a_contract_is_only_text(bank: Any) -> None:
    evil = "<script>alert('x')</script>\"'&"
    info = describe(type(bank.service).__mro__[1])
    document = openapi([("wallet", info._replace(doc=evil))], title=evil, version=evil, description=evil)
    operation = document["paths"]["/search"]["get"]
    operation["summary"] = operation["description"] = operation["responses"]["200"]["description"] = evil
    operation["parameters"][0] |= {"name": evil, "description": evil, "schema": {"enum": [evil], "format": evil}}
    document["components"]["schemas"]["Balance"]["description"] = evil
    html = render(document).html.decode()
    assert "<script>alert" not in html
    assert Page(html).text.count(evil) >= 8


def test_every_kind_of_type_has_words_and_a_sample() -> None:
    schemas: dict[str, Any] = {
        "Tree": {
            "type": "object",
            "required": ["below"],
            "properties": {"below": {"$ref": "#/components/schemas/Tree"}},
        }
    }
    kinds: list[Any] = [
        {"const": 1},
        {"enum": ["a", None]},
        {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]},
        {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}},
        {"type": "array", "prefixItems": [{"type": "boolean"}, {"type": "string", "default": "x"}], "items": False},
        {"$ref": "#/components/schemas/Tree"},
        {},
    ]
    properties = {f"p{number}": kind for number, kind in enumerate(kinds)}
    body = {"type": "object", "properties": properties, "required": list(properties)}
    operation = {
        "operationId": "a.b",
        "tags": ["a"],
        "requestBody": {"content": {"application/json": {"schema": body}}},
        "responses": {"204": {"description": "Done"}},
    }
    document = {
        "info": {"title": "t", "version": "1"},
        "tags": [{"name": "a", "description": ""}],
        "paths": {"/a": {"post": operation}},
        "components": {"schemas": schemas | {"Body": body}},
    }
    html = render(document).html.decode()
    assert "array of number &gt; 0" in html
    assert "<code>&quot;a&quot;</code> | <code>null</code>" in html
    sample = re.search(r"<textarea[^>]*>(.*?)</textarea>", html, re.DOTALL)
    assert sample is not None
    assert "00000000-0000-4000-8000-000000000000" in sample[1]
