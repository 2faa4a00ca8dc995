"""The exported Python clients against the shop's REST edge, wherever its services run."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from calve.cli.contract_locks import describe_project
from calve.cli.project import load_project
from calve.contract.exports import python
from calve.testing import App, RestClient

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Through(httpx.AsyncBaseTransport):
    """Lets httpx make its requests by way of a runner's own client."""

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Make one request."""
        body = await request.aread()
        names = ("accept", "content-type", "idempotency-key")
        headers = {name: request.headers[name] for name in names if name in request.headers}
        target = request.url.raw_path.decode()
        answer = await self._rest.request(request.method, target, body=body, headers=headers)
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The exported modules of all services, by name."""
    project = load_project(Path(__file__).parent.parent / "calve.toml")
    found = types.SimpleNamespace()
    for service, described in describe_project(project, list(project.services)).items():
        module = types.ModuleType(f"{service}_client")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(python(described), module.__dict__)
        setattr(found, service, module)
    return found


async def test_a_customer_of_the_exported_clients(app: App, clients: Any, sku: str) -> None:
    async with httpx.AsyncClient(transport=Through(app.rest), base_url="http://shop") as http:
        wallet, orders = clients.wallet.WalletClient(http), clients.orders.OrdersClient(http)
        catalog, inventory = clients.catalog.CatalogClient(http), clients.inventory.InventoryClient(http)
        owner = uuid4()
        with pytest.raises(clients.wallet.UnknownWallet) as unknown:
            await wallet.balance(owner)
        assert unknown.value.owner == owner
        await wallet.open(owner)
        price = (await catalog.product(sku)).price_cents
        await wallet.deposit(owner, price + 5, uuid4())
        await inventory.restock(sku, 3, uuid4())
        item = clients.orders.Item(sku=sku, quantity=1)
        wanted = clients.orders.PlaceOrder(id=uuid4(), customer=owner, items=(item,))
        placed = await orders.place(wanted, idempotency_key=str(uuid4()))
        assert (placed.status, placed.total_cents) == (clients.orders.OrderStatus.CONFIRMED, price)
        assert (await wallet.balance(owner)).cents == 5
        with pytest.raises(clients.orders.InsufficientFunds) as refused:
            await orders.place(clients.orders.PlaceOrder(id=uuid4(), customer=owner, items=(item,)))
        assert refused.value.missing_cents == price - 5
        await orders.ship(placed.id)
        changes = [change.status.value async for change in orders.watch(placed.id)]
        assert changes == ["pending", "confirmed", "shipped"]
        assert [entry.kind.value for entry in (await wallet.statement(owner, limit=1)).entries] == ["debit"]
