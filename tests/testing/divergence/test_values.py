"""Values on their way there and back: equal, of the annotated type, and the same on every runner."""

from __future__ import annotations

import math
from collections import OrderedDict
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from divergence_types import (
    Address,
    Card,
    Cash,
    Colour,
    Everything,
    Kind,
    Level,
    Line,
    Node,
    Pair,
    Point,
    Profile,
    Wire,
)

from calve import UNSET
from calve.core.errors import InternalError, InvalidArgument
from calve.testing import App

pytestmark = pytest.mark.asyncio(loop_scope="module")

SUMMER = timezone(timedelta(hours=2))
ONE = UUID(int=1)

SAME: list[tuple[str, Any]] = [
    ("text", ""),
    ("text", "grüße \0 \x7f \u2028 \ufeff \U0001f9ca \uffff"),
    ("text", "x" * 5_000_000),
    ("number", 0),
    ("number", -(2**63)),
    ("number", 2**64 - 1),
    ("ratio", 0.1),
    ("ratio", -0.0),
    ("ratio", 5e-324),
    ("ratio", math.inf),
    ("ratio", -math.inf),
    ("flag", True),
    ("flag", False),
    ("data", b""),
    ("data", bytes(range(256))),
    ("data", b"\xff" * 5_000_000),
    ("moment", datetime(2026, 3, 29, 2, 30, 0, 123456)),
    ("moment", datetime.min),
    ("moment", datetime.max),
    ("moment", datetime(2026, 3, 1, tzinfo=UTC)),
    ("day", date(1, 1, 1)),
    ("day", date(9999, 12, 31)),
    ("hour", time(23, 59, 59, 999_999)),
    ("hour", time(12, tzinfo=UTC)),
    ("span", timedelta.max),
    ("span", timedelta.min),
    ("span", timedelta(microseconds=-1)),
    ("uid", UUID(int=0)),
    ("uid", UUID(int=2**128 - 1)),
    ("price", Decimal("1.10")),
    ("price", Decimal("-1E+30")),
    ("price", Decimal("Infinity")),
    ("colour", Colour.RED),
    ("level", Level.HIGH),
    ("kind", Kind.NEW),
    ("choice", "a"),
    ("choice", 1),
    ("choice", None),
    ("items", []),
    ("items", list(range(100_000))),
    ("pair", (1, "a")),
    ("many", ()),
    ("many", (1, 2, 3)),
    ("bag", set()),
    ("bag", {1, 2}),
    ("frozen", frozenset({"a", "b"})),
    ("table", {}),
    ("table", {"": 1, "a": 2}),
    ("keyed", {-1: "a", 2**63: "b"}),
    ("payment", Card(number="1")),
    ("payment", Cash(cents=1)),
    ("payment", Wire(iban="DE")),
    ("maybe", None),
    ("maybe", 0),
    ("either", 1),
    ("either", "1"),
    ("either", [1]),
    ("profile", Profile(name="a")),
    ("profile", Profile(name="a", nick=None, phone="1", email=None)),
    ("node", Node(value=1, children=(Node(value=2), Node(value=3, children=(Node(value=4),))))),
    ("line", Line(Point(1, 2.0), ["a"])),
    ("size", {"width": 1, "height": 2}),
    ("partial_size", {}),
    ("both", Pair(1, "a")),
    ("address", Address(streetName="Mill Lane", since=date(2020, 1, 1))),
    ("user", 7),
    ("short", "abcde"),
    ("small", 9),
    ("anything", None),
    ("anything", {"a": [1, 2.5, "x", None, True, b"y", {"z": []}]}),
    (
        "everything",
        Everything(
            table={ONE: [Card(number="1"), Cash(cents=2)]},
            matrix=((1,), (), (2, 3)),
            maybe={"a": None, "b": Profile(name="b")},
            points=[Line(Point(1))],
            home=Address(streetName="Mill Lane"),
            prices={"a": Decimal("0.10")},
            times=(datetime(2026, 1, 1, tzinfo=UTC), None),
        ),
    ),
]

CHANGED: list[tuple[str, Any, Any]] = [
    # an instant arrives in UTC, whatever its zone was
    ("moment", datetime(2026, 7, 1, 14, tzinfo=SUMMER), datetime(2026, 7, 1, 12, tzinfo=UTC)),
    ("moment", datetime(2026, 7, 1, 14, tzinfo=ZoneInfo("Europe/Berlin")), datetime(2026, 7, 1, 12, tzinfo=UTC)),
    # where a clock is set back the first or second hour is not told apart without a zone
    ("moment", datetime(2026, 10, 25, 2, 30, fold=1), datetime(2026, 10, 25, 2, 30, fold=0)),
    # what is written alike is read as annotated
    ("ratio", 1, 1.0),
    ("items", (1, 2), [1, 2]),
    ("items", {1}, [1]),
    ("many", [1, 2], (1, 2)),
    ("pair", [1, "a"], (1, "a")),
    ("bag", [1, 1, 2], {1, 2}),
    ("frozen", ["a"], frozenset({"a"})),
    ("table", OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    ("both", (1, "a"), Pair(1, "a")),
    ("line", {"start": {"x": 1}}, Line(Point(1, 0.0), [])),
    ("colour", "red", Colour.RED),
    ("level", 2, Level.HIGH),
    ("uid", str(ONE), ONE),
    ("day", "2026-01-01", date(2026, 1, 1)),
    ("number", Level.HIGH, 2),
    ("text", Kind.NEW, "new"),
    ("size", {"width": 1, "height": 2, "depth": 3}, {"width": 1, "height": 2}),
    ("data", bytearray(b"a"), b"a"),
    ("data", memoryview(b"a"), b"a"),
    # without a type there is nothing to read it as
    ("anything", (1, 2), [1, 2]),
    ("anything", ONE, str(ONE)),
    ("anything", Colour.RED, "red"),
    ("anything", Card(number="1"), {"type": "Card", "number": "1"}),
    ("anything", date(2026, 1, 1), "2026-01-01"),
]

REFUSED: list[tuple[str, Any, str, str]] = [
    ("text", 1, "$.value", "Expected `str`, got `int` at $.value"),
    ("text", b"a", "$.value", "Expected `str`, got `bytes` at $.value"),
    ("text", None, "$.value", "Expected `str`, got `None` at $.value"),
    ("text", "\ud800", "$", "'utf-8' codec can't encode character '\\ud800' in position 0: surrogates not allowed"),
    ("number", "1", "$.value", "Expected `int`, got `str` at $.value"),
    ("number", True, "$.value", "Expected `int`, got `bool` at $.value"),
    ("number", 1.5, "$.value", "Expected `int`, got `float` at $.value"),
    ("number", 2**64, "$", "can't serialize ints < -2**63 or > 2**64 - 1"),
    ("number", -(2**63) - 1, "$", "can't serialize ints < -2**63 or > 2**64 - 1"),
    ("number", 10**400, "$", "can't serialize ints < -2**63 or > 2**64 - 1"),
    ("anything", [2**64], "$", "can't serialize ints < -2**63 or > 2**64 - 1"),
    ("ratio", "NaN", "$.value", "Expected `float`, got `str` at $.value"),
    ("flag", 1, "$.value", "Expected `bool`, got `int` at $.value"),
    ("data", 5, "$.value", "Expected `bytes`, got `int` at $.value"),
    ("moment", "yesterday", "$.value", "Invalid RFC3339 encoded datetime at $.value"),
    ("colour", "green", "$.value", "Invalid enum value 'green' at $.value"),
    ("level", 5, "$.value", "Invalid enum value 5 at $.value"),
    ("choice", "b", "$.value", "Invalid enum value 'b' at $.value"),
    ("items", [1, "x"], "$.value[1]", "Expected `int`, got `str` at $.value[1]"),
    ("items", "12", "$.value", "Expected `array`, got `str` at $.value"),
    ("pair", (1,), "$.value", "Expected `array` of length 2, got 1 at $.value"),
    ("table", {1: 2}, "$.value", "Expected `str`, got `int` at a key of $.value"),
    ("payment", {"type": "Coin"}, "$.value.type", "Invalid value 'Coin' at $.value.type"),
    ("payment", Point(1), "$.value", "Object missing required field `type` at $.value"),
    ("profile", {"nick": "a"}, "$.value", "Object missing required field `name` at $.value"),
    ("profile", {"name": "a", "phone": None}, "$.value.phone", "Expected `str`, got `None` at $.value.phone"),
    ("size", {"width": 1}, "$.value", "Object missing required field `height` at $.value"),
    ("short", "abcdef", "$.value", "Expected `str` of length <= 5 at $.value"),
    ("short", "ABC", "$.value", "Expected `str` matching regex '^[a-z]*$' at $.value"),
    ("small", -1, "$.value", "Expected `int` >= 0 at $.value"),
    ("small", 10, "$.value", "Expected `int` <= 9 at $.value"),
    ("address", {"street": "x"}, "$.value", "street: String should have at least 2 characters at $.value"),
    ("anything", UNSET, "$", "Object missing required field `value`"),
    ("everything", {}, "$.value", "Object missing required field `table` at $.value"),
]


def short(value: Any) -> str:
    """A test id, the same in every process."""
    text = type(value).__name__ if isinstance(value, frozenset | set) else str(value)
    told = len(text) < 30 and text.isprintable() and text.isascii() and " at 0x" not in text
    return text if told else type(value).__name__


@pytest.mark.parametrize(("operation", "value"), SAME, ids=short)
async def test_it_comes_back_as_it_went(echo: Any, operation: str, value: Any) -> None:
    back = await getattr(echo, operation)(value)
    assert type(back) is type(value)
    assert back == value
    assert repr(back) == repr(value)  # tells 0.0 from -0.0, and 1.1 from 1.10


@pytest.mark.parametrize(("operation", "value", "arrives"), CHANGED, ids=short)
async def test_it_arrives_as_annotated(echo: Any, operation: str, value: Any, arrives: Any) -> None:
    back = await getattr(echo, operation)(value)
    assert (type(back), back) == (type(arrives), arrives)
    if isinstance(arrives, datetime):
        assert (back.tzinfo, back.fold) == (arrives.tzinfo, arrives.fold)
    assert await echo.seen() == f"{type(arrives).__name__} {arrives!r}", "what the implementation got"


@pytest.mark.parametrize(("operation", "value", "field", "text"), REFUSED, ids=short)
async def test_it_is_refused_and_the_field_named(echo: Any, operation: str, value: Any, field: str, text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await getattr(echo, operation)(value)
    error = caught.value
    assert (str(error), error.field) == (text, field)
    assert (error.operation, error.may_have_run) == (f"divergence_echo.{operation}", False)


class Foreign:
    """Nothing knows how to carry it."""


class Slug(str):
    pass


async def test_not_a_number_is_carried(echo: Any) -> None:
    assert math.isnan(await echo.ratio(math.nan))
    assert (await echo.price(Decimal("NaN"))).is_nan()


@pytest.mark.parametrize("value", [Foreign(), [Foreign()], {"a": Foreign}, range(3), iter([1])], ids=short)
async def test_what_cannot_be_carried_is_refused(echo: Any, value: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await echo.anything(value)
    assert "cannot encode " in str(caught.value)
    assert not caught.value.may_have_run


async def test_a_list_that_contains_itself_is_refused(echo: Any) -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidArgument):
        await echo.anything(endless)


async def test_a_subclass_of_a_plain_type_arrives_as_the_plain_type(echo: Any) -> None:
    assert type(await echo.text(Slug("a"))) is str
    assert await echo.seen() == "str 'a'"


async def test_unset_and_none_are_told_apart(echo: Any) -> None:
    back = await echo.profile(Profile(name="a", email=None))
    assert (back.nick, back.phone, back.email) == (None, UNSET, None)
    assert (await echo.profile(Profile(name="a"))).email is UNSET


async def test_arguments_by_position_by_name_and_left_out(echo: Any) -> None:
    assert await echo.arguments(1) == (1, "b", None, False)
    assert await echo.arguments(1, "x", third=1) == (1, "x", 1.0, False)
    assert await echo.arguments(second="y", first=2, fourth="") == (2, "y", None, True)
    assert await echo.arguments(1, fourth=UNSET) == (1, "b", None, False)
    assert await echo.nothing() is None


@pytest.mark.parametrize(
    ("args", "kwargs"), [((), {}), ((1, "b", 2.0), {}), ((1,), {"first": 1}), ((1,), {"fifth": 5})], ids=str
)
async def test_arguments_that_are_not_the_methods_are_type_errors(
    echo: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    with pytest.raises(TypeError, match=r"^divergence_echo\.arguments\(\): "):
        await echo.arguments(*args, **kwargs)


@pytest.mark.parametrize("how", ["text", "none", "flag", "ratio", "big", "object"])
async def test_an_answer_that_does_not_fit_is_the_callees_fault(echo: Any, how: str) -> None:
    for operation in ("wrong", "fits"):
        with pytest.raises(InternalError) as caught:
            await getattr(echo, operation)(how)
        assert (caught.value.operation, caught.value.may_have_run) == (f"divergence_echo.{operation}", True)


async def test_an_answers_constraints_hold(echo: Any) -> None:
    with pytest.raises(InternalError, match=">= 0"):
        await echo.fits("negative")


async def test_rest_shows_the_same_wherever_the_service_runs(app: App) -> None:
    response = await app.rest.request("GET", "/moments/2026-07-01T14:00:00%2B02:00")
    assert (response.status, response.json()) == (200, "2026-07-01T12:00:00Z")
    for how in ("text", "none", "big", "object", "negative"):
        response = await app.rest.request("GET", f"/fits/{how}")
        assert (response.status, response.json()["code"]) == (500, "internal_error"), how


# --- sharing


async def test_arguments_are_not_shared(echo: Any) -> None:
    rows = [1]
    assert not await echo.spoil(rows, rows), "one list given twice arrives as two"
    assert rows == [1]


async def test_answers_are_not_shared(echo: Any) -> None:
    first = await echo.state()
    first.append(3)
    assert await echo.state() == [1, 2]


async def test_services_share_nothing_either(relay: Any) -> None:
    assert await relay.spoil() == ([1], [1, 2, 77], [1, 2])


async def test_items_of_a_stream_are_not_shared(echo: Any) -> None:
    rows = [7]
    assert [item async for item in echo.lists(rows, 3)] == [[7, 0], [7, 0, 1], [7, 0, 1, 2]]
    assert rows == [7]
