"""The frame of the command line: help, errors, exit codes, and what is not imported."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest

from calve import __version__
from calve.cli import main
from calve.cli.group import COMMANDS, calve
from calve.core.suggest import did_you_mean

from .conftest import PATIENCE_SECONDS, CalveCommand

HEAVY = {"apsw", "granian", "httptools", "opentelemetry", "prometheus_client", "rich", "uvicorn"}


def modules_after(program: str) -> set[str]:
    """Names of all modules a new interpreter has after running a program."""
    tail = "import json, sys; sys.stderr.write(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{tail}"], capture_output=True, timeout=PATIENCE_SECONDS, check=True
    )
    return set(map(str, eval(done.stderr)))


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name, entry in COMMANDS.items():
        assert f"  {name} " in shown
        assert entry.help in shown


def test_no_arguments_ask_for_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("Usage: calve [OPTIONS] COMMAND")
    assert shown.err == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_says(name: str) -> None:
    command = calve.get_command(click.Context(calve), name)
    assert command is not None
    assert command.name == name
    assert COMMANDS[name].help == (command.help or "").partition("\n")[0].partition(". ")[0]


def test_help_imports_next_to_nothing() -> None:
    loaded = modules_after("from calve.cli import main; assert main(['--help']) == 0")
    assert packages(loaded) & (HEAVY | {"msgspec", "asyncio", "uvloop"}) == set()
    ours = {name for name in loaded if name.startswith("calve.")}
    assert ours == {"calve.cli", "calve.cli.group", "calve.core", "calve.core.errors", "calve.core.suggest"}


def test_a_supervisor_imports_no_server_and_no_service() -> None:
    loaded = modules_after("import calve.cli.run, calve.runtime.supervisor")
    assert packages(loaded) & (HEAVY | {"uvloop"}) == set()
    rooms = {name.split(".")[1] for name in loaded if name.startswith("calve.")}
    assert rooms == {"cli", "core", "runtime", "transport"}
    assert {name for name in loaded if name.startswith("calve.transport.")} == {"calve.transport.sockets"}


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"calve, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["rnu"],
            f"no command 'rnu'; {did_you_mean('rnu', COMMANDS)}",
        ),
        (["run", "--topolgy", "x"], "No such option '--topolgy'. Did you mean '--topology'?"),
        (["run", "--config", "/nonexistent.toml"], "/nonexistent.toml: cannot be read: No such file or directory"),
    ],
)
def test_errors_are_one_line(arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", f"calve: error: {line}\n")


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt_is_no_traceback(
    raised: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(calve, "main", interrupted)
    assert main([]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_reader_who_has_read_enough_is_no_traceback() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "calve", "--help"],
            stdout=closed,
            stderr=subprocess.PIPE,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"")


def test_the_module_is_the_command(calve: CalveCommand) -> None:
    done = calve("rnu")
    assert done.returncode == 2
    assert done.stderr.startswith("calve: error: no command 'rnu'")
