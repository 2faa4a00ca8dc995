"""Protobuf numbers stay with what has them, over any edits."""

from __future__ import annotations

import random
from pathlib import Path

import grpc_tools
import msgspec
import pytest
from google.protobuf import descriptor_pb2
from grpc_tools import protoc

from calve.contract.exports import proto
from calve.contract.lock import Described as DescribedContract
from calve.contract.lock import Description, compare, with_numbers
from calve.contract.lock.model import Numbers, Shape
from calve.contract.lock.numbers import proto_kind, renamed_types

from .conftest import Described
from .corpus import CORPUS


def used(description: Description, key: str) -> dict[str, int]:
    return description.numbers[key].used


def test_everything_has_a_number_in_the_order_of_the_code(described: Described) -> None:
    new = described()
    assert used(new, "Item") == {"sku": 1, "count": 2, "note": 3, "code": 4}
    assert used(new, "Till.pay") == {"order": 1, "cents": 2, "method": 3, "memo": 4}
    assert used(new, "Color") == {"red": 1, "green": 2}
    assert used(new, "Till.pay.method") == {"Card": 1, "Cash": 2}
    assert used(new, "OutOfStock") == {"sku": 1, "left": 2}


def test_a_removed_field_leaves_its_number_behind_for_ever(described: Described) -> None:
    first = described()
    without = described(("    note: str | None = None\n", ""), old=first)
    assert without.numbers["Item"] == Numbers(used={"sku": 1, "count": 2, "code": 4}, reserved={"3": "note"})
    again = described(old=without)
    assert again.numbers["Item"] == Numbers(used={"sku": 1, "count": 2, "note": 5, "code": 4}, reserved={"3": "note"})


def test_a_field_keeps_its_number_wherever_it_moves(described: Described) -> None:
    first = described()
    moved = described(
        ("    count: Annotated[int, Meta(ge=1, le=100)] = 1\n", ""),
        ("    note: str | None = None\n", "    note: str | None = None\n    count: int = 1\n"),
        old=first,
    )
    assert used(moved, "Item") == {"sku": 1, "note": 3, "count": 2, "code": 4}


def test_a_field_of_another_protobuf_type_gets_another_number(described: Described) -> None:
    first = described()
    changed = described(("    left: int = 0", "    left: float = 0"), old=first)
    assert changed.numbers["OutOfStock"] == Numbers(used={"sku": 1, "left": 3}, reserved={"2": "left"})
    assert not any(f.rule == "number" for f in compare(first, changed).findings)


def test_a_renamed_message_keeps_its_numbers(described: Described) -> None:
    first = described(("    x: int\n    y: int = 0", "    w: int\n    x: int = 0\n    y: int = 0"))
    shorter = described(("    x: int\n    y: int = 0", "    x: int\n    y: int = 0"), old=first)
    renamed = described(
        ("class Point(Message, array_like=True):\n", "class Dot(Message, array_like=True):\n"),
        ("AsyncIterator[Point]", "AsyncIterator[Dot]"),
        old=shorter,
    )
    assert renamed.numbers["Dot"] == shorter.numbers["Point"] == Numbers(used={"x": 2, "y": 3}, reserved={"1": "w"})
    assert renamed_types(shorter, renamed)["Point"] == "Dot"


def test_the_numbers_that_protobuf_keeps_for_itself_are_passed_over(described: Described) -> None:
    first = described()
    numbers = {**first.numbers, "Shipped": Numbers(used={"order": 18_999})}
    first = msgspec.structs.replace(first, numbers=numbers)
    event = "class Shipped(Event):\n    order: UUID"
    assert used(described((event, event + "\n    at: date"), old=first), "Shipped") == {"order": 18_999, "at": 20_000}


@pytest.mark.parametrize("seed", range(5))
def test_no_number_is_ever_given_twice(seed: int, described: Described) -> None:
    choose = random.Random(seed)
    current = described()
    owners: dict[tuple[str, int], str] = {}
    for _ in range(8):
        edit = choose.choice([e for e in CORPUS if not e.numbers])
        current = described((edit.before, edit.after), old=current)
        for numbers in current.numbers.values():
            given = list(numbers.used.values())
            assert len(set(given)) == len(given)
            assert not set(given) & set(map(int, numbers.reserved))
        if "contract" in edit.title or "message is renamed" in edit.title:
            continue
        for name, number in current.numbers["Receipt"].used.items():
            assert owners.setdefault(("Receipt", number), name) == name


def compiled(text: str, folder: Path) -> dict[str, dict[str, tuple[int, str]]]:
    """Fields of each message of a .proto file, each with its number and type, as the compiler sees them."""
    (folder / "x.proto").write_text(text, encoding="utf-8")
    include = Path(grpc_tools.__file__).parent / "_proto"
    out = folder / "x.pb"
    assert protoc.main(["", f"-I{folder}", f"-I{include}", f"--descriptor_set_out={out}", "x.proto"]) == 0
    found = descriptor_pb2.FileDescriptorSet()
    found.ParseFromString(out.read_bytes())
    return {
        m.name: {f.name: (f.number, f"{f.type} {f.label} {f.type_name}") for f in m.field}
        for m in found.file[0].message_type
    }


def test_numbers_stay_put_in_every_exported_file(described: Described, tmp_path: Path) -> None:
    old = described()
    before = compiled(proto(DescribedContract(old, {})), tmp_path)
    for edit in CORPUS:
        if edit.numbers:
            continue
        new = described((edit.before, edit.after), old=old)
        after = compiled(proto(DescribedContract(new, {})), tmp_path)
        for message in before.keys() & after.keys():
            then, now = before[message], after[message]
            owners = {number: name for name, (number, _) in then.items()}
            for name, (number, kind) in now.items():
                if name in then and then[name][1] == kind:
                    assert number == then[name][0], (edit.title, message, name)
                assert owners.get(number, name) == name, (edit.title, message, name, "takes another's number")


def test_numbering_again_changes_nothing(described: Described) -> None:
    first = described()
    assert with_numbers(first, first) == first


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        (Shape(type="uuid"), "string"),
        (Shape(type="datetime"), "datetime"),
        (Shape(type="datetime", zone=False), "string"),
        (Shape(type="literal", allowed=("a",)), "string"),
        (Shape(type="literal", allowed=(1,)), "int"),
        (Shape(type="array", items=Shape(type="ref", ref="Color")), "repeated enum"),
        (Shape(type="ref", ref="Item"), "message"),
    ],
)
def test_what_protobuf_makes_of_a_shape(shape: Shape, kind: str, described: Described) -> None:
    assert proto_kind(described(), shape) == kind
