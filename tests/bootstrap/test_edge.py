"""The REST edge as calve.toml describes it."""

from __future__ import annotations

from calve.bootstrap.edge import make_edge
from calve.testing.asgi import AsgiClient
from calve.testing.clock import VirtualClock

from .conftest import Market


async def test_the_document_says_what_the_application_is(market: Market) -> None:
    application = await market.started(market.config(app="version = '2.5.0'\ndescription = 'Buys and sells'"))
    edge = make_edge(application, application.edge_endpoints())
    info = edge.document["info"]
    assert (info["title"], info["version"], info["description"]) == ("market", "2.5.0", "Buys and sells")


async def test_requests_have_the_limits_of_calve_toml(market: Market) -> None:
    application = await market.started(market.config(http="body_bytes_max = 100\nnesting_max = 3"))
    client = AsgiClient(make_edge(application, application.edge_endpoints()))
    target = "/accounts/ada/debits"
    assert (await client.request("POST", target, body=b" " * 101)).status == 413
    nested = await client.request("POST", target, json={"cents": [[[[1]]]]})
    assert (nested.status, "deep" in nested.json()["detail"] or "nest" in nested.json()["detail"]) == (400, True)


async def test_deadlines_are_points_on_the_clock_of_the_application(market: Market) -> None:
    market.replace("market/bank.py", "return found or 0", "return int(current_call().deadline)")
    market.replace("market/bank.py", "Contract, Logger", "Contract, Logger, current_call")
    application = await market.started(clock=VirtualClock())  # where it is zero
    client = AsgiClient(make_edge(application, application.edge_endpoints()))
    answer = await client.request("GET", "/accounts/ada", headers={"x-request-timeout": "5"})
    assert (answer.status, answer.json()) == (200, 5)


async def test_pages_are_served_beside_operations(market: Market) -> None:
    application = await market.started()

    async def page() -> tuple[int, str, bytes]:
        return 200, "text/plain", b"here"

    client = AsgiClient(make_edge(application, application.hosted_endpoints(), {"/extra": page}))
    assert (await client.request("GET", "/extra")).body == b"here"
