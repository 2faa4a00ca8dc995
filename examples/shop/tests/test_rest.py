"""The shop as browsers and scripts see it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from calve.testing import App
from shop.testing import customer_with

pytestmark = pytest.mark.asyncio(loop_scope="module")


def events(body: bytes) -> list[tuple[str, Any]]:
    """Name and data of each server-sent event."""
    found = []
    for block in body.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" in fields:
            found.append((fields.get("event", "message"), json.loads(fields["data"])))
    return found


async def test_browse_and_search(app: App) -> None:
    product = await app.rest.request("GET", "/products/KIT-00000")
    assert product.status == 200
    assert product.json()["sku"] == "KIT-00000"
    page = await app.rest.request("GET", "/products?limit=2&tag=kitchen")
    assert [p["sku"] for p in page.json()["products"]] == ["KIT-00000", "KIT-00006"]
    assert page.json()["next_after"] == "KIT-00006"
    found = await app.rest.request("GET", "/search?text=glass%20jug&limit=3")
    assert len(found.json()) == 3


async def test_money_goes_in_and_comes_out(app: App) -> None:
    owner = uuid4()
    opened = await app.rest.request("PUT", f"/wallets/{owner}")
    assert (opened.status, opened.json()) == (200, {"owner": str(owner), "cents": 0})
    deposit = {"cents": 900, "reference": str(uuid4())}
    assert (await app.rest.request("POST", f"/wallets/{owner}/deposits", json=deposit)).json()["cents"] == 900
    debit = {"cents": 1_000, "reference": str(uuid4())}
    refused = await app.rest.request("POST", f"/wallets/{owner}/debits", json=debit)
    assert refused.status == 409
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert (problem["status"], problem["missing_cents"]) == (409, 100)
    statement = await app.rest.request("GET", f"/wallets/{owner}/statement")
    assert [entry["kind"] for entry in statement.json()["entries"]] == ["deposit"]


async def test_an_order_from_cart_to_parcel(app: App, sku: str) -> None:
    customer, order = await customer_with(app, 100_000), str(uuid4())
    body = {"id": order, "customer": str(customer), "items": [{"sku": sku, "quantity": 1}]}
    placed = await app.rest.request("POST", "/orders", json=body)
    assert (placed.status, placed.json()["status"]) == (201, "confirmed")
    shipped = await app.rest.request("POST", f"/orders/{order}/shipment")
    assert (shipped.status, shipped.json()["status"]) == (200, "shipped")
    assert (await app.rest.request("GET", f"/orders/{order}")).json() == shipped.json()
    history = await app.rest.request("GET", f"/customers/{customer}/orders")
    assert history.json() == [shipped.json()]
    notices = await app.rest.request("GET", f"/customers/{customer}/notices")
    assert len(notices.json()) == 2


async def test_the_status_of_an_order_as_server_sent_events(app: App, sku: str) -> None:
    order = str(uuid4())
    body = {"id": order, "customer": str(await customer_with(app, 100_000)), "items": [{"sku": sku, "quantity": 1}]}
    await app.rest.request("POST", "/orders", json=body)
    await app.rest.request("POST", f"/orders/{order}/cancellation")
    stream = await app.rest.request("GET", f"/orders/{order}/status", headers={"accept": "text/event-stream"})
    assert stream.status == 200
    assert stream.headers["content-type"].startswith("text/event-stream")
    *steps, (last, _) = events(stream.body)
    assert [(name, step["status"]) for name, step in steps] == [
        ("message", "pending"),
        ("message", "confirmed"),
        ("message", "cancelled"),
    ]
    assert last == "end"


async def test_the_export_as_lines_of_json(app: App) -> None:
    stream = await app.rest.request("GET", "/export/products", headers={"accept": "application/x-ndjson"})
    *items, end = (json.loads(line) for line in stream.body.splitlines() if line)
    assert len(items) == 3_000
    assert items[0]["item"]["sku"] == "BTH-00005"
    assert end == {"end": True}


@pytest.mark.parametrize(
    ("path", "field"),
    [("/products/NO-SUCH", "sku"), (f"/wallets/{UUID(int=1)}", "owner"), (f"/orders/{UUID(int=1)}", "order")],
)
async def test_what_does_not_exist_is_not_found_and_named(app: App, path: str, field: str) -> None:
    response = await app.rest.request("GET", path)
    assert response.status == 404
    assert response.json()[field] == path.rpartition("/")[2]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "no uuid", "customer": str(uuid4()), "items": [{"sku": "KIT-00000", "quantity": 1}]},
        {"id": str(uuid4()), "customer": str(uuid4()), "items": []},
        {"id": str(uuid4()), "customer": str(uuid4()), "items": [{"sku": "KIT-00000", "quantity": 0}]},
    ],
)
async def test_a_malformed_order_is_refused(app: App, body: dict[str, Any]) -> None:
    response = await app.rest.request("POST", "/orders", json=body)
    assert response.status == 400
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/reservations", "/notices", "/stock/KIT-00000/reservations"])
async def test_operations_between_services_are_not_on_rest(app: App, path: str) -> None:
    assert (await app.rest.request("POST", path, json={})).status in (404, 405)
