"""The rules against the codec, on any two types: what they let pass is read, and means the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from calve.contract.lock import Description, compare
from calve.contract.lock.model import EnumLock, Field, Kind, MessageLock, OperationLock, Parameter, Shape
from calve.testing.contracts.compat import LockSide, misread
from calve.testing.contracts.samples import NoSample, Samples

PLAIN: list[Kind] = ["bool", "bytes", "date", "decimal", "duration", "float", "int", "str", "time", "uuid"]
HASHABLE: list[Kind] = ["int", "str", "uuid"]
ENUMS = {
    "Red": EnumLock(values={"A": "a", "B": "b"}),
    "Blue": EnumLock(values={"A": "a", "B": "b", "C": "c"}),
    "Swapped": EnumLock(values={"A": "b", "B": "a"}),
    "Open": EnumLock(values={"A": "a"}, open=True),
    "Numbers": EnumLock(values={"A": 1, "B": 2}),
}

small = st.none() | st.integers(0, 4)
numbers = st.builds(Shape, type=st.just("int"), ge=small, le=st.none() | st.integers(4, 9)) | st.builds(
    Shape, type=st.just("float"), ge=small, lt=st.none() | st.integers(5, 9)
)
texts = st.builds(Shape, type=st.just("str"), min_length=small, max_length=st.none() | st.integers(4, 9))
times = st.builds(Shape, type=st.just("datetime"), zone=st.sampled_from([None, True, False]))
named = st.sampled_from([*ENUMS, "One", "Two"]).map(lambda name: Shape(type="ref", ref=name))
literals = st.sets(st.sampled_from(["a", "b", "c"]), min_size=1).map(
    lambda values: Shape(type="literal", allowed=tuple(sorted(values)))
)
leaves = numbers | texts | times | named | literals | st.sampled_from(PLAIN).map(lambda kind: Shape(type=kind))
nullable = st.booleans()


def deeper(inner: st.SearchStrategy[Shape]) -> st.SearchStrategy[Shape]:
    hashable = st.sampled_from(HASHABLE)
    return (
        st.builds(
            Shape, type=st.just("array"), items=inner, min_length=st.none() | st.integers(0, 2), nullable=nullable
        )
        | st.builds(
            lambda kind: Shape(type="array", items=Shape(type=kind), unique=True),
            hashable,
        )
        | st.builds(
            lambda value, null: Shape(type="map", keys=Shape(type="str"), values=value, nullable=null), inner, nullable
        )
        | st.builds(lambda parts: Shape(type="tuple", parts=tuple(parts)), st.lists(inner, min_size=1, max_size=3))
        | st.sampled_from(
            [
                Shape(type="union", options=(Shape(type="ref", ref="One"), Shape(type="ref", ref="Two"))),
                Shape(type="union", options=(Shape(type="int"), Shape(type="str")), nullable=True),
            ]
        )
    )


shapes = st.recursive(leaves, deeper, max_leaves=4)
field_lists = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(["int", "str"]), st.sampled_from([None, 1, 2])),
    unique_by=lambda field: field[0],
    max_size=3,
)


def fields(found: list[tuple[str, Any, int | None]]) -> tuple[Field, ...]:
    return tuple(
        Field(name=name, type=kind)
        if default is None
        else Field(name=name, type=kind, required=False, default=default if kind == "int" else str(default))
        for name, kind, default in found
    )


@st.composite
def descriptions(draw: st.DrawFn) -> Description:
    """A contract with one operation that takes and answers anything, and an event."""
    options = {"strict": draw(st.booleans()), "omits_defaults": draw(st.booleans())}
    messages = {
        "One": MessageLock(fields=fields(draw(field_lists)), tag_field="type", tag="One", **options),
        "Two": MessageLock(fields=fields(draw(field_lists)), tag_field="type", tag="Two"),
        "Gone": MessageLock(fields=fields(draw(field_lists))),
    }
    shape = draw(shapes)
    parameter = Parameter(name="what", **{name: getattr(shape, name) for name in shape.__struct_fields__})
    operation = OperationLock(kind="query", parameters=(parameter,), answer=draw(shapes), timeout_seconds=1)
    return Description(
        service="s",
        contract="S",
        version="1.0",
        operations={"ask": operation},
        events=("Gone",),
        messages=messages,
        enums=ENUMS,
    )


def edits(shape: Shape) -> list[st.SearchStrategy[Shape]]:
    """Small changes of a shape, there or within."""
    found: list[st.SearchStrategy[Shape]] = [st.just(replace(shape, nullable=not shape.nullable))]
    if shape.type in ("int", "float"):
        found += [small.map(lambda n: replace(shape, ge=n)), st.just(replace(shape, le=7, lt=None))]
    if shape.type in ("str", "array"):
        found += [small.map(lambda n: replace(shape, min_length=n)), st.just(replace(shape, max_length=5))]
    if shape.type == "datetime":
        found.append(st.sampled_from([None, True, False]).map(lambda zone: replace(shape, zone=zone)))
    if shape.type in PLAIN:
        found += [st.sampled_from(PLAIN).map(lambda kind: Shape(type=kind)), literals]
    if shape.type in ("ref", "literal"):
        found += [named, literals, st.just(Shape(type="str"))]
    if shape.items and not shape.unique:
        found += [e.map(lambda s: replace(shape, items=s)) for e in edits(shape.items)]
        if shape.items.type in HASHABLE:
            found.append(st.just(replace(shape, unique=True)))
    if shape.values:
        found += [e.map(lambda s: replace(shape, values=s)) for e in edits(shape.values)]
    if shape.parts:
        found.append(st.just(Shape(type="array", items=shape.parts[0])))
        found += [e.map(lambda s: replace(shape, parts=(s, *shape.parts[1:]))) for e in edits(shape.parts[0])]
    if shape.options:
        found += [st.just(shape.options[0]), st.just(replace(shape, options=(shape.options[0], Shape(type="bool"))))]
    return found


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Description, Description]:
    """Two versions that differ in one place, and there by little."""
    old, other = draw(descriptions()), draw(descriptions())
    ask = old.operations["ask"]
    place = draw(st.sampled_from(["answer", "parameter", "One", "Gone"]))
    if place in old.messages:
        part = draw(st.sampled_from(["fields", "strict", "omits_defaults"]))
        changed = replace(old.messages[place], **{part: getattr(other.messages[place], part)})
        return old, replace(old, messages={**old.messages, place: changed})
    if place == "answer":
        ask = replace(ask, answer=draw(st.one_of(edits(ask.answer))))
    else:
        shape = draw(st.one_of(edits(ask.parameters[0])))
        members = {name: getattr(shape, name) for name in Shape.__struct_fields__}
        ask = replace(ask, parameters=(Parameter(**{**members, "name": "what"}),))
    return old, replace(old, operations={"ask": ask})


def possible(description: Description) -> bool:
    """Whether there are values of everything in it."""
    samples = Samples(description)
    try:
        return bool(samples.objects(description.request("ask"))) and bool(
            samples.of(description.operations["ask"].answer)
        )
    except NoSample:
        return False


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(pair=pairs())
def test_what_the_rules_let_pass_is_read_as_it_was_meant(pair: tuple[Description, Description]) -> None:
    old, new = pair
    if not (possible(old) and possible(new)):
        return
    misreadings = list(misread(LockSide(old), LockSide(new)))
    if misreadings:
        assert any(f.data for f in compare(old, new).breaking), "\n".join(map(str, misreadings[:3]))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(description=descriptions())
def test_a_version_understands_itself(description: Description) -> None:
    if possible(description):
        assert compare(description, description).findings == ()
        assert list(misread(LockSide(description), LockSide(description))) == []


INT, TEXT, FLOAT = Shape(type="int"), Shape(type="str"), Shape(type="float")
PAIR = Shape(type="tuple", parts=(INT, INT))


def answers(old: Shape, new: Shape, **messages: MessageLock) -> list[str]:
    """The rules that break when what an operation answers changes from one shape to another."""
    named = {"One": MessageLock(), "Two": MessageLock(), **messages}
    versions = [
        Description(
            service="s",
            contract="S",
            version="1.0",
            operations={"ask": OperationLock(kind="query", answer=shape, timeout_seconds=1)},
            messages=named,
            enums=ENUMS,
        )
        for shape in (old, new)
    ]
    return [finding.rule for finding in compare(*versions).breaking]


def ref(name: str) -> Shape:
    return Shape(type="ref", ref=name)


@pytest.mark.parametrize(
    ("old", "new", "rules"),
    [
        (Shape(type="any"), INT, []),
        (INT, Shape(type="any"), ["type"]),
        (replace(INT, nullable=True), Shape(type="null"), []),
        (Shape(type="null"), INT, ["type"]),
        (FLOAT, Shape(type="int", ge=0, le=2**53), []),
        (FLOAT, Shape(type="int", ge=0, le=2**53 + 1), ["type"]),
        (Shape(type="float", gt=0), Shape(type="float", ge=0), ["narrowed"]),
        (Shape(type="float", ge=0, lt=9), Shape(type="float", gt=0, le=9), ["narrowed"]),
        (Shape(type="int", multiple_of=5), Shape(type="int", multiple_of=10), []),
        (Shape(type="int", multiple_of=10), Shape(type="int", multiple_of=5), ["narrowed"]),
        (TEXT, Shape(type="datetime", zone=False), []),
        (TEXT, Shape(type="datetime"), ["type"]),
        (Shape(type="str", max_length=99), Shape(type="uuid"), ["type"]),
        (Shape(type="array", items=INT), PAIR, []),
        (Shape(type="array", items=INT, max_length=1), PAIR, ["type"]),
        (PAIR, Shape(type="array", items=INT, min_length=2, max_length=2), ["type"]),
        (Shape(type="map", keys=TEXT, values=INT), Shape(type="map", keys=INT, values=INT), ["type"]),
        (Shape(type="opaque", schema={"a": 1}), Shape(type="opaque", schema={"a": 1}), []),
        (Shape(type="opaque", schema={"a": 1}), Shape(type="opaque", schema={"a": 2}), ["opaque"]),
        (ref("One"), Shape(type="map", keys=TEXT, values=INT), ["type"]),
        (ref("Red"), INT, ["type"]),
        (INT, ref("Numbers"), []),
        (Shape(type="int", ge=2), ref("Numbers"), ["type"]),
        (TEXT, ref("Red"), []),
        (Shape(type="str", max_length=0), ref("Red"), ["type"]),
        (ref("Open"), ref("Numbers"), ["enum-value", "enum-value"]),
        (Shape(type="union", options=(INT, TEXT)), Shape(type="bool"), ["union"]),
        (Shape(type="union", options=(FLOAT, TEXT)), Shape(type="int", ge=0, le=9), []),
        (Shape(type="union", options=(Shape(type="int", le=5), TEXT)), INT, ["narrowed"]),
        (ref("One"), Shape(type="union", options=(INT, Shape(type="null"), ref("One"))), ["union"]),
    ],
)
def test_answers_that_change(old: Shape, new: Shape, rules: list[str]) -> None:
    assert answers(old, new) == rules


def test_tags_of_messages() -> None:
    one, number = MessageLock(tag_field="type", tag="a"), Field(name="n", type="int")
    assert answers(ref("One"), ref("Two"), One=one, Two=MessageLock(tag_field="type", tag="b")) == ["tag"]
    assert answers(ref("One"), ref("Two"), One=one, Two=MessageLock(tag_field="kind", tag="b")) == []
    assert answers(ref("One"), ref("Two"), One=one) == []
    row = MessageLock(fields=(number,), positional=True)
    assert answers(ref("One"), ref("Two"), One=row, Two=replace(row, tag_field="type", tag="b")) == ["tag"]


def test_arrays_of_fields() -> None:
    a, b = Field(name="a", type="int"), Field(name="b", type="int")
    short, long = MessageLock(fields=(a,), positional=True), MessageLock(fields=(a, b), positional=True)
    assert answers(ref("One"), ref("Two"), One=long, Two=short) == ["field-missing"]
    assert answers(ref("One"), ref("Two"), One=short, Two=long) == []
    assert answers(ref("One"), ref("Two"), One=replace(short, strict=True), Two=long) == ["field-unknown"]


def test_what_is_new_where_readers_refuse_what_they_do_not_know() -> None:
    strict = MessageLock(fields=(Field(name="a", type="int"),), strict=True)
    more = MessageLock(fields=(Field(name="a", type="int"), Field(name="b", type="int")))
    assert answers(ref("One"), ref("Two"), One=strict, Two=more) == ["field-unknown"]


def test_a_service_that_is_renamed_and_a_command_that_becomes_a_query() -> None:
    command = OperationLock(kind="command", answer=INT, timeout_seconds=1)
    old = Description(service="s", contract="S", version="1.0", operations={"ask": command})
    assert [f.rule for f in compare(old, replace(old, service="t")).breaking] == ["service-renamed"]
    query = replace(old, operations={"ask": replace(command, kind="query")})
    comparison = compare(old, query)
    assert [(f.level, f.rule) for f in comparison.findings] == [("minor", "kind")]
    assert (str(comparison.asks), comparison.declared) == ("1.1", False)
