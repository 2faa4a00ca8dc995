"""The catalogue as data and as a page."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

from calve import Contract, Event, query
from calve.boundaries.catalog import catalog
from calve.boundaries.markdown import markdown
from calve.contract import describe
from calve.runtime import load_config
from calve.service import load_contract

from .conftest import MakeProject, package


def shop(root: Path) -> dict[str, Any]:
    """The catalogue of the shop."""
    config = load_config(root / "examples/shop/calve.toml", environ={})
    return catalog(config, {name: load_contract(dotted) for name, dotted in config.services.items()})


def test_everything_about_a_service(root: Path) -> None:
    catalogue = shop(root)
    wallet = next(s for s in catalogue["services"] if s["name"] == "wallet")
    operations = {operation["name"]: operation for operation in wallet.pop("operations")}
    sites = wallet["called_by"][0].pop("operations")
    assert wallet == {
        "name": "wallet",
        "kind": "service",
        "package": "shop.wallet",
        "owner": "team-payments",
        "contract": {"name": "Wallet", "version": "1.0", "description": "Money held for a customer."},
        "publishes": [],
        "store": "sqlite:///data/wallet.db",
        "calls": [],
        "called_by": [{"service": "orders", "declared": True}],
        "units": {"one": "shop", "split": "money"},
    }
    assert [(s["from"], s["to"], s["file"]) for s in sites] == [
        ("cancel", "refund", "shop/orders/service.py"),
        ("place", "debit", "shop/orders/service.py"),
    ]
    assert operations["debit"] == {
        "name": "debit",
        "kind": "command",
        "http": "POST /wallets/{owner}/debits",
        "status": 200,
        "streaming": False,
        "role": None,
        "timeout_seconds": 10.0,
        "errors": [
            {"name": "UnknownWallet", "status": 404},
            {"name": "InsufficientFunds", "status": 409},
            {"name": "ReferenceReused", "status": 409},
        ],
        "description": "Take money out, if there is enough.",
    }
    assert (operations["refund"]["http"], operations["refund"]["status"]) == (None, None)
    assert catalogue["topologies"]["split"] == {
        "front": ["catalog", "orders", "notification"],
        "money": ["wallet"],
        "stock": ["inventory"],
    }
    assert catalogue["schema"] == 1


def test_it_is_the_same_every_time_and_plain_data(root: Path) -> None:
    first, second = shop(root), shop(root)
    assert json.loads(json.dumps(first)) == second
    assert markdown(first) == markdown(second)


def test_what_calls_and_is_called_is_told_from_both_sides(root: Path) -> None:
    services = {s["name"]: s for s in shop(root)["services"]}
    assert [c["service"] for c in services["orders"]["calls"]] == ["catalog", "wallet", "inventory", "notification"]
    assert services["orders"]["calls"][1]["operations"] == services["wallet"]["called_by"][0]["operations"]


def test_adopted_applications_and_uncertain_calls_are_in_it(project: MakeProject) -> None:
    toml = '[service.legacy]\nasgi = "legacy.main:app"\ncalls = ["bank"]\nowner = "us"\n'
    made = project(package("Bank"), toml=toml, **{"legacy/main.py": "app = 1\n"})
    bank, legacy = catalog(made.config, {})["services"]
    assert (legacy["kind"], legacy["owner"], legacy["contract"], legacy["store"]) == ("adopted", "us", None, None)
    (call,) = bank["called_by"]
    assert (call["service"], call["operations"][0]["from"], call["operations"][0]["to"]) == ("legacy", None, None)
    page = markdown(catalog(made.config, {}))
    assert "An existing application, adopted as it is." in page
    assert "- called by legacy: `any` → `any`" in page


def test_the_page_has_a_section_for_each_service_and_whole_tables(root: Path) -> None:
    page = markdown(shop(root))
    assert re.findall(r"^## (.*)", page, re.MULTILINE) == [
        *("catalog", "wallet", "inventory", "orders", "notification", "Topologies")
    ]
    assert "| [wallet](#wallet) | team-payments | Wallet 1.0 | - |" in page
    assert "| `open` | command | `PUT /wallets/{owner}` | - | - | Make an empty wallet;" in page
    assert "- calls catalog: `place` → `prices`\n" in page
    for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        bars = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(bars) == 1


def test_words_of_others_stay_words(root: Path) -> None:
    catalogue = shop(root)
    catalogue["services"][0] |= {"owner": "a|b [x](y) <i>"}
    catalogue["services"][0]["operations"][0] |= {"description": "either | or <b>", "role": "x|y"}
    page = markdown(catalogue)
    assert r"a\|b \[x\](y) \<i\>" in page
    assert r"either \| or \<b>" in page
    assert r"`x\|y`" in page


class Happened(Event):
    """It did."""


class Sample(Contract, Protocol, version="2.1", publishes=[Happened]):
    """Has one of everything."""

    @query(role="desk:read", timeout_seconds=3)
    def watch(self) -> AsyncIterator[int]:
        """Look on."""
        ...


def test_streams_roles_and_events_are_shown(project: MakeProject) -> None:
    catalogue = catalog(project(package("Desk")).config, {"desk": describe(Sample)})
    (desk,) = catalogue["services"]
    assert desk["publishes"] == ["Happened"]
    (watch,) = desk["operations"]
    assert (watch["streaming"], watch["role"], watch["timeout_seconds"]) == (True, "desk:read", 3)
    page = markdown(catalogue)
    assert "- publishes: `Happened`\n" in page
    assert "| `watch` | query (stream) | - | `desk:read` | - | Look on. |" in page
