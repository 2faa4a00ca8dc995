"""The codec: what crosses comes back as the annotated type, and everything else is an InvalidArgument with its path."""

from __future__ import annotations

import dataclasses
import enum
import math
import re
from collections import OrderedDict, UserList
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple, NewType, TypedDict
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calve.core.codec import Codec
from calve.core.errors import InvalidArgument


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Card(msgspec.Struct, tag=True, frozen=True):
    number: str


class Cash(msgspec.Struct, tag=True, frozen=True):
    cents: int


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Size(TypedDict):
    width: int


class Pair(NamedTuple):
    left: int
    right: str


UserId = NewType("UserId", int)


class Everything(msgspec.Struct, frozen=True, kw_only=True):
    """One field per kind of thing that can cross."""

    text: str = "grüße \0 \U0001f9ca"
    number: int = -(2**63)
    large: int = 2**64 - 1
    ratio: float = 1e300
    flag: bool = True
    data: bytes = b"\xff\x00"
    moment: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)
    naive: datetime = datetime(2026, 3, 1, 12, 0, 0, 1)
    day: date = date(1, 1, 1)
    hour: time = time(23, 59, 59, 999_999)
    span: timedelta = timedelta(days=-1, microseconds=1)
    id: UUID = UUID(int=2**128 - 1)
    price: Decimal = Decimal("1.10")
    colour: Colour = Colour.RED
    level: Level = Level.HIGH
    items: list[int] = msgspec.field(default_factory=lambda: [1, 2])
    pair: tuple[int, str] = (1, "a")
    many: tuple[int, ...] = (1, 2, 3)
    tags: frozenset[str] = frozenset({"a", "b"})
    bag: set[int] = msgspec.field(default_factory=lambda: {1})
    table: dict[UUID, list[Card | Cash]] = msgspec.field(default_factory=lambda: {UUID(int=1): [Card("1"), Cash(2)]})
    paid: Card | Cash | None = Cash(5)
    nothing: None = None
    absent: int | msgspec.UnsetType = msgspec.UNSET
    point: Point = msgspec.field(default_factory=lambda: Point(1))
    size: Size = msgspec.field(default_factory=lambda: Size(width=1))
    both: Pair = Pair(1, "b")
    user: UserId = UserId(7)
    choice: Literal["a", 1] = 1


EVERYTHING = Codec(Everything)


def test_everything_comes_back_as_it_went() -> None:
    for back in (
        EVERYTHING.copy(Everything()),
        EVERYTHING.decode(EVERYTHING.encode(Everything())),
        EVERYTHING.decode_json(EVERYTHING.encode_json(Everything())),
    ):
        assert back == Everything()
        for name in Everything.__struct_fields__:
            assert type(getattr(back, name)) is type(getattr(Everything(), name)), name


def test_a_copy_shares_nothing_with_the_original() -> None:
    original = Everything()
    copy = EVERYTHING.copy(original)
    copy.items.append(3)
    copy.point.x = 9
    assert (original.items, original.point.x) == ([1, 2], 1)


def test_a_copy_may_have_a_limit() -> None:
    codec, size = Codec(bytes), len(Codec(bytes).encode(b"x" * 100))
    assert codec.copy(b"x" * 100, size) == b"x" * 100
    with pytest.raises(InvalidArgument, match=f"takes {size} bytes, the limit is {size - 1}"):
        codec.copy(b"x" * 100, size - 1)


@given(
    st.builds(
        Everything,
        number=st.integers(-(2**63), 2**63 - 1),
        ratio=st.floats(allow_nan=False),
        text=st.text(st.characters(exclude_categories=["Cs"])),
        data=st.binary(),
        naive=st.datetimes(),
        day=st.dates(),
        hour=st.times(),
        span=st.timedeltas(),
        moment=st.datetimes(timezones=st.just(UTC)),
        id=st.uuids(),
        price=st.decimals(allow_nan=False),
    )
)
def test_any_value_is_the_same_after_the_trip(value: Everything) -> None:
    assert EVERYTHING.copy(value) == value


@given(
    st.binary(max_size=64)
    | st.builds(
        lambda head, tail: head + tail,
        st.sampled_from([b"\xdf", b"\xdd", b"\xc9", b"\xd6\xff", b"\xc7\x0c\xff"]),
        st.binary(),
    )
)
def test_random_bytes_are_refused_and_nothing_else(data: bytes) -> None:
    codecs: list[Codec[Any]] = [EVERYTHING, Codec(Any), Codec(dict[Any, Any])]
    for codec in codecs:
        for decode in (codec.decode, codec.decode_json):
            try:
                value = decode(data)
            except InvalidArgument:
                continue
            assert codec.encode(codec.copy(value)) == codec.encode(value), "taken, so it can be passed on"


def test_an_aware_datetime_arrives_as_the_same_instant_in_utc() -> None:
    codec, summer = Codec(datetime), timezone(timedelta(hours=2))
    given_moment = datetime(2026, 7, 1, 14, tzinfo=summer)
    for back in (codec.copy(given_moment), codec.decode_json(b'"2026-07-01T14:00:00+02:00"')):
        assert back == given_moment
        assert back.tzinfo is UTC
    assert codec.encode_json(given_moment) == b'"2026-07-01T12:00:00Z"'


def test_integers_beyond_64_bits_are_refused_wherever_they_come_from() -> None:
    codec = Codec(dict[str, int])
    for number in (2**64, -(2**63) - 1, 10**400):
        for attempt in (
            partial(codec.copy, {"n": number}),
            partial(codec.encode, {"n": number}),
            partial(codec.encode_json, {"n": number}),
            partial(codec.decode_json, b'{"n": %d}' % number),
            partial(codec.convert, {"n": number}),
        ):
            with pytest.raises(InvalidArgument):
                attempt()


def test_not_a_number_survives_messagepack_and_is_null_in_json() -> None:
    codec = Codec(list[float])
    back = codec.copy([math.nan, math.inf, -math.inf])
    assert math.isnan(back[0])
    assert back[1:] == [math.inf, -math.inf]
    assert codec.encode_json([math.nan]) == b"[null]"


class Line(msgspec.Struct):
    sku: str
    qty: Annotated[int, msgspec.Meta(ge=1)]


class Order(msgspec.Struct):
    lines: list[Line]
    notes: dict[str, str] = {}


@pytest.mark.parametrize(
    ("value", "field", "text"),
    [
        ({"lines": [{"sku": "a", "qty": 0}]}, "$.lines[0].qty", "Expected `int` >= 1 at $.lines[0].qty"),
        ({"lines": [{"sku": 1, "qty": 1}]}, "$.lines[0].sku", "Expected `str`, got `int` at $.lines[0].sku"),
        ({"lines": [{"sku": "a"}]}, "$.lines[0]", "Object missing required field `qty` at $.lines[0]"),
        ({"lines": True}, "$.lines", "Expected `array`, got `bool` at $.lines"),
        ({}, "$", "Object missing required field `lines`"),
        ([], "$", "Expected `object`, got `array`"),
        ({"lines": [], "notes": {1: "x"}}, "$.notes", "Expected `str`, got `int` at a key of $.notes"),
    ],
)
def test_an_error_names_the_field(value: Any, field: str, text: str) -> None:
    codec = Codec(Order)
    for attempt in (partial(codec.decode, msgspec.msgpack.encode(value)), partial(codec.convert, value)):
        with pytest.raises(InvalidArgument) as caught:
            attempt()
        assert (caught.value.field, str(caught.value)) == (field, text)
        assert not caught.value.may_have_run


def test_bool_is_no_integer_and_text_is_no_number() -> None:
    with pytest.raises(InvalidArgument):
        Codec(int).copy(True)
    with pytest.raises(InvalidArgument):
        Codec[Any](int).copy("1")


def test_conversion_from_text_is_asked_for() -> None:
    codec = Codec(tuple[int, bool, UUID])
    five = UUID(int=5)
    assert codec.convert(["12", "true", str(five)], strict=False) == (12, True, five)
    with pytest.raises(InvalidArgument):
        codec.convert(["12", "true", str(five)])


@pytest.mark.parametrize(
    "value",
    [object(), [object()], range(3), "\ud800", UserList([1]), {1, object()}, msgspec.UNSET, 2**70, {"a": iter("b")}],
    ids=lambda value: re.sub(" at 0x[0-9a-f]+", "", repr(value)),
)
def test_what_cannot_be_carried_is_refused_in_both_forms(value: Any) -> None:
    codec = Codec(Any)
    for attempt in (codec.encode, codec.copy, codec.encode_json):
        with pytest.raises(InvalidArgument):
            attempt(value)


def test_a_table_by_anything_but_text_crosses_but_is_no_json() -> None:
    codec, table = Codec(dict[tuple[int, int], str]), {(1, 2): "a"}
    assert codec.copy(table) == table
    with pytest.raises(InvalidArgument, match=r"cannot encode builtins\.tuple"):
        codec.encode_json(table)


def test_a_list_that_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    codec = Codec[Any](Any)
    for attempt in (codec.encode, codec.copy, codec.encode_json):
        with pytest.raises(InvalidArgument):
            attempt(endless)


def test_deep_nesting_is_refused_and_not_a_crash() -> None:
    with pytest.raises(InvalidArgument):
        Codec(Any).decode(b"\x91" * 100_000 + b"\xc0")
    with pytest.raises(InvalidArgument):
        Codec(Any).decode_json(b"[" * 100_000 + b"]" * 100_000)


class Slug(str):
    pass


class Count(int):
    pass


def test_subclasses_of_plain_types_arrive_as_the_plain_type() -> None:
    codec = Codec(dict[str, Any])
    given_values = OrderedDict(a=Slug("x"), b=Count(3), c=[Slug("y")])
    for back in (codec.copy(given_values), codec.decode_json(codec.encode_json(given_values))):
        assert back == {"a": "x", "b": 3, "c": ["y"]}
        assert [type(v) for v in (back, back["a"], back["b"])] == [dict, str, int]


class Even(msgspec.Struct):
    number: int

    def __post_init__(self) -> None:
        if self.number < 0:
            raise LookupError("no such number")
        if self.number % 2:
            raise ValueError("odd")


def test_whatever_a_check_of_the_application_raises_is_an_invalid_argument() -> None:
    codec = Codec(list[Even])
    for number, text in ((1, "odd"), (-1, "no such number")):
        for attempt in (
            partial(codec.decode, msgspec.msgpack.encode([{"number": number}])),
            partial(codec.decode_json, b'[{"number": %d}]' % number),
            partial(codec.convert, [{"number": number}]),
        ):
            with pytest.raises(InvalidArgument, match=text):
                attempt()


def test_unknown_fields_are_ignored_and_missing_ones_get_their_default() -> None:
    back = Codec(Point).decode(msgspec.msgpack.encode({"x": 1, "new": "field"}))
    assert back == Point(1, 0)


def test_a_type_that_cannot_be_carried_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="union"):
        Codec(Line | Order)
    with pytest.raises(InvalidArgument, match=r"cannot decode .*UserList"):
        Codec(UserList).decode(msgspec.msgpack.encode([]))
