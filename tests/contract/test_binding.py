"""Where each parameter of an operation sits in its HTTP request."""

from __future__ import annotations

import dataclasses
from typing import Annotated, NewType, Protocol, TypedDict

import msgspec
import pydantic

from calve import Contract, Message, Meta, command, query
from calve.contract import describe
from calve.contract.binding import Binding, Param, bind

Ref = NewType("Ref", int)


class Product(Message):
    sku: str
    version: int = 1


@dataclasses.dataclass
class Label:
    version: Annotated[str, Meta(max_length=5)]


class Row(TypedDict):
    version: int


class Price(pydantic.BaseModel):
    version: int


class Amount(pydantic.BaseModel):
    cents: int


class Catalog(Contract, Protocol, version="1.0"):
    @query(http="GET /products/{sku}/{page}")
    async def find(self, page: int, sku: str, tags: tuple[str, ...] = (), ids: list[Ref] | None = None) -> Product: ...
    @query(http="GET /labels")
    async def label(self) -> Label: ...
    @query(http="GET /rows")
    async def row(self) -> Row: ...
    @query(http="GET /prices")
    async def price(self) -> Price: ...
    @query(http="GET /amounts")
    async def amount(self) -> Annotated[Amount, "money"]: ...
    @query(http="GET /numbers")
    async def number(self) -> int: ...
    @command(http="POST /products")
    async def add(self, product: Product) -> Product: ...
    @command(http="PUT /products/{sku}")
    async def replace(self, sku: str, product: Product | None = None) -> None: ...
    @command(http="PATCH /products/{sku}")
    async def change(self, sku: str, name: str = "", *, cents: int) -> None: ...
    @command(http="POST /orders")
    async def order(self, sku: str, count: int = 1) -> None: ...
    @command(http="POST /products/{sku}/recall")
    async def recall(self, sku: str) -> None: ...
    @command(http="DELETE /products/{sku}")
    async def remove(self, sku: str, force: bool = False) -> None: ...


def bound(name: str) -> Binding:
    """The binding of an operation."""
    return bind(describe(Catalog).operations[name])


def test_parameters_of_the_path_come_in_its_order_and_the_rest_is_the_query() -> None:
    binding = bound("find")
    assert [param.name for param in binding.path] == ["sku", "page"]
    assert [(param.name, param.required, param.repeated) for param in binding.query] == [
        ("tags", False, True),
        ("ids", False, True),
    ]
    assert binding.query[0] == Param("tags", tuple[str, ...], False, (), True)
    assert (binding.body, binding.body_required) == (None, False)
    assert bound("remove").query == (Param("force", bool, False, False, False),)


def test_one_message_is_the_body() -> None:
    binding = bound("add")
    assert (binding.body, binding.body_param, binding.body_required) == (Product, "product", True)


def test_other_parameters_are_members_of_the_body() -> None:
    order = bound("order")
    assert (order.body, order.body_param) == (describe(Catalog).operations["order"].request, None)
    assert order.body_required
    replace = bound("replace")
    assert [f.name for f in msgspec.structs.fields(replace.body)] == ["product"]
    assert not replace.body_required


def test_a_required_member_may_follow_one_with_a_default() -> None:
    fields = msgspec.structs.fields(bound("change").body)
    assert [(f.name, f.required) for f in fields] == [("name", False), ("cents", True)]


def test_without_other_parameters_there_is_no_body() -> None:
    assert bound("recall").body is None


def test_answers_with_a_version_have_an_entity_tag() -> None:
    versioned = {name for name in describe(Catalog).operations if bound(name).versioned}
    assert versioned == {"find", "label", "price"}
