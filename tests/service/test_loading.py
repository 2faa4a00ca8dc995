"""From a dotted name to classes, and every way in which that can fail before anything starts."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from calve.core.errors import ConfigError
from calve.service import load_contract, load_object, load_service

CONTRACT = """
from collections.abc import AsyncIterator
from typing import Protocol
from calve import Contract, query

class Wallet(Contract, Protocol, version="1.0"):
    @query()
    async def balance(self, owner: int, *, day: int = 0) -> int: ...

    @query()
    def history(self, owner: int) -> AsyncIterator[int]: ...
"""
BALANCE = """
    async def balance(self, owner: int, *, day: int = 0) -> int:
        return 0
"""
HISTORY = """
    async def history(self, owner: int) -> AsyncIterator[int]:
        yield 1
"""
HEAD = """
from collections.abc import AsyncIterator
from bank.wallet.contract import Wallet
"""
SERVICE = f"{HEAD}\nclass WalletService(Wallet):{BALANCE}{HISTORY}"


class Project:
    """A folder of modules that can be imported."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> None:
        """Write a module; the folders above become packages."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        for folder in file.relative_to(self.root).parents:
            if folder != Path():
                (self.root / folder / "__init__.py").touch()
        file.write_text(textwrap.dedent(text))


@pytest.fixture
def project(importable: Path) -> Project:
    """An importable project with the contract of a wallet."""
    project = Project(importable)
    project.write("bank/wallet/contract.py", CONTRACT)
    return project


def fault(dotted: str) -> str:
    """What is wrong with a hosted service."""
    with pytest.raises(ConfigError) as caught:
        load_service(dotted, hosted=True)
    return str(caught.value)


def test_a_service_is_a_package_with_a_contract_and_a_service(project: Project) -> None:
    project.write("bank/wallet/service.py", SERVICE)
    service = load_service("bank.wallet", hosted=True)
    assert (service.name, service.module, service.contract.name) == ("wallet", "bank.wallet", "Wallet")
    assert service.implementation is not None
    assert service.implementation.__name__ == "WalletService"
    assert service.folder == project.root / "bank" / "wallet"


def test_the_implementation_is_not_imported_where_it_is_not_hosted(project: Project) -> None:
    project.write("bank/wallet/service.py", "raise RuntimeError('imported')")
    assert load_service("bank.wallet", hosted=False).implementation is None
    assert "bank.wallet.service" not in sys.modules


def test_a_service_may_be_one_file(project: Project) -> None:
    project.write("single.py", CONTRACT + SERVICE.replace(HEAD, ""))
    service = load_service("single", hosted=True)
    assert (service.name, service.folder) == ("single", project.root)
    assert service.implementation is not None


def test_the_implementation_may_have_bases_of_its_own(project: Project) -> None:
    halves = f"{HEAD}\nclass Half(Wallet):{BALANCE}\nclass WalletService(Half):{HISTORY}"
    project.write("bank/wallet/service.py", halves)
    implementation = load_service("bank.wallet", hosted=True).implementation
    assert implementation is not None
    assert implementation.__name__ == "WalletService"


def test_more_parameters_with_defaults_are_allowed(project: Project) -> None:
    more = SERVICE.replace("*, day: int = 0", "day: int = 0, currency: str = 'EUR'")
    project.write("bank/wallet/service.py", more)
    assert load_service("bank.wallet", hosted=True).implementation is not None


@pytest.mark.parametrize(
    ("dotted", "text"),
    [
        ("bank.walet", "module 'bank.walet' was not found; did you mean 'wallet'? (known: wallet); check the name, "),
        ("banc.wallet", "module 'banc.wallet' was not found; "),
        ("bank", "service 'bank' has no module bank.contract; create bank/contract.py"),
        ("bank.wallet", "service 'bank.wallet' has no module bank.wallet.service; create bank/wallet/service.py"),
    ],
)
def test_what_is_missing_is_named_with_near_misses(project: Project, dotted: str, text: str) -> None:
    message = fault(dotted)
    assert message.startswith("calve.toml [app] services: ")
    assert text in message


@pytest.mark.parametrize(
    ("contract", "text"),
    [
        ("", "has no contract in module bank.wallet.contract; define exactly one class"),
        (CONTRACT + CONTRACT.replace("Wallet", "Purse"), "has 2 contracts (Wallet, Purse) in module"),
    ],
)
def test_there_is_exactly_one_contract(project: Project, contract: str, text: str) -> None:
    project.write("bank/wallet/contract.py", contract)
    assert text in fault("bank.wallet")


def test_contracts_imported_from_elsewhere_do_not_count(project: Project) -> None:
    project.write("bank/purse/contract.py", CONTRACT.replace("Wallet", "Purse"))
    project.write("bank/wallet/contract.py", f"from bank.purse.contract import Purse\n{CONTRACT}")
    assert load_contract("bank.wallet").name == "Wallet"


@pytest.mark.parametrize(
    ("service", "text"),
    [
        (HEAD, "has no implementation of Wallet in module bank.wallet.service; define exactly one class"),
        (SERVICE + SERVICE.replace("WalletS", "OtherS"), "has 2 implementations of Wallet (WalletService, Oth"),
        (SERVICE.replace(HISTORY, ""), "operation 'history' of Wallet is not implemented"),
        (SERVICE.replace("yield 1", "return None"), "'history' streams, so it must be an async generator; use yield"),
        (SERVICE.replace("async def balance", "def balance"), "'balance' must be declared with async def"),
        (SERVICE.replace("balance(self, owner", "balance(self, who"), "does not fit the contract's balance(owner, "),
        (SERVICE.replace("owner: int, *,", "*,"), "does not fit the contract's balance(owner, day)"),
        (SERVICE.replace("*, day: int = 0", "*, date: int = 0"), "does not fit the contract's balance(owner, day)"),
        (SERVICE.replace("*, day", "more: int, *, day"), "does not fit the contract's balance(owner, day)"),
        (SERVICE.replace("owner: int, *,", "*numbers: int,"), "does not fit the contract's balance(owner, day)"),
    ],
)  # fmt: skip
def test_the_implementation_fits_the_contract(project: Project, service: str, text: str) -> None:
    project.write("bank/wallet/service.py", service)
    assert text in fault("bank.wallet")


def test_an_error_on_import_is_told_with_its_line(project: Project) -> None:
    project.write("broken.py", "x = 1\ny = 1 / 0\n")
    message = fault("broken")
    assert "module broken failed on import: ZeroDivisionError: division by zero (" in message
    assert "broken.py:2)" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [("x = 1\ndef (\n", "SyntaxError: invalid syntax ("), ("x = 1\nraise SystemExit(7)\n", "SystemExit: 7 (")],
)
def test_what_ends_an_interpreter_ends_no_start_without_a_word(project: Project, text: str, expected: str) -> None:
    project.write("broken.py", text)
    message = fault("broken")
    assert f"module broken failed on import: {expected}" in message
    assert message.endswith("broken.py:2)")


def test_a_module_that_needs_another_is_not_called_missing(project: Project) -> None:
    project.write("broken.py", "import no_such_library")
    assert "module broken needs 'no_such_library', which is not installed; install" in fault("broken")


def test_a_contract_error_on_import_stays_what_it_is(project: Project) -> None:
    project.write("broken.py", CONTRACT.replace('version="1.0"', 'version="1"'))
    assert "contract version is '1', not 'major.minor'" in fault("broken")


def test_objects_are_found_by_module_and_attribute(project: Project) -> None:
    assert load_object("bank.wallet.contract:Wallet", where="here") is load_contract("bank.wallet").cls
    for reference, text in (
        ("bank.wallet.contract", "here: 'bank.wallet.contract' is not of the form 'module:attribute'"),
        ("bank.wallet.contract:Walet", "here: module bank.wallet.contract has no 'Walet'; did you mean 'Wallet'?"),
        ("bank.missing:x", "here: module 'bank.missing' was not found; known: wallet"),
    ):
        with pytest.raises(ConfigError) as caught:
            load_object(reference, where="here")
        assert str(caught.value).startswith(text)
