"""`calve audit`: what it prints and writes, and how it ends."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from audit_projects import DJANGO, write

from calve.cli import main
from calve.cli.audit import AuditGroup
from calve.cli.group import Entry, calve


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shop on Django; the current folder, and no facts are kept from elsewhere."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = write(tmp_path / "shop", DJANGO)
    monkeypatch.chdir(root)
    return root


def test_the_verdict_comes_first(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("Do not split: a simple application: ")
    assert shown.err == ""


def test_quiet_prints_nothing(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(shop), "--quiet", "--no-cache"]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_folder_without_python_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(tmp_path), "more"]) == 2
    assert "unexpected extra argument" in capsys.readouterr().err
    assert main(["audit", str(tmp_path)]) == 2
    assert "there is no Python file below" in capsys.readouterr().err


def test_a_first_argument_that_is_a_command_runs_that() -> None:
    group = AuditGroup(
        "audit", table={"group": Entry("new", "Another.")}, callback=lambda: "own", invoke_without_command=True
    )
    above = click.Context(calve, **calve.context_settings)
    context = group.make_context("audit", [], above)
    assert context.command is group
    assert group.invoke(context) == "own"
    inner = group.make_context("audit", ["group", "--help"], above, resilient_parsing=True)
    assert (inner.info_name, inner.command is group) == ("audit group", False)
    assert "Commands:" in group.get_help(click.Context(group))
