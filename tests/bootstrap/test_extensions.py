"""Middleware and the authenticator: found by name, built by injection, refused with one line."""

from __future__ import annotations

from typing import Any

import pytest

from calve.bootstrap.edge import make_edge
from calve.core.errors import ConfigError, PermissionDenied
from calve.runtime import AppConfig
from calve.testing.asgi import AsgiClient
from calve.testing.fakes.observe import CapturedLogs

from .conftest import Market, refusal

GATE = """
    from calve import Clock, Logger, Principal, Settings, Store
    from calve.core.errors import PermissionDenied, Unauthenticated
    from .bank import Bank
    from .events import SEEN

    class Rules(Settings):
        closed: bool = False
        word: str = "open"

    class Gate:
        def __init__(self, rules: Rules, clock: Clock, log: Logger) -> None:
            self.rules, self.clock, self.log = rules, clock, log
        async def __call__(self, call, proceed):
            SEEN.append(f"gate {call.service}.{call.operation.name}")
            self.log.info("at the gate", year=self.clock.now().year > 2000)
            if self.rules.closed and call.operation.name == "balance":
                raise PermissionDenied("closed")
            return await proceed(call)

    async def trail(call, proceed):
        SEEN.append("trail")
        return await proceed(call)

    class Login:
        def __init__(self, rules: Rules, bank: Bank) -> None:
            self.rules, self.bank = rules, bank
        async def __call__(self, headers):
            if headers.get("authorization") != self.rules.word:
                raise Unauthenticated("say the word")
            return Principal(f"ada with {await self.bank.balance('ada')}", frozenset({"bank:write"}))

    async def nobody(headers):
        return None

    class NeedsStore:
        def __init__(self, store: Store) -> None: ...
    class NeedsBank:
        def __init__(self, bank: Bank) -> None: ...
    class NeedsInt:
        def __init__(self, number: int) -> None: ...
    class NotCallable: ...
    NUMBER = 7
"""


def extended(market: Market, middleware: list[str], more: str = "") -> AppConfig:
    """The configuration of the market with middleware."""
    market.write("market/gate.py", GATE)
    return market.config(more, app=f"middleware = {middleware}")


async def test_middleware_runs_in_its_order_and_gets_what_it_asks_for(market: Market) -> None:
    config = extended(market, ["market.gate:trail", "market.gate:Gate"], "[middleware.gate]\nclosed = true\n")
    application = await market.started(config, {"bank"})
    with CapturedLogs() as logs, pytest.raises(PermissionDenied, match="closed"):
        await application.get(market.contract("bank")).balance("ada")
    assert market.seen == ["start bank", "trail", "gate bank.balance"]
    line = logs.line("at the gate")
    assert (line.logger, line.fields) == ("market.gate", {"year": True})


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("market.gate", "'market.gate' is not of the form 'module:attribute'"),
        ("market.gaet:Gate", "module 'market.gaet' was not found; did you mean 'gate'?"),
        ("market.gate:Gaet", "module market.gate has no 'Gaet'; did you mean 'Gate'?"),
        ("market.gate:NUMBER", "'market.gate:NUMBER' cannot be called; name an async function"),
        ("market.gate:NotCallable", "'market.gate:NotCallable' cannot be called"),
        ("market.gate:NeedsStore", "market.gate:NeedsStore asks for a Store, but a store belongs to a service"),
        ("market.gate:NeedsBank", "market.gate:NeedsBank asks for Bank, but middleware runs around every call"),
        ("market.gate:NeedsInt", "parameter 'number' of type int cannot be injected"),
    ],
)
async def test_middleware_that_cannot_be_is_one_error(market: Market, reference: str, text: str) -> None:
    found = await refusal(market.application(extended(market, [reference])))
    assert text in found
    assert not market.data.exists()


async def test_settings_of_middleware_are_checked(market: Market) -> None:
    both = ["market.gate:Gate", "market.gate:trail"]
    text = await refusal(market.application(extended(market, both, "[middleware.gate]\nclose = true\n")))
    assert "calve.toml:12: [middleware.gate] close is not a setting; did you mean 'closed'?" in text
    text = await refusal(market.application(extended(market, both, "[middleware.trail]\nx = 1\n")))
    assert "[middleware.trail] has settings, but trail asks for none" in text


def authenticated(market: Market, reference: str, more: str = "") -> AppConfig:
    """The configuration of the market with an authenticator."""
    market.write("market/gate.py", GATE)
    return market.config(more, http=f"authenticator = '{reference}'")


async def edge(market: Market, config: AppConfig) -> AsgiClient:
    """The REST edge of everything in one process."""
    application = await market.started(config)
    return AsgiClient(make_edge(application, application.edge_endpoints()))


async def test_an_authenticator_has_settings_and_may_call_services(market: Market) -> None:
    client = await edge(market, authenticated(market, "market.gate:Login", "[authenticator]\nword = 'sesame'\n"))
    sent: dict[str, Any] = {"json": {"cents": 2}}
    assert (await client.request("POST", "/accounts/ada/debits", **sent)).status == 401
    answer = await client.request("POST", "/accounts/ada/debits", **sent, headers={"authorization": "sesame"})
    assert (answer.status, answer.json()) == (200, -2)


async def test_an_authenticator_may_be_a_function(market: Market) -> None:
    client = await edge(market, authenticated(market, "market.gate:nobody"))
    assert (await client.request("GET", "/accounts/ada")).status == 200
    assert (await client.request("POST", "/accounts/ada/debits", json={"cents": 2})).status == 401


@pytest.mark.parametrize(
    ("reference", "more", "text"),
    [
        ("market.gate:Lgin", "", "did you mean 'Login'?"),
        ("market.gate:NeedsStore", "", "asks for a Store, but a store belongs to a service"),
        ("market.gate:NUMBER", "", "cannot be called"),
        ("market.gate:Login", "[authenticator]\nwrod = 'x'\n", r"[authenticator] wrod is not a setting"),
        ("market.gate:nobody", "[authenticator]\nword = 'x'\n", "[authenticator] has settings, but nobody asks for"),
    ],
)
async def test_an_authenticator_that_cannot_be_is_one_error(
    market: Market, reference: str, more: str, text: str
) -> None:
    application = await market.started(authenticated(market, reference, more))
    with pytest.raises(ConfigError) as caught:
        make_edge(application, application.edge_endpoints())
    assert text in str(caught.value)
