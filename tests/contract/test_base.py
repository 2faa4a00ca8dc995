"""Declaring contracts: versions, and what the decorators leave on a method."""

from __future__ import annotations

from typing import Protocol

import pytest

from calve import Contract, command, query
from calve.contract import ContractError, DomainError
from calve.contract.base import MARK, OperationMark


class Refused(DomainError):
    pass


class Wallet(Contract, Protocol, version="1.12"):
    @command(http="POST /x", raises=[Refused], role="admin", timeout_seconds=2, status=201)
    async def debit(self, cents: int) -> int: ...

    @query()
    async def balance(self) -> int: ...


def test_the_version_is_on_the_contract_and_inherited_by_implementations() -> None:
    class Service(Wallet):
        async def debit(self, cents: int) -> int:
            return cents

        async def balance(self) -> int:
            return 0

    assert Wallet.__contract_version__ == Service.__contract_version__ == "1.12"
    assert Wallet.publishes == ()


@pytest.mark.parametrize("version", [None, "", "1", "1.0.0", "01.0", "1.x", "v1.0", "1.0 ", "\uff11.0"])
def test_a_contract_needs_a_version_of_two_numbers(version: str | None) -> None:
    with pytest.raises(ContractError) as caught:

        class Broken(Contract, Protocol, version=version):
            pass

    assert f"contract version is {version!r}, not 'major.minor'" in str(caught.value)
    assert 'write class Broken(Contract, Protocol, version="1.0")' in str(caught.value)
    assert "Broken" in str(caught.value.where)


def test_an_implementation_has_no_version_of_its_own() -> None:
    with pytest.raises(ContractError, match="list Protocol among the bases to declare a contract"):

        class Service(Wallet, version="2.0"):
            pass


def test_the_decorators_leave_the_method_as_it_is_but_for_a_mark() -> None:
    assert Wallet.debit.__name__ == "debit"
    assert getattr(Wallet.debit, MARK) == OperationMark("command", "POST /x", (Refused,), "admin", 2, 201)
    assert getattr(Wallet.balance, MARK) == OperationMark("query", None, (), None, None, None, True)
