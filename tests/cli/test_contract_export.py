"""`calve contract export`: the right files with the right words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import CalveCommand


@pytest.mark.parametrize(
    ("form", "file", "begins"),
    [
        ("proto", "purse.proto", "// Generated from Purse 1.0 by `calve contract export purse --format proto`"),
        ("typescript", "purse.ts", "// Generated from Purse 1.0 by `calve contract export purse --format typescript`"),
        ("python", "purse_client.py", '"""Client of Purse 1.0.\n\nGenerated from Purse 1.0 by `calve contract export'),
        ("jsonschema", "purse.schema.json", '{\n  "$schema"'),
    ],
)
def test_a_file_per_service(project: Path, calve: CalveCommand, form: str, file: str, begins: str) -> None:
    printed = calve("contract", "export", "purse", "--format", form)
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.startswith(begins)
    written = calve("contract", "export", "--format", form, "-o", "out/deep")
    shown = f"out/deep/{file}\nout/deep/{file.replace('purse', 'desk')}\n"
    assert (written.returncode, written.stdout) == (0, shown)
    assert (project / "out" / "deep" / file).read_text() == printed.stdout


@pytest.mark.parametrize(("form", "key"), [("openapi", "openapi"), ("asyncapi", "asyncapi")])
def test_one_document_for_all(calve: CalveCommand, form: str, key: str) -> None:
    done = calve("contract", "export", "--format", form)
    assert json.loads(done.stdout)[key].startswith("3.")


def test_numbers_come_from_the_lock(project: Path, calve: CalveCommand) -> None:
    purse = project / "till" / "purse.py"
    text = purse.read_text()
    before = "async def coins(self, a: int = 0, b: int = 0) -> int:"
    purse.write_text(text.replace("async def coins(self) -> int:", before))
    assert calve("contract", "lock").returncode == 0
    purse.write_text(text.replace("async def coins(self) -> int:", before.replace("a: int = 0, ", "")))
    done = calve("contract", "export", "purse", "--format", "proto")
    assert '  reserved 1;\n  reserved "a";\n  optional int64 b = 2;\n' in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--format", "proto"], "proto is a file per service; name one service, or a folder with --output"),
        (["prse", "--format", "proto"], "no service 'prse'; did you mean 'purse'?"),
        (["--format", "protobuf"], "'protobuf' is not one of"),
        (
            ["--format", "openapi", "-o", "calve.toml/x"],
            "calve.toml/x/openapi.json: cannot be written: Not a directory",
        ),
    ],
)
def test_what_cannot_be_exported_is_one_line(calve: CalveCommand, arguments: list[str], says: str) -> None:
    done = calve("contract", "export", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
