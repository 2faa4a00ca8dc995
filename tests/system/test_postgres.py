"""The shop on PostgreSQL, with replicas of the units that keep money and stock: two processes, one wallet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from calve.testing.postgres import Missing, temporary_stores

from .conftest import Answer, Running, calve_run, copy_shop, open_wallet, request

SERVICES = ("catalog", "wallet", "inventory", "orders", "notification")
AT_ONCE = 8


@pytest.fixture(scope="module")
def stores() -> Iterator[str]:
    """A URL for `[store]`, of a database of this module's own."""
    with asyncio.Runner() as runner:
        made = temporary_stores(SERVICES)
        try:
            url = runner.run(made.__aenter__())
        except Missing as missing:
            pytest.skip(str(missing))
        yield url
        runner.run(made.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def replicated(stores: str, tmp_path_factory: pytest.TempPathFactory, short_tmp: Path) -> Iterator[Running]:
    """The shop as five processes."""
    folder = copy_shop(tmp_path_factory.mktemp("replicas"))
    replicas = {"CALVE_UNIT_MONEY_REPLICAS": "2", "CALVE_UNIT_STOCK_REPLICAS": "2"}
    settings = {"CALVE_STORE_URL": stores, "CALVE_SERVICE_INVENTORY_UNITS": "60", **replicas}
    with calve_run(folder, short_tmp, "--topology", "split", **settings) as running:
        running.line("shop is ready")
        yield running
        assert running.stop() == 0


def test_replicas_that_change_one_wallet_lose_nothing(replicated: Running) -> None:
    url = replicated.url("front")
    owner = open_wallet(url, cents=0)

    def deposit(_: int) -> Answer:
        body = {"cents": 1, "reference": str(uuid4())}
        return request(f"{url}/wallets/{owner}/deposits", "POST", body)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(deposit, range(120)))
    assert {answer.status for answer in answers} == {200}, replicated.text
    assert request(f"{url}/wallets/{owner}").json()["cents"] == 120
    assert sorted(answer.json()["cents"] for answer in answers) == list(range(1, 121))


def test_replicas_sell_no_more_than_there_is(replicated: Running) -> None:
    url = replicated.url("front")
    owner = open_wallet(url, cents=100_000_000)

    def order(_: int) -> Answer:
        body = {"id": str(uuid4()), "customer": str(owner), "items": [{"sku": "KIT-00000", "quantity": 7}]}
        return request(f"{url}/orders", "POST", body)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(order, range(20)))
    placed = [answer.json() for answer in answers if answer.status < 300]
    assert len(placed) == 60 // 7, replicated.text
    assert {answer.status for answer in answers if answer.status >= 300} == {409}
    assert request(f"{url}/stock/KIT-00000").json() == {"sku": "KIT-00000", "available": 60 % 7, "reserved": 56}
    spent = sum(order["total_cents"] for order in placed)
    assert request(f"{url}/wallets/{owner}").json()["cents"] == 100_000_000 - spent


def test_one_key_has_one_effect_on_whichever_replica(replicated: Running) -> None:
    url = replicated.url("front")
    owner = open_wallet(url, cents=0)
    body, key = {"cents": 5, "reference": str(uuid4())}, {"idempotency-key": f'"{uuid4()}"'}

    def deposit(_: int) -> Answer:
        return request(f"{url}/wallets/{owner}/deposits", "POST", body, key)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(deposit, range(16)))
    assert {answer.status for answer in answers} <= {200, 409}, replicated.text  # 409 while the first is at it
    assert {answer.json()["cents"] for answer in answers if answer.status == 200} == {5}
    assert request(f"{url}/wallets/{owner}").json()["cents"] == 5
