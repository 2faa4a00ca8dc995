"""Adopted applications in a unit: beside contract services, behind the same edge, failing without harm."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from calve.bootstrap import UnitProcess, build_unit, describe_services
from calve.core.errors import ConfigError
from calve.runtime import AppConfig, load_config
from calve.testing.fakes.observe import CapturedLogs
from calve.testing.rest import HttpClient

from .conftest import Market

FASTAPI = """
    from fastapi import FastAPI
    import calve
    from .bank import Bank
    from .events import SEEN

    bank = calve.stub(Bank)
    app = FastAPI()

    @app.get("/items/{number}")
    async def item(number: int) -> dict[str, int]:
        return {"number": number, "cents": await bank.balance("ann")}

    @app.post("/accounts/{owner}")
    async def open_account(owner: str) -> str:
        return owner

    @app.get("/")
    async def home() -> str:
        return "home"
"""
WSGI = """
    from .events import SEEN

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        SEEN.append(environ["PATH_INFO"])
        return [environ["PATH_INFO"].encode()]
"""
LEGACY = '[service.legacy]\nasgi = "market.legacy:app"\ncalls = ["bank"]\n'
OLD = '[service.old]\nwsgi = "market.old:application"\nmount = "/old"\n'


@pytest.fixture
def adopting(market: Market) -> Market:
    """The market, with two applications to adopt."""
    market.write("market/legacy.py", FASTAPI)
    market.write("market/old.py", WSGI)
    return market


@asynccontextmanager
async def running(config: AppConfig) -> AsyncIterator[tuple[UnitProcess, HttpClient]]:
    """The unit of the topology `one`."""
    unit = build_unit(config, config.topology("one"), config.topology("one").units[0].name)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(unit.stop)
        await unit.start()
        unit.health.become("ready")
        assert unit.url is not None
        yield unit, HttpClient(unit.url)
        await unit.drain(0, 10)


@pytest.fixture(autouse=True)
def _untouched_logging() -> Any:
    """A unit sets up logging for the whole process; put it back."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before


@pytest.fixture
def whole(adopting: Market) -> AppConfig:
    """Configuration of the market in one unit."""
    return adopting.config(LEGACY + OLD)


async def test_one_edge_for_all(whole: AppConfig) -> None:
    async with running(whole) as (_, client):
        assert (await client.request("GET", "/items/7")).json() == {"number": 7, "cents": 0}
        assert (await client.request("GET", "/accounts/ann")).json() == 0, "the contract's"
        assert (await client.request("POST", "/accounts/ann")).json() == "ann", "no contract claims this method"
        assert (await client.request("OPTIONS", "/accounts/ann")).headers["allow"] == "GET, HEAD, OPTIONS"
        assert (await client.request("GET", "/old/x")).body == b"/x"
        assert (await client.request("GET", "/")).json() == "home"
        assert (await client.request("GET", "/nothing")).json() == {"detail": "Not Found"}
        assert (await client.request("GET", "/%ff")).status == 404
        assert (await client.request("GET", f"/items/7?q={'x' * 20_000}")).status == 200
        page = (await client.request("GET", "/docs")).body.decode()
        assert "/accounts/{owner}/debits" in page
        assert "/items/{number}" in page
        metrics = (await client.request("GET", "/metrics")).body.decode()
        assert 'operation="GET /items/{number}",service="legacy"' in metrics
        assert (await client.request("GET", "/health/ready")).json()["checks"] == {
            "store.bank": "ok",
            "legacy": "ok",
            "old": "ok",
        }
        paths = (await client.request("GET", "/openapi.json")).json()["paths"]
        assert set(paths["/accounts/{owner}"]) == {"get", "post"}


@pytest.mark.parametrize(("calls", "status"), [('calls = ["bank"]\n', 200), ("", 500)])
async def test_in_strict_mode_it_calls_what_it_says_it_calls(adopting: Market, calls: str, status: int) -> None:
    config = adopting.config(f'[service.legacy]\nasgi = "market.legacy:app"\n{calls}', app="strict = true")
    with CapturedLogs() as logs:
        async with running(config) as (_, client):
            assert (await client.request("GET", "/items/7")).status == status
    said = 'it does not say that it calls bank; add "bank" to calls under [service.legacy]'
    assert [said in str(line.exception) for line in logs.lines if line.message == "request failed"] == [True] * (
        status == 500
    )


async def test_whose_code_it_is_is_known_without_an_init_file(adopting: Market) -> None:
    adopting.write("deep/legacy.py", FASTAPI.replace(".bank", "market.bank").replace(".events", "market.events"))
    config = adopting.config('[service.legacy]\nasgi = "deep.legacy:app"\ncalls = ["bank"]\n')
    async with running(config) as (unit, _):
        code = unit.application.code()
    assert code[f"{adopting.root}/deep/"] == "legacy"
    assert code[f"{adopting.root}/market/bank.py"] == "bank"


@pytest.mark.parametrize(
    ("setting", "asked"), [("", []), ('openapi = ""\n', []), ('openapi = "/api.json"\n', ["/api.json"])]
)
async def test_a_wsgi_application_is_asked_for_no_document_but_the_one_it_is_said_to_have(
    adopting: Market, setting: str, asked: list[str]
) -> None:
    async with running(adopting.config(OLD + setting)):
        assert [path for path in adopting.seen if path.startswith("/")] == asked


async def test_each_is_named_before_it_is_imported(whole: AppConfig) -> None:
    unit, seen = build_unit(whole, whole.topology("one"), "market"), list[str]()
    unit.health.watch(lambda state, detail: seen.append(detail))
    await unit.start()
    await unit.stop()
    assert [step for step in seen if step.startswith("starting ")][-2:] == ["starting legacy", "starting old"]


async def test_one_that_fails_leaves_the_others(adopting: Market) -> None:
    adopting.write("market/legacy.py", "import nowhere_to_be_found")
    with CapturedLogs():
        async with running(adopting.config(LEGACY + OLD)) as (_, client):
            assert (await client.request("GET", "/items/7")).status == 503
            assert (await client.request("GET", "/accounts/ann")).status == 200
            assert (await client.request("GET", "/old/x")).status == 200
            ready = await client.request("GET", "/health/ready")
    assert (ready.status, ready.json()["degraded"]) == (200, ["legacy"])
    assert "ModuleNotFoundError: No module named 'nowhere_to_be_found'" in ready.json()["checks"]["legacy"]
    assert "market/legacy.py:1" in ready.json()["checks"]["legacy"]


async def test_where_nothing_else_is_left_the_unit_is_not_ready(adopting: Market) -> None:
    adopting.write("market/legacy.py", "raise SystemExit(1)")
    project = adopting.root / "calve.toml"
    project.write_text('[app]\nname = "market"\n[http]\nport = 0\n[service.legacy]\nasgi = "market.legacy:app"\n')
    with CapturedLogs():
        async with running(load_config(project, environ={})) as (_, client):
            assert (await client.request("GET", "/health/ready")).status == 503
            assert (await client.request("GET", "/health/live")).status == 200


async def test_a_document_that_cannot_be_shown_is_left_out(adopting: Market) -> None:
    adopting.replace("market/legacy.py", "app = FastAPI()", "app = FastAPI()\napp.openapi = lambda: BROKEN")
    text = (adopting.root / "market/legacy.py").read_text()
    broken = {"openapi": "3.1.0", "paths": {"/x": {"get": {"parameters": [{"name": 1, "in": []}]}}}}
    (adopting.root / "market/legacy.py").write_text(text + f"\nBROKEN = {json.dumps(broken)}\n")
    with CapturedLogs() as logs:
        async with running(adopting.config(LEGACY)) as (_, client):
            assert set((await client.request("GET", "/openapi.json")).json()["paths"]) >= {"/accounts/{owner}"}
            assert (await client.request("GET", "/docs")).status == 200
    assert logs.line("OpenAPI documents of adopted applications left out").fields["services"] == "legacy"


@pytest.mark.parametrize(
    ("asgi", "why"),
    [
        ("market.legcy:app", r"\[service.legacy\]: module 'market.legcy' was not found; check the name"),
        ("nothing.at.all:app", r"module 'nothing.at.all' was not found"),
        ("market.legacy:ap", "module market.legacy has no 'ap'; did you mean 'app'"),
    ],
)
async def test_what_is_not_there_is_found_before_it_serves(adopting: Market, asgi: str, why: str) -> None:
    config = adopting.config(f'[service.legacy]\nasgi = "{asgi}"\n')
    with pytest.raises(ConfigError, match=why):
        async with running(config):
            pass


def test_a_description_imports_none_of_it(adopting: Market) -> None:
    adopting.write("market/legacy.py", "raise SystemExit(1)")
    facts = describe_services(adopting.config(LEGACY + OLD))
    assert (facts["legacy"].contract, facts["legacy"].needs) == ("ASGI market.legacy:app", frozenset({"bank"}))
    assert (facts["old"].contract, facts["old"].stores) == ("WSGI market.old:application", False)
    with pytest.raises(ConfigError, match="was not found"):
        describe_services(adopting.config('[service.legacy]\nasgi = "legcy:app"\n'))
