"""The application as a whole: what is at which path, what is refused at the door, what stops the start."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol
from urllib.parse import unquote

import pytest

from calve.contract import Contract, ContractError, DomainError, Endpoint, command, describe, query
from calve.core.context import CallContext
from calve.core.errors import ConfigError
from calve.testing.asgi import AsgiClient
from calve.transport.rest import Response, RestEdge, RestOptions

OWNER = "6f1c2a6e-0b7e-4d5e-9c55-5f8f0f6f0a01"


class Left(Contract, Protocol, version="1.0"):
    """One of two contracts."""

    @query(http="GET /things/{id}")
    async def thing(self, id: int) -> int: ...  # noqa: A002

    @command()
    async def hidden(self) -> None: ...


class Right(Contract, Protocol, version="1.0"):
    """The other one."""

    @query(http="GET /things/{number}")
    async def one(self, number: int) -> int: ...


class Docs(Contract, Protocol, version="1.0"):
    """Wants a path that the edge has itself."""

    @query(http="GET /docs")
    async def read(self) -> str: ...

    @query(http="GET /")
    async def home(self) -> str: ...


async def echo(context: CallContext, request: Any) -> Any:
    return getattr(request, request.__struct_fields__[0]) if request.__struct_fields__ else "here"


def endpoints(contract: type[Any]) -> list[Endpoint]:
    info = describe(contract)
    return [Endpoint(info.name.lower(), operation, echo) for operation in info.operations.values()]


def edge(*contracts: type[Any], **options: Any) -> RestEdge:
    found = [endpoint for contract in contracts for endpoint in endpoints(contract)]
    return RestEdge(found, title="x", version="1", **options)


async def test_two_operations_cannot_have_one_path() -> None:
    with pytest.raises(ConfigError, match=r"GET /things/\{number\} is claimed by left.thing and by right.one"):
        edge(Left, Right)


async def test_an_operation_cannot_have_the_path_of_a_page() -> None:
    with pytest.raises(ConfigError, match=r"GET /docs is claimed by docs.read and by the documentation"):
        edge(Docs)
    client = AsgiClient(edge(Docs, options=RestOptions(docs=False)))
    assert (await client.request("GET", "/docs")).json() == "here"
    assert (await client.request("GET", "/")).json() == "here"
    assert (await client.request("GET", "/openapi.json")).status == 404


async def test_a_domain_error_cannot_hide_a_member_of_a_problem() -> None:
    class Taken(DomainError):
        detail: str

    class Names(Contract, Protocol, version="1.0"):
        @query(http="GET /names", raises=[Taken])
        async def names(self) -> str: ...

    with pytest.raises(ContractError, match="'detail' hides the standard member"):
        edge(Names)


async def test_operations_without_a_rule_are_not_there() -> None:
    made = edge(Left)
    assert [list(item) for item in made.document["paths"].values()] == [["get"]]


@pytest.mark.parametrize("path", ["/nothing", "/wallets", f"/wallets/{OWNER}/", f"//wallets/{OWNER}", "/Wallets/x"])
async def test_another_path_is_not_found(client: AsgiClient, path: str) -> None:
    answer = await client.request("GET", path)
    assert (answer.status, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_path_that_is_not_utf8_is_refused(client: AsgiClient) -> None:
    assert (await client.request("GET", "/names/%ff")).status == 400


@pytest.mark.parametrize("method", ["PUT", "POST", "TRACE", "get", "BREW"])
async def test_another_method_is_not_allowed(client: AsgiClient, method: str) -> None:
    answer = await client.request(method, f"/wallets/{OWNER}", json={})
    assert (answer.status, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"


async def test_options_tell_the_methods(client: AsgiClient) -> None:
    answer = await client.request("OPTIONS", "/orders")
    assert (answer.status, answer.headers["allow"], answer.body) == (204, "OPTIONS, POST", b"")
    assert (await client.request("OPTIONS", "/nothing")).status == 404


async def test_repeated_headers_are_joined(client: AsgiClient) -> None:
    call = client.start("GET", "/secret")
    await call.answer()
    call.scope["headers"] = [(b"authorization", b"Bearer wallet:admin"), (b"authorization", b"Bearer x")]
    again = AsgiClient(client._app)
    answer = again.start("GET", "/secret", headers={"authorization": "Bearer wallet:admin, Bearer x"})
    assert (await answer.answer()).status == 403


async def test_pages_of_the_runtime_are_served() -> None:
    async def live() -> Response:
        return Response(503, "text/plain; charset=utf-8", b"starting")

    async def broken() -> Response:
        raise RuntimeError("hunter2")

    client = AsgiClient(edge(Left, pages={"/health/live": live, "/broken": broken}))
    answer = await client.request("GET", "/health/live?x=1")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (
        503,
        b"starting",
        "text/plain; charset=utf-8",
    )
    assert answer.headers["cache-control"] == "no-store"
    assert (await client.request("POST", "/health/live")).status == 405
    assert b"hunter2" not in (await client.request("GET", "/broken")).body


async def test_a_page_cannot_have_the_path_of_an_operation() -> None:
    async def page() -> Response:
        return Response(200, "text/plain", b"")

    with pytest.raises(ConfigError, match="the page /docs"):
        edge(Left, pages={"/docs": page})


async def test_the_start_page_leads_to_the_documentation(client: AsgiClient) -> None:
    answer = await client.request("GET", "/")
    assert (answer.status, answer.headers["location"]) == (307, "docs")


async def test_the_document_is_served_and_kept(client: AsgiClient, bank: Any) -> None:
    answer = await client.request("GET", "/openapi.json")
    assert answer.json() == bank.edge().document
    assert (answer.headers["content-type"], answer.headers["access-control-allow-origin"]) == ("application/json", "*")
    again = await client.request("GET", "/openapi.json", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


async def test_the_edge_can_be_mounted_below_a_path(bank: Any) -> None:
    for path in ("/api/names/ann", "/api/names/%61nn", "/names/ann"):
        call = bank.client().start("GET", path)
        await call.answer()
        scope = call.scope | {"root_path": "/api", "path": unquote(path)}
        sent: list[Any] = []

        async def send(event: Any, sent: list[Any] = sent) -> None:
            sent.append(event)

        await bank.edge()(scope, asyncio.Event().wait, send)
        assert sent[1]["body"] == b'"ann"'


async def test_a_server_may_leave_out_the_raw_path(bank: Any) -> None:
    for path, status in [("/names/ann", 200), ("/names/än", 200), ("/names/100%", 200), ("/nothing", 404)]:
        call = bank.client().start("GET", "/nothing")
        await call.answer()
        scope = {key: value for key, value in call.scope.items() if key != "raw_path"} | {"path": path}
        sent: list[Any] = []

        async def send(event: Any, sent: list[Any] = sent) -> None:
            sent.append(event)

        await bank.edge()(scope, asyncio.Event().wait, send)
        assert sent[0]["status"] == status


async def test_the_lifespan_protocol_has_nothing_to_do(bank: Any) -> None:
    events = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent = []

    async def receive() -> Any:
        return next(events)

    async def send(event: Any) -> None:
        sent.append(event["type"])

    await bank.edge()({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_websockets_are_refused(bank: Any) -> None:
    sent = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(event: Any) -> None:
        sent.append(event["type"])

    await bank.edge()({"type": "websocket", "path": "/names/ann"}, receive, send)
    assert sent == ["websocket.close"]


def test_an_edge_works_on_any_loop() -> None:
    async def for_ever(context: CallContext, request: Any) -> None:
        await asyncio.Event().wait()

    made = RestEdge([Endpoint("left", describe(Left).operations["thing"], for_ever)], title="x", version="1")

    async def go_away() -> None:
        call = AsgiClient(made).start("GET", "/things/1")
        await asyncio.sleep(0)
        call.disconnect()
        async with asyncio.timeout(10):
            assert await call.event() is None

    for _ in range(2):
        asyncio.run(go_away())
