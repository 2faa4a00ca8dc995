"""What is found out about a project without starting it."""

from __future__ import annotations

import pytest

from calve.bootstrap import describe_services
from calve.core.errors import ConfigError

from .conftest import Market


async def test_facts_about_services(market: Market) -> None:
    facts = describe_services(market.config())
    assert {name: (f.contract, f.needs, f.stores) for name, f in facts.items()} == {
        "till": ("Till 1.0", frozenset({"bank"}), False),
        "bank": ("Bank 1.0", frozenset(), True),
        "plain": ("Plain 1.0", frozenset(), False),
    }
    assert list(facts) == ["till", "bank", "plain"]
    assert not market.data.exists()
    assert market.seen == []


@pytest.mark.parametrize(
    ("path", "old", "new", "text"),
    [
        ("till", "bank: Bank", "bank: 'BankService'", "asks for BankService, an implementation"),
        ("till", "bank: Bank, log", "bank, log", "parameter 'bank' has no annotation to inject by"),
        ("plain", "from calve", "from clave", "needs 'clave', which is not installed"),
    ],
)
async def test_what_does_not_fit_together_is_one_error(
    market: Market, path: str, old: str, new: str, text: str
) -> None:
    market.replace(f"market/{path}.py", old, new)
    market.replace("market/till.py", "from .bank import Bank\n", "from .bank import Bank, BankService\n")
    with pytest.raises(ConfigError, match=text):
        describe_services(market.config())


async def test_a_circle_is_drawn(market: Market) -> None:
    market.replace("market/bank.py", "from .events", "from . import till\nfrom .events")
    market.replace("market/bank.py", "def __init__(self, ", "def __init__(self, till: 'till.Till', ")
    with pytest.raises(ConfigError, match="depend on each other in a circle: bank -> till -> bank"):
        describe_services(market.config())


async def test_two_services_side_by_side_do_not_share_a_schema(market: Market) -> None:
    market.replace("market/till.py", "Contract, Logger", "Contract, Logger, Store")
    market.replace("market/till.py", "bank: Bank, log", "bank: Bank, store: Store, log")
    with pytest.raises(ConfigError, match=r"market\.till and market\.bank both have their schema in"):
        describe_services(market.config())
