"""The codec and pydantic models: whatever their configuration, what crosses is the same model."""

from __future__ import annotations

import math
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import pydantic
import pytest

from calve.core.codec import Codec
from calve.core.errors import InvalidArgument


class Cash(msgspec.Struct, tag=True, frozen=True):
    cents: int


class Address(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)
    street: str = pydantic.Field(alias="streetName", min_length=2)


class Customer(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")
    id: UUID
    born: date
    home: Address
    photo: bytes = b"\xff"
    score: float = math.inf

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def year(self) -> int:
        return self.born.year


class Visit(msgspec.Struct):
    who: Customer
    cash: Cash


VISIT = Visit(Customer(id=UUID(int=1), born=date(2000, 1, 2), home=Address(streetName="Mill Lane")), Cash(1))


def test_pydantic_models_cross_whatever_their_configuration() -> None:
    assert Codec(Visit).copy(VISIT) == VISIT


def test_pydantic_models_have_their_aliases_in_json() -> None:
    customer = msgspec.json.decode(Codec(Visit).encode_json(VISIT))["who"]
    assert (customer["home"], customer["year"]) == ({"streetName": "Mill Lane"}, 2000)


def test_pydantic_models_are_read_from_json_as_pydantic_does() -> None:
    text = b'{"who": {"id": "%s", "born": "2000-01-02", "home": {"streetName": "Mill Lane"}, "photo": "/w=="},'
    assert (
        Codec(Visit).decode_json(text % str(UUID(int=1)).encode() + b'"cash": {"type": "Cash", "cents": 1}}') == VISIT
    )


def test_an_invalid_pydantic_model_says_which_field() -> None:
    broken = (
        b'{"who": {"id": "x", "born": "2000-01-02", "home": {"streetName": "M"}}, "cash": {"type": "Cash", "cents": 1}}'
    )
    with pytest.raises(InvalidArgument) as caught:
        Codec(Visit).decode_json(broken)
    assert caught.value.field == "$.who"
    assert "id: Input should be a valid UUID" in str(caught.value)
    assert "home.streetName: String should have at least 2 characters" in str(caught.value)


def test_a_validator_with_an_error_of_its_own_is_an_invalid_argument() -> None:
    class Odd(pydantic.BaseModel):
        @pydantic.model_validator(mode="before")
        @classmethod
        def check(cls, value: Any) -> Any:
            raise RuntimeError("broken validator")

    for attempt in (partial(Codec(Odd).decode, b"\x80"), partial(Codec(Odd).decode_json, b"{}")):
        with pytest.raises(InvalidArgument, match="broken validator"):
            attempt()


def test_a_serialiser_with_an_error_of_its_own_is_an_invalid_argument() -> None:
    class Odd(pydantic.BaseModel):
        @pydantic.field_serializer("number", when_used="always")
        def show(self, number: int) -> int:
            raise RuntimeError("broken serialiser")

        number: int = 1

    with pytest.raises(InvalidArgument, match="broken serialiser"):
        Codec(Odd).copy(Odd())


class Legacy:
    """An interface of pydantic 1, or something that only looks like a model."""

    @classmethod
    def model_validate(cls, value: Any, **options: bool) -> Legacy:
        raise ValueError("plainly wrong")


def test_a_model_of_another_library_may_raise_plain_value_errors() -> None:
    with pytest.raises(InvalidArgument, match="plainly wrong"):
        Codec(Legacy).decode(b"\x80")
