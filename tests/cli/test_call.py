"""`calve call`: against a unit that runs for real, and every way of typing it wrongly."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from calve.cli.scaffold import create_project


class Running(NamedTuple):
    """A project that `calve run` serves."""

    folder: Path
    environ: dict[str, str]

    def call(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run `calve call` in its folder."""
        return subprocess.run(
            [sys.executable, "-m", "calve", "call", *arguments],
            cwd=self.folder,
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One application for all tests here: starting it takes most of a second."""
    folder = tmp_path_factory.mktemp("call") / "calldemo"
    create_project(folder)
    environ = {**os.environ, "CALVE_HTTP_PORT": "0"}
    process = subprocess.Popen(
        [sys.executable, "-m", "calve", "run"], cwd=folder, env=environ, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        seen: list[str] = []
        while not any("is ready" in line for line in seen):
            assert select.select([process.stderr], [], [], 60)[0], seen
            line = process.stderr.readline()
            assert line, seen
            seen.append(line)
        yield Running(folder, environ)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert process.returncode == 0


def test_an_answer_is_printed_as_json(running: Running) -> None:
    done = running.call("greeter.greet", "name=Ada")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["name"] == "Ada"


def test_arguments_can_come_as_a_document(running: Running) -> None:
    assert json.loads(running.call("greeter.greet", "--json", '{"name": "Bo"}').stdout)["name"] == "Bo"
    assert json.loads(running.call("greeter.greet", "--json", "-", stdin='{"name": "Cy"}').stdout)["name"] == "Cy"


def test_text_that_looks_like_a_number_stays_text_where_text_is_wanted(running: Running) -> None:
    assert json.loads(running.call("greeter.greet", "name=007").stdout)["name"] == "007"


def test_a_stream_is_a_line_per_item(running: Running) -> None:
    running.call("greeter.greet", "name=Zoe")
    names = [json.loads(line)["name"] for line in running.call("greeter.greetings").stdout.splitlines()]
    assert "Zoe" in names


def test_a_domain_error_is_exit_code_1(running: Running) -> None:
    done = running.call("greeter.greeting", "name=Nobody")
    assert done.returncode == 1
    assert "NotGreeted: Nobody of this name was greeted yet (name='Nobody')" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["greter.greet"], "did you mean 'greeter'?"),
        (["greeter.gret"], "did you mean 'greet'"),
        (["greeter"], "no operation is named"),
        (["greeter.greet", "name"], "is not NAME=VALUE; parameters are: name"),
        (["greeter.greet", "nme=Ada"], "has no parameter 'nme'; did you mean 'name'?"),
        (["greeter.greet"], "missing required field `name`"),
        (["greeter.greet", "name="], "length >= 1"),
        (["greeter.greet", "--json", "["], "not a JSON object"),
        (["greeter.greet", "name=x", "--timeout", "0"], "--timeout"),
        (["greeter.greet", "name=x", "--endpoints", "nowhere.json"], "is not running here"),
    ],
)
def test_what_is_typed_wrongly_is_one_line_and_exit_code_2(
    running: Running, arguments: list[str], expected: str
) -> None:
    done = running.call(*arguments)
    assert done.returncode == 2, done
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_application_that_does_not_run_is_one_line(running: Running, tmp_path: Path) -> None:
    create_project(tmp_path / "idle")
    done = Running(tmp_path / "idle", running.environ).call("greeter.greetings")
    assert done.returncode == 2
    assert "idle is not running here" in done.stderr
    assert "calve run" in done.stderr
