"""`calve audit`: what it prints and writes, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
from audit_projects import DJANGO, write

from calve.audit.report.document import decode
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
    assert shown.out.startswith("shop: Do not split: a simple application: ")
    assert shown.err == ""


def test_a_terminal_sees_what_is_being_done(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert main(["audit", "--no-cache", "--json", "-"]) == 0
    shown = capsys.readouterr()
    assert "pricing cuts" in shown.err
    assert decode(shown.out.encode()).project == "shop", "the bar is not on standard output"


def test_without_the_extra_it_says_what_to_install(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "networkx", None)
    assert main(["audit", "-q"]) == 2
    assert capsys.readouterr().err == "calve: error: networkx is not installed; run pip install 'calve[audit]'\n"


def test_quiet_prints_nothing(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(shop), "--quiet", "--no-cache"]) == 0
    assert capsys.readouterr() == ("", "")


def test_json_goes_to_a_file_or_is_printed_alone(shop: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["audit", "--json", "audit.json", "-q"]) == 0
    assert main(["audit", "--json", "-"]) == 0
    shown = capsysbinary.readouterr()
    assert shown.out == (shop / "audit.json").read_bytes()
    assert decode(shown.out).project == "shop"


def test_html_goes_to_a_file(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--html", "audit.html"]) == 0
    assert (shop / "audit.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert capsys.readouterr().out.startswith("shop: ")


def test_contracts_go_to_a_file(shop: Path) -> None:
    assert main(["audit", "-q", "--contracts", "contracts.toml"]) == 0
    assert tomllib.loads((shop / "contracts.toml").read_text())["tool"]["importlinter"]["root_packages"] == ["shop"]


def test_a_baseline_fails_on_what_is_new_and_names_it(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "-q", "--json", "old.json"]) == 0
    checked = ["audit", "-q", "--baseline", "old.json", "--fail-on"]
    assert main([*checked, "new-cross-edge,new-shared-table"]) == 0
    (shop / "shop/stock/new.py").write_text("from shop.orders.models import Order\n\nOrder.objects.create()\n")
    assert main([*checked, "new-shared-table"]) == 1
    shared = "shop/stock/new.py:3: new-shared-table: shop.stock writes shop.orders.models.Order of shop.orders\n"
    assert capsys.readouterr() == ("", shared)
    assert main([*checked, "new-cross-edge, new-shared-table"]) == 1
    assert "shop/stock/new.py:1: new-cross-edge: shop.stock.new -> shop.orders.models" in capsys.readouterr().err
    assert main(["audit", "--baseline", "old.json"]) == 0, "without --fail-on it only says so"
    shown = capsys.readouterr().out
    assert "Since the baseline: 1 new-cross-edge, 1 new-shared-table" in shown
    assert "dependencies between units      8 -> 9" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--baseline", "pyproject.toml"], "pyproject.toml: is not JSON"),
        (["--baseline", "none.json"], "none.json: cannot be read: No such file or directory"),
        (["--fail-on", "new-cross-edge"], "--fail-on needs --baseline"),
        (["--baseline", "x", "--fail-on", "new-edge"], "no check 'new-edge'; did you mean 'new-cross-edge'?"),
    ],
)
def test_a_wrong_baseline_is_told_from_a_failed_check(
    shop: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    (shop / "pyproject.toml").write_text("name = 1\n")
    assert main(["audit", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_scaffold_is_written_outside_and_shows_as_a_contract(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--scaffold", "stock", "--into", "../stock-service"]) == 0
    assert capsys.readouterr().out.split() == [
        f"../stock-service/{name}" for name in ("PLAN.md", "stock/contract.py", "stock/__init__.py", "calve.toml")
    ]
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    shown = subprocess.run(
        [sys.executable, "-m", "calve", "contract", "show"],
        cwd=shop.parent / "stock-service",
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "command take(item_id: int, count: str) -> None" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scaffold", "stock"], "--scaffold and --into need each other"),
        (["--into", "../x"], "--scaffold and --into need each other"),
        (["--scaffold", "stock", "--into", "x"], "--into x is inside of .: the next audit would read it"),
        (["--scaffold", "stok", "--into", "../x"], "--scaffold: no candidate 'stok'"),
    ],
)
def test_a_wrong_scaffold_is_an_error(
    shop: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["audit", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_an_error(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--json", "missing/audit.json"]) == 2
    assert "missing/audit.json cannot be written: No such file or directory" in capsys.readouterr().err


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
