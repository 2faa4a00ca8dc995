"""The shop's REST tests against its five services, each ejected and run as a plain process that cannot import Calve.

Not all of what they ask for is between a client and one service: placing an order makes the ejected orders call the
other four over HTTP, operations that Calve does not show on REST included.
"""

from __future__ import annotations

import asyncio
import http.client
import importlib.util
import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import pytest_asyncio

from calve.bootstrap import Base
from calve.contract import ContractInfo
from calve.service import make_stub, remote_endpoints
from calve.service.loading import load_contract
from calve.testing import App, HttpClient
from calve.testing.asgi import Answer
from calve.testing.postgres import Missing, temporary_stores
from calve.testing.runners.inprocess import InProcessRunner
from calve.transport.rest.client import RestCaller
from calve.transport.rest.router import Router
from shop.seed import articles
from shop.testing import customer_with

from .conftest import SHOP, Process, ejected, serving, shop_config

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEAVES = ("catalog", "wallet", "inventory", "notification")
SERVICES = (*LEAVES, "orders")


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("shop_rest_tests", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# Every test of that file, with the fixtures of this one.
globals().update({k: v for k, v in vars(_load(SHOP / "tests" / "test_rest.py")).items() if k.startswith("test_")})


class Front:
    """Requests to the service that has their path, as a gateway would send them."""

    def __init__(self, urls: Mapping[str, str], contracts: Mapping[str, ContractInfo]) -> None:
        self._clients = {service: HttpClient(url) for service, url in urls.items()}
        self._router: Router[str] = Router()
        for service, info in contracts.items():
            for operation in info.operations.values():
                if operation.http is not None:
                    self._router.add(operation.http.method, operation.http.path, service, service)

    async def request(self, method: str, target: str, **given: Any) -> Answer:
        """See `RestClient.request`."""
        match = self._router.find(target.partition("?")[0])
        service = "orders" if match is None else next(iter(match.resource.methods.values()))
        return await self._clients[service].request(method, target, **given)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def processes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Process]]:
    """The five services."""
    folder, token = tmp_path_factory.mktemp("ejected"), uuid4().hex
    with ExitStack() as stack:
        store_url = None
        if request.param == "postgres":
            runner = stack.enter_context(asyncio.Runner())
            made = temporary_stores(SERVICES)
            try:
                store_url = runner.run(made.__aenter__())
            except Missing as missing:
                pytest.skip(str(missing))
            stack.callback(lambda: runner.run(made.__aexit__(None, None, None)))
        config = shop_config(store_url)
        folders = {service: ejected(config, service, folder) for service in SERVICES}
        started = {s: stack.enter_context(serving(folders[s], INTERNAL_TOKEN=token)) for s in LEAVES}
        urls = {f"{service.upper()}_URL": process.url for service, process in started.items()}
        orders = serving(folders["orders"], INTERNAL_TOKEN=token, **urls)
        yield {**started, "orders": stack.enter_context(orders)}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(processes: dict[str, Process]) -> AsyncIterator[App]:
    """The shop as the tests know it: one address, and stubs that call over REST."""
    contracts = {service: load_contract(f"shop.{service}") for service in SERVICES}
    urls = {service: process.url for service, process in processes.items()}
    base = Base.make()
    callers = {service: RestCaller(url, wheel=base.wheel, clock=base.clock) for service, url in urls.items()}

    def get(contract: Any) -> Any:
        service = next(name for name, info in contracts.items() if info.cls is contract)
        endpoints = remote_endpoints(
            contracts[service],
            service,
            callers[service],
            clock=base.clock,
            registry=base.registry,
            tracing=base.tracing,
        )
        return make_stub(contracts[service], service, endpoints, hosted=False)

    yield App(get, Front(urls, contracts))
    for caller in callers.values():
        await caller.close()


@pytest.fixture(scope="module")
def unused_skus() -> Iterator[str]:
    """Products that no other test counts."""
    return (article.sku for article in itertools.islice(articles(1_000), 100, None))


@pytest.fixture
def sku(unused_skus: Iterator[str]) -> str:
    """A product of this test's own."""
    return next(unused_skus)


async def test_operations_between_services_want_the_token(processes: dict[str, Process]) -> None:
    client = HttpClient(processes["inventory"].url)
    body = {"order": str(uuid4())}
    assert (await client.request("POST", "/internal/release", json=body)).status == 401
    wrong = {"authorization": "Bearer wrong"}
    assert (await client.request("POST", "/internal/release", json=body, headers=wrong)).status == 401


def _open_stream(url: str, customer: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    """Ask for a stream of which nothing has come yet."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
    connection.request("GET", f"/customers/{customer}/notices/live")
    return connection, connection.getresponse()


async def test_a_stream_begins_before_its_first_item_and_goes_on_with_it(
    app: App, processes: dict[str, Process], sku: str
) -> None:
    customer = await customer_with(app, 100_000)
    connection, answer = await asyncio.to_thread(_open_stream, processes["notification"].url, str(customer))
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
    order = {"id": str(uuid4()), "customer": str(customer), "items": [{"sku": sku, "quantity": 1}]}
    assert (await app.rest.request("POST", "/orders", json=order)).status == 201
    line = await asyncio.to_thread(answer.readline)
    assert b"is confirmed" in line
    connection.close()
    assert (await app.rest.request("GET", f"/customers/{customer}/notices")).status == 200


OWNER, REFERENCE = str(uuid4()), str(uuid4())
DEPOSIT = {"cents": 5, "reference": REFERENCE}
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/wallets/no-uuid", {}),
    ("GET", f"/wallets/{OWNER}?limit=5", {}),
    ("GET", f"/wallets/{OWNER}/statement?limit=0", {}),
    ("GET", f"/wallets/{OWNER}/statement?limit=5&limit=6", {}),
    ("GET", f"/wallets/{OWNER}/statement?limit=many", {}),
    ("GET", f"/wallets/{OWNER}", {}),
    ("HEAD", f"/wallets/{OWNER}", {}),
    ("PUT", f"/wallets/{OWNER}", {}),
    ("HEAD", f"/wallets/{OWNER}", {}),
    ("GET", f"/wallets/{OWNER}/statement?limit=5.0", {}),
    ("POST", f"/wallets/{OWNER}", {}),
    ("OPTIONS", f"/wallets/{OWNER}", {}),
    ("GET", "/wallets", {}),
    ("GET", "/wallets/", {}),
    ("POST", f"/wallets/{OWNER}/deposits", {}),
    ("POST", f"/wallets/{OWNER}/deposits", {"body": b"{}"}),
    ("POST", f"/wallets/{OWNER}/deposits", {"json": {}}),
    ("POST", f"/wallets/{OWNER}/deposits", {"json": {"cents": 0, "reference": REFERENCE}}),
    ("POST", f"/wallets/{OWNER}/deposits", {"json": {"cents": "5", "reference": REFERENCE}}),
    ("POST", f"/wallets/{OWNER}/deposits", {"json": {"cents": 5.0, "reference": REFERENCE, "more": 1}}),
    ("POST", f"/wallets/{OWNER}/deposits", {"json": [1]}),
    ("POST", f"/wallets/{OWNER}/deposits", {"body": b"{", "headers": {"content-type": "application/json"}}),
    ("POST", f"/wallets/{OWNER}/deposits", {"body": b"a=1", "headers": {"content-type": "text/plain"}}),
    ("POST", f"/wallets/{OWNER}/deposits", {"json": DEPOSIT, "headers": {"content-encoding": "gzip"}}),
    ("POST", f"/wallets/{OWNER}/deposits", {"json": DEPOSIT, "headers": {"x-request-timeout": "soon"}}),
    ("POST", f"/wallets/{OWNER}/deposits", {"json": DEPOSIT, "headers": {"idempotency-key": "a b"}}),
    ("POST", f"/wallets/{OWNER}/deposits", {"json": DEPOSIT, "headers": {"idempotency-key": "k1"}}),
    ("POST", f"/wallets/{OWNER}/deposits", {"json": DEPOSIT, "headers": {"idempotency-key": "k1"}}),
    ("POST", f"/wallets/{OWNER}/deposits", {"json": {**DEPOSIT, "cents": 6}, "headers": {"idempotency-key": "k1"}}),
    ("POST", f"/wallets/{OWNER}/deposits", {"json": {**DEPOSIT, "cents": 6}}),
    ("POST", f"/wallets/{OWNER}/deposits", {"body": b" " * ((1 << 20) + 1)}),
    ("GET", f"/wallets/{OWNER}/statement", {}),
]
"""One after the other; what the later ones answer depends on the earlier ones."""

SAME_HEADERS = (
    "allow", "cache-control", "content-type", "idempotency-replayed", "retry-after", "x-content-type-options"
)  # fmt: skip


def _shown(answer: Answer) -> tuple[Any, ...]:
    """What clients may rely on: the text of a detail is for people, and instants differ."""
    headers = {name: value for name, value in answer.headers.items() if name in SAME_HEADERS}
    body = answer.json() if "json" in headers.get("content-type", "") and answer.body else answer.body
    if isinstance(body, dict):
        body = {key: value for key, value in body.items() if key != "detail"}
        body["errors"] = [fault | {"detail": ""} for fault in body.get("errors", [])]
        body["entries"] = [entry | {"at": "", "number": 0} for entry in body.get("entries", [])]
    return answer.status, headers, body


async def test_good_and_bad_requests_are_answered_as_before(processes: dict[str, Process]) -> None:
    after = HttpClient(processes["wallet"].url)
    small = {"service.catalog.products": 0, "service.inventory.products": 0}
    async with InProcessRunner().start(SHOP, settings=small) as before:
        for number, (method, target, given) in enumerate(REQUESTS):
            expected = _shown(await before.rest.request(method, target, **given))
            assert _shown(await after.request(method, target, **given)) == expected, (number, method, target, given)
