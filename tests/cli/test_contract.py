"""`calve contract show`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from msgspec import Meta

from calve.cli import main
from calve.cli.contract import type_name
from calve.cli.scaffold import create_project


@pytest.fixture
def project(own_modules: None, tmp_path: Path) -> Path:
    """A new project; its name is its package."""
    create_project(tmp_path / "contractdemo")
    return tmp_path / "contractdemo" / "calve.toml"


def test_as_text(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "show", "greeter", "-c", str(project)]) == 0
    assert capsys.readouterr().out == (
        "greeter: Greeter 1.0  Greets people and remembers how often.\n"
        "  command greet(name: str) -> Greeting\n"
        "      http     POST /greetings -> 200\n"
        "      timeout  10 s\n"
        "  query greeting(name: str) -> Greeting\n"
        "      http     GET /greetings/{name} -> 200\n"
        "      raises   NotGreeted (404)\n"
        "      timeout  10 s\n"
        "  query greetings() -> stream of Greeting\n"
        "      http     GET /greetings -> 200\n"
        "      timeout  3600 s\n"
    )


def test_as_openapi(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "show", "--format", "openapi", "-c", str(project)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {"/greetings", "/greetings/{name}"}


def test_as_json_schema(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "show", "--format", "jsonschema", "-c", str(project)]) == 0
    assert "Greeting" in json.dumps(json.loads(capsys.readouterr().out)["greeter"])


def test_the_implementation_is_not_imported(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project.parent / "contractdemo" / "greeter" / "service.py").write_text("1 / 0", encoding="utf-8")
    assert main(["contract", "show", "-c", str(project)]) == 0


def test_an_unknown_service_has_near_misses(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "show", "greter", "-c", str(project)]) == 2
    assert "did you mean 'greeter'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (None, "None"),
        (UUID, "UUID"),
        (Annotated[int, Meta(ge=0)], "int"),
        (int | None, "int | None"),
        (tuple[UUID, ...], "tuple[UUID, ...]"),
        (dict[str, list[int]], "dict[str, list[int]]"),
        (Literal["a", 1], "Literal['a', 1]"),
        (AsyncIterator[str], "AsyncIterator[str]"),
    ],
)
def test_types_are_written_as_their_author_did(kind: Any, text: str) -> None:
    assert type_name(kind) == text
