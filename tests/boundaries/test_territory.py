"""Whose modules are whose; contracts and implementations as the source has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from calve.boundaries import Application
from calve.runtime import load_config
from calve.service import dependency_graph, load_service

from .conftest import MakeProject, contract, package


def test_a_module_belongs_to_the_innermost_service_around_it(project: MakeProject) -> None:
    made = project(package("Bank"), **{"town/bank/vault/__init__.py": "", "town/bank/vault/contract.py": ""})
    made.write("calve.toml", '[app]\nname = "town"\nservices = ["town.bank", "town.bank.vault"]\n')
    application = made.application
    assert application.owner("town.bank.service") == "bank"
    assert application.owner("town.bank.vault.contract") == "vault"
    assert application.owner("town.banknote") is None
    assert sorted(application.modules_of("vault")) == ["town.bank.vault", "town.bank.vault.contract"]


def test_packages_without_init_and_modules_beside_calve_toml_are_found(project: MakeProject) -> None:
    made = project(package("Bank"), **{"single.py": "import helpers.dates\n", "helpers/dates.py": "x = 1\n"})
    (made.root / "town/__init__.py").unlink()
    made.write("calve.toml", '[app]\nname = "town"\nservices = ["town.bank", "single"]\n')
    modules = set(made.application.sources)
    assert modules == {"town.bank", "town.bank.contract", "town.bank.service", "single", "helpers.dates"}


@pytest.mark.parametrize(
    "text",
    [
        "import typing\nimport calve\nclass C(calve.Contract, typing.Protocol, version='1.0'):\n"
        "    @calve.command()\n    async def work(self): ...\n",
        "from typing import Protocol as P\nfrom calve import Contract as K, query as q\nclass C(K, P, version='1.0'):\n"
        "    @q(http='GET /x')\n    async def work(self): ...\n    def helper(self): ...\n",
        "from typing import Protocol\nfrom calve import Contract, command\n"
        "class Base(Contract, Protocol, version='1.0'):\n"
        "    @command()\n    async def work(self): ...\nclass C(Base, Protocol, version='1.0'): ...\nBase = Base\n",
    ],
)
def test_contracts_are_known_by_what_they_inherit(project: MakeProject, text: str) -> None:
    made = project(package("Bank"))
    made.write("town/bank/contract.py", text)
    application = made.application
    found = [c for c in application.classes.of("town.bank.contract") if application.classes.is_contract(c)]
    assert list(application.classes.operations(found[-1])) == ["work"]


@pytest.mark.parametrize("text", ["class C: ...", "class C(Protocol): ...", "class C(Contract): ...", ""])
def test_other_classes_are_no_contracts(project: MakeProject, text: str) -> None:
    made = project(package("Bank"))
    made.write("town/bank/contract.py", f"from typing import Protocol\nfrom calve import Contract\n{text}\n")
    assert made.application.contract("bank") is None
    assert made.application.implementation("bank") is None
    assert made.calls() == []


@pytest.mark.parametrize(
    ("init", "expected"),
    [
        ("def __init__(self, bank: Bank): ...", {"bank": "bank"}),
        ("def __init__(self, *, b: 'Bank', size: int = 1): ...", {"bank": "b"}),
        ("def __init__(self, bank: int): ...", {}),
        ("x: Bank", {}),
        ("def other(self, bank: Bank): ...", {}),
    ],
)
def test_what_a_constructor_asks_for_is_declared(project: MakeProject, init: str, expected: dict[str, str]) -> None:
    made = project(package("Bank"), package("Desk"))
    text = f"from .contract import Desk\nfrom ..bank.contract import Bank\nclass DeskService(Desk):\n    {init}\n"
    made.write("town/desk/service.py", text)
    assert {name: parameter for name, (parameter, _) in made.application.declared("desk").items()} == expected


def test_the_fields_of_a_dataclass_are_declared(project: MakeProject) -> None:
    made = project(package("Bank"), package("Desk"))
    made.write(
        "town/desk/service.py",
        "from dataclasses import dataclass\nfrom .contract import Desk\nfrom ..bank.contract import Bank\n"
        "@dataclass\nclass DeskService(Desk):\n    bank: Bank\n",
    )
    assert made.application.declared("desk")["bank"][0] == "bank"


def test_the_most_derived_class_is_the_implementation(project: MakeProject) -> None:
    made = project(package("Bank"))
    made.write(
        "town/bank/service.py", "from .contract import Bank\nclass A(Bank): ...\nclass B(A): ...\nclass C: ...\n"
    )
    implementation = made.application.implementation("bank")
    assert implementation is not None
    assert implementation.node.name == "B"
    made.write("town/bank/service.py", "from .contract import Bank\nclass A(Bank): ...\nclass B(Bank): ...\n")
    assert made.application.implementation("bank") is None, "two of them: no start would accept that"


def test_two_contracts_in_one_module_are_none(project: MakeProject) -> None:
    made = project(package("Bank"))
    made.write("town/bank/contract.py", contract("Bank") + contract("Other"))
    assert made.application.contract("bank") is None


def test_what_is_declared_is_what_is_injected(root: Path) -> None:
    """The static reading against the real thing: the shop, imported."""
    config = load_config(root / "examples/shop/calve.toml", environ={})
    application = Application(config)
    graph = dependency_graph([load_service(dotted, hosted=True) for dotted in config.services.values()])
    assert {name: set(application.declared(name)) for name in application.services} == graph


ADOPTED = '[service.legacy]\nasgi = "legacy.main:app"\ncalls = ["bank"]\n'


def test_an_adopted_application_is_private_as_a_whole_and_may_call_what_it_lists(project: MakeProject) -> None:
    files = {
        "legacy/main.py": "from town.bank.contract import Bank\nfrom .views import x\n",
        "legacy/views.py": "x = 1\n",
        "town/bank/x.py": "import legacy.main\n",
    }
    made = project(package("Bank"), toml=ADOPTED, **files)
    (violation,) = made.check().violations
    assert made.found() == ["import town.bank.x -> legacy.main at town/bank/x.py:1"]
    assert violation.fix.startswith("legacy is an adopted application and has no contract")
    application = made.application
    assert application.owner("legacy.views") == "legacy"
    assert application.declared("legacy")["bank"][1].shown(made.root) == "calve.toml:6"
    assert made.calls() == ["legacy.* -> bank.* calve.toml:6"]
    made.write("legacy/views.py", "from town.bank.service import BankService\n")
    (made.root / "town/bank/x.py").unlink()
    assert made.found() == ["import legacy.views -> town.bank.service.BankService at legacy/views.py:1"]


def test_what_an_adopted_application_calls_counts_in_chains(project: MakeProject) -> None:
    toml = f"[check]\ncall_chain_max = 1\n{ADOPTED}"
    call = "async def work(self):\n    await self._d.work()\n"
    files = {"legacy/main.py": "app = 1\n"}
    made = project(package("Bank", {"d": "Desk"}, call), package("Desk"), toml=toml, **files)
    assert [v.what for v in made.check().violations] == ["legacy.* -> bank.* -> desk.work"]


def test_a_contract_that_an_http_service_fulfils_has_a_place_but_no_code(project: MakeProject) -> None:
    toml = '[service.geo]\nurl = "https://geo.example"\ncontract = "town.geo.contract:Geo"\n'
    call = "async def work(self):\n    await self._geo.work()\n"
    made = project(package("Bank", {"geo": "Geo"}, call), toml=toml)
    made.write("town/geo/contract.py", contract("Geo"))
    assert made.found() == []
    assert made.calls() == ["bank.work -> geo.work town/bank/service.py:9"]
    assert made.application.owner("town.geo.contract") == "geo"
