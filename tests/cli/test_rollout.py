"""`calve ps`, `rollout` and `scale` as a user types them; what they do is tested in tests/runtime and tests/system."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from calve.runtime.endpoints import supervisor_path

from .conftest import PATIENCE_SECONDS, CalveCommand

QUICK = "[rollout]\nwatch_seconds = 0\ndrain_delay_seconds = 0\n"


@pytest.fixture
def running(project: Path, short_tmp: Path) -> Iterator[None]:
    """The project runs as two units, one of which has a store."""
    (project / "calve.toml").write_text((project / "calve.toml").read_text() + QUICK)
    process = subprocess.Popen(
        [sys.executable, "-m", "calve", "run", "--topology", "split"],
        cwd=project,
        env={**os.environ, "TMPDIR": str(short_tmp), "CALVE_LOG_FORMAT": "console"},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    with process, process.stderr:
        try:
            assert any("till is ready" in line for line in process.stderr)
            yield
            process.send_signal(signal.SIGTERM)
            process.stderr.read()
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()


@pytest.mark.usefixtures("running")
def test_the_commands(calve: CalveCommand) -> None:
    done = calve("ps", "--json")
    found = json.loads(done.stdout)
    assert (found["app"], found["topology"], found["job"]) == ("till", "split", None)
    assert [(r["name"], r["state"], r["services"], r["restarts"]) for r in found["replicas"]] == [
        ("money", "ready", ["purse"], 0),
        ("front", "ready", ["desk"], 0),
    ]
    done = calve("scale", "front", "2")
    assert (done.returncode, done.stdout) == (0, "front.2 is ready and gets calls\nfront has 2 replicas\n")
    table = [" ".join(line.split()) for line in calve("ps").stdout.replace("│", " ").splitlines()]
    pids = {r["name"]: r["pid"] for r in json.loads(calve("ps", "--json").stdout)["replicas"]}
    assert any(line.startswith(f"front.2 desk {pids['front.2']} ready") for line in table)
    done = calve("rollout", "front", "-e", "CALVE_LOG_LEVEL=warning", "--env", "COLUMNS")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("front is rolled out\n")
    assert calve("rollout", "--watch").stdout == done.stdout
    assert {r["name"]: r["pid"] for r in json.loads(calve("ps", "--json").stdout)["replicas"]}["front"] != pids["front"]
    done = calve("rollout", "-e", "CALVE_LOG_LEVEL=loud")
    assert done.returncode == 1
    assert done.stderr.startswith("calve: error: money: ")
    assert done.stderr.endswith("; money is rolled back; not begun: front\n")
    done = calve("scale", "money", "2")
    assert done.returncode == 2
    assert done.stderr.startswith("calve: error: money cannot have 2 replicas: the store of 'purse' is a SQLite file")


@pytest.mark.parametrize("command", [["ps"], ["rollout"], ["rollout", "--watch"], ["scale", "front", "2"]])
def test_without_a_supervisor(calve: CalveCommand, project: Path, command: list[str]) -> None:
    done = calve(*command)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"calve: error: {project}: no supervisor runs this project; start it: calve run\n"
    assert not supervisor_path(project).exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["rollout", "--watch", "front"], "--watch takes no units and no variables"),
        (["rollout", "-e", "=x"], "'=x' names no variable"),
        (["rollout", "-e", "NOWHERE_SET"], "NOWHERE_SET is not set here; write NOWHERE_SET=VALUE"),
        (["scale", "front", "0"], "0 is not in the range 1<=x<=64"),
        (["scale", "front", "many"], "'many' is not a valid integer range"),
    ],
)
def test_what_is_typed_wrong(calve: CalveCommand, arguments: list[str], line: str) -> None:
    done = calve(*arguments)
    assert done.returncode == 2
    assert line in done.stderr
    assert done.stderr.count("\n") == 1
