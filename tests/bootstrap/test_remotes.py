"""A contract that an HTTP service elsewhere fulfils, injected like any other."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from calve.bootstrap import describe_services
from calve.bootstrap.edge import make_edge
from calve.core.errors import ConfigError
from calve.testing import AsgiClient
from calve.transport.rest import HttpServer

from .conftest import Market

GEO = """
    from typing import Protocol
    from calve import Contract, query

    class Geo(Contract, Protocol, version="1.0"):
        @query(http="GET /places/{name}")
        async def find(self, name: str) -> int: ...

    class Silent(Contract, Protocol, version="1.0"):
        @query()
        async def nothing(self) -> None: ...
"""
ASKS = """
    from .geo import Geo

    class PlainService(Plain):
        def __init__(self, geo: Geo) -> None:
            self.geo = geo
        async def nothing(self) -> None:
            assert await self.geo.find("Bern") == 4
"""
REMOTE = '[service.geo]\nurl = "{url}"\ncontract = "market.geo:Geo"\ntoken = "t0ken"\n'


async def elsewhere(scope: object, receive: object, send: object) -> None:
    """Answers with the length of the name."""
    path: str = scope["path"]  # type: ignore[index]
    body = str(len(path.rpartition("/")[2])).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": body})  # type: ignore[operator]


@pytest.fixture
def asking(market: Market) -> Market:
    """The market, with a service that asks for what is elsewhere."""
    market.write("market/geo.py", GEO)
    text = (market.root / "market/plain.py").read_text().split("class PlainService")[0]
    market.write("market/plain.py", text)
    with (market.root / "market/plain.py").open("a") as file:
        file.write("\n".join(line[4:] for line in ASKS.splitlines()) + "\n")
    return market


async def test_it_is_injected_and_called_over_http(asking: Market) -> None:
    async with AsyncExitStack() as stack:
        server = HttpServer(elsewhere, host="127.0.0.1", port=0)
        await server.start()
        stack.push_async_callback(server.stop, 0)
        config = asking.config(REMOTE.format(url=f"http://127.0.0.1:{server.port}"))
        application = await asking.started(config)
        await application.get(asking.contract("plain")).nothing()
        assert {m.side for m in application.base.registry.operations() if m.service == "geo" and m.requests} == {
            "client"
        }
        edge = make_edge(application, application.edge_endpoints())
        assert (await AsgiClient(edge).request("GET", "/places/Bern")).status == 404, "not ours to serve"
        await application.stop()


def test_it_is_described(asking: Market) -> None:
    facts = describe_services(asking.config(REMOTE.format(url="https://geo.example")))
    assert facts["geo"].contract == "Geo 1.0 at https://geo.example"
    assert facts["plain"].needs == {"geo"}
    assert not facts["geo"].stores


@pytest.mark.parametrize(
    ("contract", "why"),
    [
        ("market.geo:Go", "has no 'Go'; did you mean 'Geo'"),
        ("market.plain:PlainService", "not a contract"),
        ("market.geo:Silent", "Silent.nothing has no HTTP rule"),
    ],
)
def test_what_is_wrong_with_it_is_found_before_it_starts(asking: Market, contract: str, why: str) -> None:
    config = asking.config(REMOTE.format(url="http://x").replace("market.geo:Geo", contract))
    with pytest.raises(ConfigError, match=why):
        describe_services(config)
