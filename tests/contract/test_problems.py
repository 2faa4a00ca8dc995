"""How errors look as problem documents: names that clients compare, and fields that may not hide them."""

from __future__ import annotations

from typing import Protocol

import pytest

from calve import Contract, DomainError, query
from calve.contract import ContractError, describe
from calve.contract.problems import RESERVED_MEMBERS, check_members, domain_error_type, error_type


class OutOfStock(DomainError):
    sku: str


class Vague(DomainError):
    detail: str


class Shop(Contract, Protocol, version="1.0"):
    @query(raises=[OutOfStock])
    async def right(self) -> None: ...
    @query(raises=[OutOfStock, Vague])
    async def wrong(self) -> None: ...


def test_types_are_stable() -> None:
    assert error_type("overloaded") == "urn:calve:error:overloaded"
    assert domain_error_type("shop", OutOfStock) == "urn:calve:error:shop:OutOfStock"


def test_a_field_may_not_hide_a_standard_member() -> None:
    assert "detail" in RESERVED_MEMBERS
    check_members(describe(Shop).operations["right"])
    with pytest.raises(ContractError) as caught:
        check_members(describe(Shop).operations["wrong"])
    assert str(caught.value) == (
        f"{__name__}.Vague: field 'detail' hides the standard member of a problem document; "
        "rename the field, or take the operation off REST"
    )
