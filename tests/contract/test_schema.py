"""JSON Schema: what the schema of a type allows, the codec takes."""

from __future__ import annotations

import dataclasses
import enum
import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, Protocol, TypedDict, TypeVar
from uuid import UUID

import jsonschema_rs
import msgspec
import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calve.contract import Contract, DomainError, Event, Message, command, describe, query
from calve.contract.schema import INT_MAX, INT_MIN, Schemas, json_schema
from calve.core.codec import Codec
from calve.core.errors import InvalidArgument

T = TypeVar("T")


class Colour(enum.Enum):
    """A colour."""

    RED = "red"
    BLUE = "blue"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


class Card(Message, tag="card"):
    number: str


class Cash(Message, tag="cash"):
    cents: int = 0


@dataclasses.dataclass
class Place:
    x: float
    y: float = 0.0


class Named(NamedTuple):
    first: str
    second: int = 2


class Typed(TypedDict, total=False):
    a: int


class Page(Message, Generic[T]):
    items: tuple[T, ...]


class Row(msgspec.Struct, array_like=True):
    a: int
    b: str = ""


class Strict(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    some_name: int


class Inner(pydantic.BaseModel):
    count: int = pydantic.Field(gt=0)


class Outer(pydantic.BaseModel):
    inner: Inner
    below: Outer | None = None


class Tree(Message):
    """Has branches."""

    value: int
    branches: tuple[Tree, ...] = ()


def checked(kind: Any) -> tuple[dict[str, Any], jsonschema_rs.Validator]:
    schemas = Schemas()
    schema = schemas.of(kind)
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "$defs": schemas.components}
    return schema, jsonschema_rs.validator_for(whole, validate_formats=True)


KINDS: list[tuple[Any, list[Any], list[Any]]] = [
    # the type, values that schema and codec take, values that both refuse
    (int, [0, INT_MIN, INT_MAX], [INT_MIN - 1, INT_MAX + 1, 1.5, "1", None]),
    (Annotated[int, msgspec.Meta(ge=0, lt=10)], [0, 9], [-1, 10]),
    (Annotated[int, msgspec.Meta(gt=0, le=10, multiple_of=5)], [5, 10], [0, 3, 15]),
    (float, [1, 1.5], ["1", None]),
    (bool, [True], [1, "true"]),
    (None, [None], [0]),
    (str, ["", "ä"], [1]),
    (Annotated[str, msgspec.Meta(min_length=1, max_length=3, pattern="^a")], ["a", "abc"], ["", "b", "abcd"]),
    (bytes, ["", "YQ==", "YWI=", "YWJj"], ["a", "YQ", "Y*=="]),
    (UUID, ["6f1c2a6e-0b7e-4d5e-9c55-5f8f0f6f0a01"], ["6f1c", ""]),
    (datetime, ["2030-01-01T12:00:00Z", "2030-01-01T12:00:00.5+02:00"], ["2030-01-01", "x"]),
    (date, ["2030-01-31"], ["2030-02-31", ""]),
    (time, ["12:00:00Z"], ["25:00:00Z", ""]),
    (timedelta, ["P1D", "PT1.5S", "-P1DT2H3M4S", "+PT0S"], ["P", "P1Y", "PT", "1"]),
    (Decimal, ["1", "-1.50", "+.5e-3", 1.5, 2], ["", "abc", "1,5", None]),
    (Colour, ["red"], ["green", 1]),
    (Size, [1], [3, "1"]),
    (Literal["a", 1], ["a", 1], ["b", 2]),
    (list[int], [[], [1]], [["1"], 1]),
    (set[int], [[1], [1, 1]], [[1.5]]),
    (Annotated[tuple[int, ...], msgspec.Meta(min_length=1, max_length=2)], [[1]], [[], [1, 2, 3]]),
    (tuple[int, str], [[1, "a"]], [[1], ["a", 1], [1, "a", 2]]),
    (dict[str, int], [{}, {"a": 1}], [{"a": "1"}, []]),
    (int | str | None, [1, "a", None], [[], 1.5]),
    (Any, [1, None, {"a": []}], []),
    (Card | Cash, [{"type": "card", "number": "1"}, {"type": "cash"}], [{"number": "1"}, {"type": "gold"}, {}]),
    (Place, [{"x": 1}, {"x": 1, "y": 2}], [{}, {"x": "1"}]),
    (Named, [["a"], ["a", 1]], [[], [1]]),
    (Typed, [{}, {"a": 1}], [{"a": "x"}]),
    (Page[int], [{"items": [1]}], [{"items": ["a"]}, {}]),
    (Row, [[1], [1, "b"]], [[], ["a"]]),
    (Strict, [{"someName": 1}], [{"some_name": 1}, {"someName": 1, "more": 2}]),
    (Tree, [{"value": 1, "branches": [{"value": 2}]}], [{"value": 1, "branches": [{}]}]),
    (Outer, [{"inner": {"count": 1}, "below": {"inner": {"count": 2}}}], [{"inner": {"count": 0}}, {}]),
]


@pytest.mark.parametrize(("kind", "good", "bad"), KINDS, ids=[str(kind) for kind, _, _ in KINDS])
def test_schema_and_codec_agree(kind: Any, good: list[Any], bad: list[Any]) -> None:
    _, validator = checked(kind)
    codec = Codec(kind)
    for value in good:
        assert validator.is_valid(value), value
        codec.decode_json(json.dumps(value).encode())
    for value in bad:
        assert not validator.is_valid(value), value
        with pytest.raises(InvalidArgument):
            codec.decode_json(json.dumps(value).encode())


@pytest.mark.parametrize("kind", [timedelta, Decimal, bytes])
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=200)
@given(data=st.data())
def test_every_text_that_a_pattern_allows_is_taken(kind: Any, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(Schemas().of(kind)["pattern"].replace("$", r"\Z")))
    assert isinstance(Codec(kind).decode_json(json.dumps(text).encode()), kind)


def test_named_types_become_components_once() -> None:
    schemas = Schemas("#/components/schemas/")
    assert schemas.of(list[Tree]) == {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}
    assert schemas.of(Tree | None)["anyOf"][0] == {"$ref": "#/components/schemas/Tree"}
    schemas.of(dict[str, Colour])
    assert set(schemas.components) == {"Tree", "Colour"}
    assert schemas.components["Tree"]["description"] == "Has branches."
    assert schemas.components["Tree"]["properties"]["branches"]["default"] == []
    assert schemas.components["Colour"]["description"] == "A colour."
    assert "description" not in Schemas().components


def test_a_second_type_of_the_same_name_gets_its_full_one() -> None:
    class Card(Message):
        other: int

    schemas = Schemas()
    schemas.add("Problem", {})
    problem = msgspec.defstruct("Problem", [("a", int)], module="shop.orders")
    refs = [schemas.of(kind)["$ref"] for kind in (globals()["Card"], Card, problem)]
    assert refs[0] == "#/$defs/Card"
    assert refs[1].endswith(".test_a_second_type_of_the_same_name_gets_its_full_one._locals_.Card")
    assert refs[2] == "#/$defs/shop.orders.Problem"
    assert len(schemas.components) == 4


def test_a_tagged_union_tells_its_tags() -> None:
    schema, _ = checked(Card | Cash | None)
    assert schema["discriminator"] == {
        "propertyName": "type",
        "mapping": {"card": "#/$defs/Card", "cash": "#/$defs/Cash"},
    }


def test_metadata_goes_along() -> None:
    kind = Annotated[str, msgspec.Meta(description="A name.", examples=["ann"], extra_json_schema={"x-a": 1})]
    assert Schemas().of(kind) == {"type": "string", "description": "A name.", "examples": ["ann"], "x-a": 1}


def test_integers_of_pydantic_models_have_bounds_too() -> None:
    schemas = Schemas()
    schemas.of(Outer)
    assert schemas.components["Inner"]["properties"]["count"] == {
        "exclusiveMinimum": 0,
        "maximum": INT_MAX,
        "title": "Count",
        "type": "integer",
    }
    assert schemas.of(Inner) == {"$ref": "#/$defs/Inner"}


class Sold(Event):
    """Something was sold."""

    item: UUID


class SoldOut(DomainError):
    """There is nothing left."""

    left: int


class Shop(Contract, Protocol, version="1.2", publishes=[Sold]):
    """Sells things."""

    @command(raises=[SoldOut])
    async def sell(self, item: UUID, size: Size = Size.SMALL) -> Tree:
        """Sell one."""
        ...

    @query()
    async def nothing(self) -> None: ...


def test_a_contract_is_one_document() -> None:
    document = json_schema(describe(Shop))
    assert document["$id"] == "urn:calve:contract:Shop:1.2"
    assert (document["title"], document["description"], document["x-version"]) == ("Shop", "Sells things.", "1.2")
    assert document["x-events"] == {"Sold": {"$ref": "#/$defs/Sold"}}
    sell = document["x-operations"]["sell"]
    assert (sell["kind"], sell["streaming"], sell["description"]) == ("command", False, "Sell one.")
    assert (sell["response"], sell["raises"]) == ({"$ref": "#/$defs/Tree"}, {"SoldOut": {"$ref": "#/$defs/SoldOut"}})
    request = document["$defs"][sell["request"]["$ref"].rpartition("/")[2]]
    assert request["required"] == ["item"]
    assert request["properties"]["size"] == {"$ref": "#/$defs/Size", "default": 1}
    assert json.loads(json.dumps(document)) == document
    jsonschema_rs.meta.validate(document)


def test_the_default_of_a_factory_is_told_when_it_is_empty() -> None:
    class Basket(Message):
        items: list[int] = msgspec.field(default_factory=list)
        prices: dict[str, int] = msgspec.field(default_factory=dict)
        size: Size = Size.SMALL

    schemas = Schemas()
    schemas.of(Basket)
    properties = schemas.components["Basket"]["properties"]
    assert (properties["items"]["default"], properties["prices"]["default"]) == ([], {})


def test_what_cannot_be_described_is_anything() -> None:
    class Foreign:
        pass

    assert Schemas().of(Foreign) == {}
    assert Schemas().of(msgspec.msgpack.Ext) == {}
