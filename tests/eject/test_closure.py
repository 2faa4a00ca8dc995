"""Which modules go along with a service, and which libraries."""

from __future__ import annotations

from .projects import MakeProject, contract

BANK = {
    "town/bank/__init__.py": "",
    "town/bank/contract.py": contract("Bank"),
    "town/bank/service.py": "from .contract import Bank\nfrom .vault import open\nclass BankService(Bank): ...\n",
    "town/bank/vault.py": "from ..clocks import now\ndef open(): ...\n",
    "town/bank/test_vault.py": "import pytest\n",
    "town/clocks.py": "import msgspec, json, asyncpg\nfrom town import colours\n",
    "town/colours.py": "",
    "town/unused.py": "import numpy\n",
}


def test_what_is_imported_goes_along_and_nothing_else(project: MakeProject) -> None:
    found = project(BANK).closure("bank")
    assert list(found.modules) == [
        "town",
        "town.bank",
        "town.bank.contract",
        "town.bank.service",
        "town.bank.vault",
        "town.clocks",
        "town.colours",
    ]
    assert found.refusals == []


def test_libraries_become_requirements_of_the_installed_version(project: MakeProject) -> None:
    found = project(BANK, {"town/colours.py": "import no_such_library\n"}).closure("bank")
    assert [name.partition(">=")[0] for name in found.libraries] == ["asyncpg", "no_such_library"]
    assert found.libraries[0].partition(">=")[2]


def test_the_contract_of_another_service_goes_along_without_its_service(project: MakeProject) -> None:
    mint = {
        "town/mint/__init__.py": "",
        "town/mint/contract.py": contract("Mint"),
        "town/mint/service.py": "from .contract import Mint\nclass MintService(Mint): ...\n",
        "town/bank/vault.py": "from ..mint.contract import Mint\n",
    }
    found = project(BANK, mint).closure("bank")
    assert {"town.mint", "town.mint.contract"} <= found.modules.keys()
    assert "town.mint.service" not in found.modules


def test_what_is_private_to_another_service_is_refused(project: MakeProject) -> None:
    mint = {
        "town/mint/__init__.py": "",
        "town/mint/contract.py": contract("Mint"),
        "town/mint/service.py": "from .contract import Mint\nclass MintService(Mint): ...\n",
        "town/bank/vault.py": "import os\nfrom ..mint.service import MintService\n",
    }
    (refusal,) = project(BANK, mint).closure("bank").refusals
    assert refusal.where == "town/bank/vault.py:2"
    assert "town.mint.service" in refusal.what
