"""Every exported .proto compiles with the real compiler, and has the numbers of the lock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc_tools
import msgspec
import pytest
from google.protobuf import descriptor_pb2
from grpc_tools import protoc

from calve.contract.exports import proto
from calve.contract.lock import Described, with_numbers
from calve.contract.lock.model import Field, MessageLock, Numbers

Compile = Callable[[str], Any]
INCLUDE = Path(grpc_tools.__file__).parent / "_proto"


@pytest.fixture
def compiled(tmp_path: Path) -> Compile:
    """Compile a file and give what the compiler made of it."""

    def compile_(text: str) -> Any:
        (tmp_path / "x.proto").write_text(text, encoding="utf-8")
        out = tmp_path / "x.pb"
        assert protoc.main(["", f"-I{tmp_path}", f"-I{INCLUDE}", f"--descriptor_set_out={out}", "x.proto"]) == 0
        found = descriptor_pb2.FileDescriptorSet()
        found.ParseFromString(out.read_bytes())
        return found.file[0]

    return compile_


def fields(message: Any) -> dict[str, int]:
    return {field.name: field.number for field in message.field}


def test_everything_compiles_with_the_numbers_of_the_lock(everything: Described, compiled: Compile) -> None:
    file = compiled(proto(everything))
    assert file.package == "everything.v2"
    messages = {message.name: message for message in file.message_type}
    for name in everything.description.messages:
        named = {f.json_name if f.json_name != f.name else f.name: f.number for f in messages[name].field}
        assert sorted(named.values()) == sorted(everything.description.numbers[name].used.values())
    assert fields(messages["ScalarsRequest"]) == {"scalars": 1}
    assert fields(messages["Shapes"])["pay"] == everything.description.numbers["Shapes"].used["pay"]
    enums = {enum.name: {v.name: v.number for v in enum.value} for enum in file.enum_type}
    assert enums["Color"] == {"COLOR_UNSPECIFIED": 0, "COLOR_RED": 1, "COLOR_DARK_RED": 2}
    (service,) = file.service
    methods = {method.name: method for method in service.method}
    assert methods["Points"].server_streaming
    assert methods["Hidden"].output_type == ".everything.v2.HiddenResponse"
    assert methods["Node"].output_type == ".everything.v2.Node"


def test_a_union_is_a_oneof(everything: Described, compiled: Compile) -> None:
    shapes = next(m for m in compiled(proto(everything)).message_type if m.name == "Shapes")
    pay = next(m for m in shapes.nested_type if m.name == "Pay")
    assert [oneof.name for oneof in pay.oneof_decl] == ["value"]
    assert fields(pay) == {"card": 1, "cash": 2}


def test_docstrings_become_comments(everything: Described) -> None:
    text = proto(everything)
    assert "// Everything 2.5" not in text
    assert text.startswith("// Generated from Everything 2.5 by `calve contract export everything --format proto`.")
    assert "// Has everything.\n//\n// Twice.\nservice Everything {\n" in text
    assert "  // Give them back.\n  // Raises: NotThere, Result2.\n  rpc Scalars(ScalarsRequest)" in text
    assert "  // As printed.\n  string number = 1;\n" in text
    assert "  string u = 6;  // UUID\n" in text


def test_removed_fields_are_reserved(everything: Described, compiled: Compile) -> None:
    shorter = MessageLock(fields=(Field(name="y", type="float"),), positional=True)
    old = everything.description
    new = msgspec.structs.replace(old, messages={**old.messages, "Point": shorter}, numbers={})
    point = next(m for m in compiled(proto(Described(with_numbers(new, old), {}))).message_type if m.name == "Point")
    assert fields(point) == {"y": 2}
    assert [(r.start, r.end) for r in point.reserved_range] == [(1, 2)]
    assert list(point.reserved_name) == ["x"]


def test_reserved_values_of_enums_and_unions(everything: Described, compiled: Compile) -> None:
    numbers = dict(everything.description.numbers)
    numbers["Size"] = Numbers(used={"1": 1, "2": 2}, reserved={"3": "3"})
    numbers["Shapes.pay"] = Numbers(used={"Card": 1, "cash": 2}, reserved={"3": "Cheque"})
    description = msgspec.structs.replace(everything.description, numbers=numbers)
    file = compiled(proto(Described(description, {})))
    size = next(e for e in file.enum_type if e.name == "Size")
    assert [(r.start, r.end) for r in size.reserved_range] == [(3, 3)]
    shapes = next(m for m in file.message_type if m.name == "Shapes")
    pay = next(m for m in shapes.nested_type if m.name == "Pay")
    assert [(r.start, r.end) for r in pay.reserved_range] == [(3, 4)]
