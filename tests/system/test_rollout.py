"""`calve rollout` and `calve scale` under load: nobody who uses the application notices."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from calve.testing.load import LoadRequest, SteadyLoad, describe_failures

from .conftest import Running, calve, calve_run, copy_shop, open_wallet, until

PER_SECOND = 60.0


def shop_requests(url: str) -> list[LoadRequest]:
    """What users do: browse, look at a wallet, pay in, and order, which calls every unit."""
    owner = open_wallet(url, cents=100_000_00)

    def deposit() -> dict[str, object]:
        return {"cents": 1, "reference": str(uuid4())}

    def order() -> dict[str, object]:
        return {"id": str(uuid4()), "customer": str(owner), "items": [{"sku": "KIT-00000", "quantity": 1}]}

    return [
        LoadRequest("browse", "GET", "/products?limit=5"),
        LoadRequest("balance", "GET", f"/wallets/{owner}"),
        LoadRequest("deposit", "POST", f"/wallets/{owner}/deposits", deposit),
        LoadRequest("order", "POST", "/orders", order),
        LoadRequest("stock", "GET", "/stock/KIT-00001"),
    ]


@pytest.fixture(scope="module")
def split_shop(tmp_path_factory: pytest.TempPathFactory, short_tmp: Path) -> Iterator[tuple[Running, Path]]:
    """A shop of this module's own as three processes, and its folder, whose code tests change."""
    folder = copy_shop(tmp_path_factory.mktemp("rollout"))
    with calve_run(folder, short_tmp, "--topology", "split") as running:
        running.line("shop is ready")
        yield running, folder
        assert running.stop() == 0


def test_every_unit_is_rolled_out_without_a_failed_request(split_shop: tuple[Running, Path]) -> None:
    running, folder = split_shop
    url = running.url("front")
    before = {unit: running.pid(unit) for unit in ("front", "money", "stock")}
    with SteadyLoad(url, shop_requests(url), per_second=PER_SECOND) as load:
        load.at_least(30)
        done = calve(folder, "rollout")
        load.at_least(30)
    assert done.returncode == 0, done.stderr + running.text
    assert load.failed() == [], describe_failures(load.failed())
    assert [line for line in done.stdout.splitlines() if "rolled out" in line] == [
        f"{unit} is rolled out" for unit in ("money", "stock", "front")
    ]
    assert all(running.pid(unit) != pid for unit, pid in before.items())


def test_a_sick_version_is_rolled_back_without_a_failed_request(split_shop: tuple[Running, Path]) -> None:
    running, folder = split_shop
    url = running.url("front")
    before = running.pid("money")
    service = folder / "shop" / "wallet" / "service.py"
    good = service.read_text()
    with SteadyLoad(url, shop_requests(url), per_second=PER_SECOND) as load:
        load.at_least(30)
        # It opens the store that the old one has closed, and only then fails.
        hook = "    async def start(self) -> None:\n        raise RuntimeError('sick')\n\n"
        service.write_text(good.replace("    def __init__(", f"{hook}    def __init__(", 1))
        crashed = calve(folder, "rollout", "money")
        service.write_text(good.replace("class WalletService(Wallet):", "class WalletService(Walet):"))
        mistyped = calve(folder, "rollout", "money")
        service.write_text(good)
        load.at_least(30)
    assert load.failed() == [], describe_failures(load.failed())
    assert (crashed.returncode, mistyped.returncode) == (1, 1)
    assert crashed.stderr == "calve: error: money: the new process ended with exit code 1; money is rolled back\n"
    assert re.match("calve: error: money: .*Walet.*; money is rolled back\n", mistyped.stderr)
    assert running.pid("money") == before


@pytest.fixture
def many(till: Path, short_tmp: Path) -> Iterator[tuple[Running, Path]]:
    """Three replicas of a unit without a store, and one unit that calls them."""
    with (till / "calve.toml").open("a") as toml:
        toml.write("[unit.money]\nreplicas = 3\n[rollout]\nwatch_seconds = 0.2\n")
    with calve_run(till, short_tmp, "--topology", "split", CALVE_RUN_HEARTBEAT_SECONDS="0.2") as running:
        running.line("till is ready")
        yield running, till
        assert running.stop() == 0


ASK = [LoadRequest("ask", "GET", "/answer")]


def test_replicas_come_and_go_under_load(many: tuple[Running, Path]) -> None:
    running, folder = many
    with SteadyLoad(running.url("front"), ASK, per_second=PER_SECOND) as load:
        load.at_least(20)
        for count in ("5", "1", "3"):
            done = calve(folder, "scale", "money", count)
            assert done.returncode == 0, done.stderr
        for unit in ("money", "front"):
            done = calve(folder, "rollout", unit)
            assert done.returncode == 0, done.stderr
        load.at_least(20)
    assert load.failed() == [], describe_failures(load.failed())


def test_one_of_three_is_killed(many: tuple[Running, Path]) -> None:
    running, _ = many
    with SteadyLoad(running.url("front"), ASK, per_second=PER_SECOND) as load:
        load.at_least(20)
        running.signal("money.2", signal.SIGKILL)
        running.line(r"money\.2 was killed")
        load.at_least(20)
        running.line(r"money\.2 is ready", nth=2)
        load.at_least(20)
    # A call that was in flight there may have run; nobody can know.
    assert len(load.failed()) <= 1, describe_failures(load.failed())
    assert all("unavailable" in sample.detail for sample in load.failed())


def test_one_of_three_stands_still(many: tuple[Running, Path]) -> None:
    running, _ = many
    with SteadyLoad(running.url("front"), ASK, per_second=PER_SECOND) as load:
        load.at_least(20)
        running.signal("money.2", signal.SIGSTOP)
        running.line(r"money\.2 gave no sign of life")
        running.line(r"money\.2 is ready", nth=2)
        load.at_least(20)
    # What was sent to it before it was noticed is asked of others, however long it stands still.
    assert load.failed() == [], describe_failures(load.failed())
    until(lambda: running.starts("money.2") == 2, "its restart")
