"""From code to description: every kind of type a contract may carry."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from enum import Enum, Flag
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, NotRequired, Protocol, TypedDict, TypeVar
from uuid import UUID, uuid4

import msgspec
import pydantic
import pytest

from calve import UNSET, Contract, DomainError, Message, Meta, Unset, command, query
from calve.contract import describe
from calve.contract.lock import describe_contract
from calve.contract.lock.describe import Shapes
from calve.contract.lock.model import EnumLock, Field, HttpLock, MessageLock, Shape, shown

T = TypeVar("T")
Cents = NewType("Cents", int)


class Page(Message, Generic[T]):
    """Part of a whole."""

    items: tuple[T, ...]
    next: Annotated[str, Meta(description="Where to go on.")] | None = None


class Tree(Message):
    leaves: list[Tree]
    made: UUID = msgspec.field(default_factory=uuid4)


class Color(Enum):
    RED = "red"
    CRIMSON = "red"  # noqa: PIE796 - an alias


class Bits(Flag):
    A = 1


class Loose(Enum):
    A = "a"

    @classmethod
    def _missing_(cls, value: object) -> Loose:
        return cls.A


class Pair(NamedTuple):
    a: int
    b: str = "x"


class Typed(TypedDict):
    a: int
    b: NotRequired[int]


@dataclasses.dataclass
class Data:
    a: int
    b: list[int] = dataclasses.field(default_factory=list)


class Model(pydantic.BaseModel):
    a: int


class Tagged(Message, tag_field="kind", tag="t", array_like=False, forbid_unknown_fields=True, rename="camel"):
    first_name: str


class NotThere(DomainError):
    """There is none."""

    status = 404
    key: str


class Vault(Contract, Protocol, version="2.3"):
    """Keeps things."""

    @command(http="PUT /things/{key}", role="keeper", status=201, timeout_seconds=3)
    async def put(self, key: str, page: Page[int], *, twice: bool = False) -> None:
        """Put it there."""
        ...

    @query(raises=[NotThere])
    async def get(self, key: str) -> Page[Tree]: ...


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (Any, Shape(type="any")),
        (None, Shape(type="null")),
        (Cents, Shape(type="int")),
        (int | None, Shape(type="int", nullable=True)),
        (str | int | None, Shape(type="union", options=(Shape(type="int"), Shape(type="str")), nullable=True)),
        (Annotated[str, Meta(min_length=1, pattern="x")], Shape(type="str", min_length=1, pattern="x")),
        (Annotated[float, Meta(gt=0, le=1)], Shape(type="float", gt=0, le=1)),
        (Annotated[dt.datetime, Meta(tz=True)], Shape(type="datetime", zone=True)),
        (dt.date, Shape(type="date")),
        (dt.time, Shape(type="time")),
        (dt.timedelta, Shape(type="duration")),
        (Decimal, Shape(type="decimal")),
        (bytes, Shape(type="bytes")),
        (list[bool], Shape(type="array", items=Shape(type="bool"))),
        (tuple[bool, ...], Shape(type="array", items=Shape(type="bool"))),
        (frozenset[UUID], Shape(type="array", items=Shape(type="uuid"), unique=True)),
        (tuple[int, str], Shape(type="tuple", parts=(Shape(type="int"), Shape(type="str")))),
        (dict[str, int], Shape(type="map", keys=Shape(type="str"), values=Shape(type="int"))),
        (Literal["b", "a", None], Shape(type="literal", allowed=("a", "b"), nullable=True)),
        (Color, Shape(type="ref", ref="Color")),
        (Page[int], Shape(type="ref", ref="Page_int")),
    ],
)
def test_shapes(kind: Any, shape: Shape) -> None:
    assert Shapes().of(kind) == shape


def test_named_types_are_collected() -> None:
    shapes = Shapes()
    for kind in (Color, Loose, Bits, Pair, Typed, Data, Tagged, Tree, Page[int]):
        shapes.of(kind)
    assert shapes.enums == {
        "Color": EnumLock(values={"RED": "red"}),
        "Loose": EnumLock(values={"A": "a"}, open=True),
        "Bits": EnumLock(values={"A": 1}),
    }
    number = Field(name="a", type="int")
    text = Field(name="b", type="str", required=False, default="x")
    assert shapes.messages["Pair"] == MessageLock(fields=(number, text), positional=True, strict=True)
    assert shapes.messages["Typed"].fields[1] == Field(name="b", type="int", required=False, unset=True)
    assert shapes.messages["Data"].fields[1].default == []
    tagged = MessageLock(fields=(Field(name="firstName", type="str"),), strict=True, tag_field="kind", tag="t")
    assert shapes.messages["Tagged"] == tagged
    leaves = Field(name="leaves", type="array", items=Shape(type="ref", ref="Tree"))
    assert shapes.messages["Tree"].fields == (leaves, Field(name="made", type="uuid", required=False))
    assert shapes.docs == {"Page_int": "Part of a whole.", "Page_int.next": "Where to go on."}


def test_a_model_of_another_library_describes_itself() -> None:
    shape = Shapes().of(Model)
    assert (shape.type, shape.schema) == ("opaque", Model.model_json_schema())


def test_two_classes_of_one_name_are_two_messages() -> None:
    one, other = msgspec.defstruct("Same", [("a", int)]), msgspec.defstruct("Same", [("b", int)])
    shapes = Shapes()
    assert (shapes.of(one).ref, shapes.of(other).ref) == ("Same", f"{other.__module__}_Same".replace(".", "_"))


def test_a_contract() -> None:
    described = describe_contract("vault", describe(Vault))
    vault, docs = described.description, described.docs
    assert (vault.service, vault.contract, vault.version) == ("vault", "Vault", "2.3")
    put = vault.operations["put"]
    assert (put.kind, put.role, put.timeout_seconds, put.answer) == ("command", "keeper", 3, Shape(type="null"))
    assert put.http == HttpLock(rule="PUT /things/{key}", status=201)
    assert [(p.name, p.keyword, p.required) for p in put.parameters] == [
        ("key", False, True),
        ("page", False, True),
        ("twice", True, False),
    ]
    assert vault.operations["get"].raises == ("NotThere",)
    assert vault.errors["NotThere"].status == 404
    assert (docs["Vault"], docs["Vault.put"], docs["NotThere"]) == ("Keeps things.", "Put it there.", "There is none")
    assert list(vault.operations) == ["get", "put"]


def test_unset_is_a_field_that_may_be_left_out() -> None:
    class Nick(Message):
        nick: str | Unset = UNSET

    shapes = Shapes()
    shapes.of(Nick)
    assert shapes.messages["Nick"].fields == (Field(name="nick", type="str", required=False, unset=True),)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (Shape(type="int", ge=1, lt=9), "int, at least 1, below 9"),
        (Shape(type="str", max_length=3, pattern="x"), "str, at most 3 letters, matching x"),
        (Shape(type="array", items=Shape(type="ref", ref="Tree"), min_length=1), "array of Tree, at least 1 items"),
        (Shape(type="array", items=Shape(type="int"), unique=True), "set of int"),
        (Shape(type="tuple", parts=(Shape(type="int"), Shape(type="str"))), "tuple of (int, str)"),
        (Shape(type="map", keys=Shape(type="str"), values=Shape(type="int")), "map of str to int"),
        (Shape(type="union", options=(Shape(type="int"), Shape(type="str")), nullable=True), "int or str or null"),
        (Shape(type="literal", allowed=("a", 1)), "one of 'a', 1"),
        (Shape(type="datetime", zone=True), "datetime, with a zone"),
        (Shape(type="opaque"), "a model of another library"),
    ],
)
def test_shapes_in_words(shape: Shape, words: str) -> None:
    assert shown(shape) == words
