"""What the shop promises is what its locks say, and old and new versions understand each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from calve.cli import main
from calve.testing import assert_compatible
from shop.catalog.contract import Catalog
from shop.inventory.contract import Inventory
from shop.notification.contract import Notification
from shop.orders.contract import Orders
from shop.wallet.contract import Wallet

SHOP = Path(__file__).parent.parent


def test_the_locks_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["contract", "check", "--config", str(SHOP / "calve.toml")])
    assert status == 0, capsys.readouterr().out


@pytest.mark.parametrize("contract", [Catalog, Inventory, Notification, Orders, Wallet])
def test_the_locked_version_and_this_one_understand_each_other(contract: type[Any]) -> None:
    assert_compatible(contract, SHOP / "contracts" / f"{contract.__name__.lower()}.lock.json")
