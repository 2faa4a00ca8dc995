"""Domain errors: fields like a message's, equality by value, and the same error again after any trip."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal
from typing import ClassVar

import pytest

from calve import DomainError
from calve.contract import ContractError
from calve.core.codec import Codec
from calve.core.errors import CalveError, ConfigError


class InsufficientFunds(DomainError):
    """There is not enough money in the wallet.

    The caller may try with less.
    """

    status = 409
    hint: ClassVar[str] = "deposit first"
    _note = "private"
    missing_cents: int
    currency: str = "EUR"


class UnknownOrderLine(DomainError):
    status = 404


class CreditExceeded(InsufficientFunds):
    limit: Decimal
    rows: tuple[int, ...] = ()


def test_fields_are_given_by_name_and_have_defaults() -> None:
    error = InsufficientFunds(missing_cents=5)
    assert (error.missing_cents, error.currency, error.status) == (5, "EUR", 409)
    assert isinstance(error, CalveError)


def test_wrong_fields_are_refused_when_the_error_is_made() -> None:
    for fields in ({}, {"missing_cents": 1, "cents": 2}):
        with pytest.raises(TypeError, match="InsufficientFunds: "):
            InsufficientFunds(**fields)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        InsufficientFunds(5)  # type: ignore[call-arg]


def test_class_variables_and_private_names_are_no_fields() -> None:
    assert InsufficientFunds.fields_type().__struct_fields__ == ("missing_cents", "currency")
    assert CreditExceeded.fields_type().__struct_fields__ == ("missing_cents", "currency", "limit", "rows")
    assert InsufficientFunds.fields_type() is InsufficientFunds.fields_type()


def test_the_title_is_the_first_line_of_the_docstring_or_the_name() -> None:
    assert InsufficientFunds.title() == "There is not enough money in the wallet"
    assert UnknownOrderLine.title() == "Unknown order line"
    assert CreditExceeded.title() == "Credit exceeded", "a docstring is not inherited: it describes another error"


def test_the_text_has_the_fields() -> None:
    assert str(UnknownOrderLine()) == "Unknown order line"
    error = InsufficientFunds(missing_cents=5)
    assert str(error) == "There is not enough money in the wallet (missing_cents=5, currency='EUR')"


def test_errors_are_equal_by_class_and_fields() -> None:
    error = CreditExceeded(missing_cents=5, limit=Decimal("1.0"))
    same = CreditExceeded(missing_cents=5, limit=Decimal("1.00"), currency="EUR")
    assert error == same
    assert hash(error) == hash(same)
    assert error != CreditExceeded(missing_cents=5, limit=Decimal(2))
    assert InsufficientFunds(missing_cents=5) != error
    assert error != "something else"


def test_the_fields_rebuild_the_error_after_the_codec() -> None:
    error = CreditExceeded(missing_cents=5, limit=Decimal("1.0"), rows=(1, 2))
    fields = Codec(CreditExceeded.fields_type()).copy(error.fields())
    assert CreditExceeded.from_fields(fields) == error


class Custom(DomainError):
    reason: str

    def __init__(self, number: int) -> None:
        super().__init__(reason=f"number {number}")


@pytest.mark.parametrize("error", [CreditExceeded(missing_cents=5, limit=Decimal(1)), UnknownOrderLine(), Custom(7)])
def test_errors_survive_pickling_and_copying(error: DomainError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), type(error).from_fields(error.fields())):
        assert twin == error
        assert str(twin) == str(error)


def test_a_field_may_not_hide_what_every_error_has() -> None:
    class Invalid(DomainError):
        fields: tuple[str, ...]  # type: ignore[assignment]

    with pytest.raises(ContractError, match=r"'fields' would hide DomainError\.fields; rename the field"):
        Invalid.fields_type()


def test_a_field_may_not_have_a_default_that_is_shared() -> None:
    class Invalid(DomainError):
        rows: list[int] = [1]  # noqa: RUF012

    with pytest.raises(ContractError, match="mutable"):
        Invalid(rows=[])


def test_a_contract_error_is_a_configuration_error() -> None:
    assert issubclass(ContractError, ConfigError)
