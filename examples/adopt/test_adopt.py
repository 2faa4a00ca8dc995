"""Both applications in one process, each behind the codec, and each in a process of its own: they notice no difference.

Django is tested over WSGI and over ASGI.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
import pytest_asyncio
import websockets
from openapi_spec_validator import OpenAPIV31SpecValidator

from bank.wallet.contract import Wallet
from calve.testing import Answer, App, HttpClient, Runner

# Django says so of its own file responses over ASGI.
pytestmark = pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")

HERE = Path(__file__).parent
DJANGO = {
    "wsgi": {"service.backoffice.wsgi": "backoffice.wsgi:application"},
    "asgi": {"service.backoffice.wsgi": "", "service.backoffice.asgi": "backoffice.asgi:application"},
}
STAFF = {
    "DJANGO_SUPERUSER_USERNAME": "ann",
    "DJANGO_SUPERUSER_PASSWORD": "s3cret",
    "DJANGO_SUPERUSER_EMAIL": "ann@example.com",
}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="session", autouse=True)
def data(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Django's database with its tables and somebody who may log in; Django reads where it is but once per process."""
    os.environ["BACKOFFICE_DATA"] = str(tmp_path_factory.mktemp("backoffice"))
    for command in (["migrate", "--verbosity", "0"], ["createsuperuser", "--noinput"]):
        subprocess.run(
            [sys.executable, "-m", "backoffice", *command], cwd=HERE, env={**os.environ, **STAFF}, check=True
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=DJANGO)
async def app(runners: Runner, request: pytest.FixtureRequest) -> AsyncIterator[App]:
    """All of it, on each runner."""
    async with runners.start(HERE / "calve.toml", settings=DJANGO[request.param]) as app:
        yield app


@pytest.fixture
def customer() -> str:
    """Somebody of this test's own."""
    return uuid4().hex


class Browser:
    """Talks to Django and keeps its cookies."""

    def __init__(self, app: App) -> None:
        self._client, self._cookies = app.http("backoffice"), dict[str, str]()

    async def request(self, method: str, path: str, form: dict[str, str] | None = None) -> Answer:
        """One request below /backoffice."""
        body = urlencode(form or {}).encode()
        headers = {"cookie": "; ".join(f"{k}={v}" for k, v in self._cookies.items()), "host": "localhost"}
        headers |= {**FORM, "content-length": str(len(body))} if form else {}
        answer = await self._client.request(method, f"/backoffice{path}", body=body, headers=headers)
        for name in ("csrftoken", "sessionid"):
            if found := re.search(rf"{name}=(\w+)", answer.headers.get("set-cookie", "")):
                self._cookies[name] = found[1]
        return answer

    async def log_in(self) -> None:
        """As the staff does."""
        page = (await self.request("GET", "/admin/login/")).body.decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert token is not None
        form = {"username": "ann", "password": "s3cret", "csrfmiddlewaretoken": token[1], "next": "/backoffice/admin/"}
        assert (await self.request("POST", "/admin/login/", form)).status == 302


@pytest.mark.asyncio(loop_scope="module")
async def test_the_storefront_is_what_it_was(app: App) -> None:
    shop = app.http("storefront")
    assert (await shop.request("GET", "/items")).json()[0] == {"name": "tea", "cents": 300}
    assert (await shop.request("GET", "/items/coal")).status == 404
    assert (await shop.request("POST", "/purchases", json={"item": "tea"})).status == 422
    assert b"Tea and cake" in (await shop.request("GET", "/static/index.html")).body


@pytest.mark.asyncio(loop_scope="module")
async def test_its_endpoints_call_the_wallet(app: App, customer: str) -> None:
    shop, wallet = app.http("storefront"), app.get(Wallet)
    purchase = {"customer": customer, "item": "cake", "number": 2}
    poor = await shop.request("POST", "/purchases", json=purchase)
    assert (poor.status, poor.json()) == (402, {"detail": "900 cents are missing"})
    await wallet.deposit(customer, 1000)
    assert (await shop.request("POST", "/purchases", json=purchase)).json() == {"paid_cents": 900, "left_cents": 100}
    assert (await shop.request("GET", f"/account/{customer}")).json() == {"customer": customer, "cents": 100}
    assert (await wallet.balance(customer)).cents == 100


@pytest.mark.asyncio(loop_scope="module")
async def test_its_document_is_in_ours(app: App) -> None:
    document: Any = (await app.http("storefront").request("GET", "/openapi.json")).json()
    OpenAPIV31SpecValidator(document).validate()
    assert document["paths"]["/purchases"]["post"]["tags"] == ["storefront: items"]
    assert "storefront.Receipt" in document["components"]["schemas"]
    assert b"/purchases" in (await app.http("storefront").request("GET", "/docs")).body


@pytest.mark.asyncio(loop_scope="module")
async def test_its_websocket_answers(app: App) -> None:
    shop = app.http("storefront")
    if not isinstance(shop, HttpClient):
        return  # the other runners have no sockets
    async with websockets.connect(f"{shop.url.replace('http', 'ws')}/prices") as socket:
        for name, shown in (("tea", "300"), ("coal", "null")):
            await socket.send(name)
            assert f'"cents":{shown}' in str(await socket.recv()).replace(" ", "")


@pytest.mark.asyncio(loop_scope="module")
async def test_django_has_its_admin_and_its_sessions(app: App) -> None:
    browser = Browser(app)
    page = await browser.request("GET", "/admin/login/")
    assert page.status == 200
    style = re.search(r'href="(/backoffice)(/static/admin/css/base[^"]*)"', page.body.decode())
    assert style is not None
    assert b"--primary" in (await browser.request("GET", style[2])).body
    assert [(await browser.request("GET", "/visits")).json()["visits"] for _ in range(3)] == [1, 2, 3]
    assert (await browser.request("GET", "/refunds")).status == 302
    await browser.log_in()
    assert b"Refunds" in (await browser.request("GET", "/admin/")).body
    assert (await browser.request("GET", "/refunds")).status == 200


@pytest.mark.asyncio(loop_scope="module")
async def test_a_refund_is_a_row_and_money_or_neither(app: App, customer: str) -> None:
    browser = Browser(app)
    await browser.log_in()
    before = (await browser.request("GET", "/refunds")).json()["refunds"]
    given = await browser.request("POST", "/refunds", {"customer": customer, "cents": "500"})
    assert (given.status, given.json()) == (201, {"left_cents": 500})
    assert (await app.get(Wallet).balance(customer)).cents == 500
    refused = await browser.request("POST", "/refunds", {"customer": customer, "cents": "0"})
    assert (refused.status, refused.json()) == (502, {"error": "invalid_argument"})
    assert (await browser.request("GET", "/refunds")).json()["refunds"] == before + 1


@pytest.mark.asyncio(loop_scope="module")
async def test_what_they_do_is_counted(app: App) -> None:
    for service in ("storefront", "backoffice"):
        await app.http(service).request("GET", "/items/tea" if service == "storefront" else "/backoffice/visits")
        page = (await app.http(service).request("GET", "/metrics")).body.decode()
        if page and isinstance(app.http(service), HttpClient):
            assert re.search(rf'calve_operation_requests_total{{[^}}]*service="{service}"', page)
            assert (await app.http(service).request("GET", "/health/ready")).json()["checks"] == {service: "ok"}
