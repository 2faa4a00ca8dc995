"""`calve run` as a user runs it: real services, real servers, real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..till import TOML
from .conftest import PATIENCE_SECONDS, CalveCommand


class Running:
    """A running `calve run`, stopped by the test."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        assert process.stderr is not None
        # What it logs is not looked at, but has to be read for it to go on.
        threading.Thread(target=process.stdout.read if process.stdout else print, daemon=True).start()

    def line(self, pattern: str) -> re.Match[str]:
        """Wait for a line on standard error."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"no {pattern!r} in {''.join(self.lines)}")

    def stop(self) -> int:
        """Stop as an orchestrator does. Returns: the exit code."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stderr is not None
        self.lines += self.process.stderr.readlines()
        return self.process.wait(PATIENCE_SECONDS)


StartCalve = Callable[..., Running]


@pytest.fixture
def start_calve(project: Path, short_tmp: Path) -> Iterator[StartCalve]:
    """Start `calve run …` in the project's folder; it is killed at the end of the test, at the latest after a while."""
    started: list[subprocess.Popen[str]] = []
    timers: list[threading.Timer] = []

    def start(*arguments: str, **environ: str) -> Running:
        process = subprocess.Popen(
            [sys.executable, "-m", "calve", "run", *arguments],
            cwd=project,
            env={**os.environ, "TMPDIR": str(short_tmp), "CALVE_LOG_FORMAT": "console", **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        timers.append(threading.Timer(PATIENCE_SECONDS, process.kill))
        timers[-1].start()
        return Running(process)

    yield start
    for timer in timers:
        timer.cancel()
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def get(url: str) -> object:
    with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:
        return json.load(answer)


@pytest.mark.parametrize("arguments", [[], ["--topology", "split"]])
def test_the_same_answers_from_one_process_and_from_two(start_calve: StartCalve, arguments: list[str]) -> None:
    run = start_calve(*arguments)
    url = run.line(r"till is ready on (http://\S+) after")[1]
    assert get(f"{url}/answer") == "7 coins"
    assert get(f"{url}/coins") == 7
    assert get(f"{url}/health/live") == {"state": "ready"}
    assert run.stop() == 0
    assert run.lines[-1] == "calve | stopped\n"


def test_ctrl_c_in_a_terminal(project: Path, short_tmp: Path) -> None:
    # `pty.spawn` gives it a terminal of its own, whose Ctrl-C goes to all in its foreground as in a shell.
    program = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    process = subprocess.Popen(
        [sys.executable, "-c", program, sys.executable, "-m", "calve", "run", "--topology", "split"],
        cwd=project,
        env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, "TMPDIR": str(short_tmp), "TERM": "xterm"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    timer = threading.Timer(PATIENCE_SECONDS, process.kill)
    timer.start()
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        for line in process.stdout:
            if b"Ctrl-C stops it" in line:
                break
        process.stdin.write(b"\x03")
        process.stdin.flush()
        last = process.stdout.readlines()[-1]
    timer.cancel()
    assert process.returncode == 0
    assert last == b"\x1b[1mcalve |\x1b[0m stopped\r\n"


def test_a_unit_alone(start_calve: StartCalve, project: Path, short_tmp: Path) -> None:
    (project / "endpoints.json").write_text(json.dumps({"services": {"purse": [f"unix:{short_tmp}/money.sock"]}}))
    settings = {"CALVE_DISCOVERY_FILE": "endpoints.json", "CALVE_UNIT_MONEY_LISTEN": f"unix:{short_tmp}/money.sock"}
    money = start_calve("--unit", "money", **settings)
    money.line(r"calve\.unit +ready")
    front = start_calve("--unit", "front", **settings)
    url = front.line(r"calve\.unit +ready +url=(\S+)")[1]
    assert get(f"{url}/answer") == "7 coins"
    assert front.stop() == 0
    assert money.stop() == 0


def wait_for(url: str) -> object:
    """Ask until there is an answer: nothing says when a unit has found another one again."""
    waiting, end = threading.Event(), time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            return get(url)
        except OSError:
            waiting.wait(0.1)
    raise AssertionError(f"no answer from {url}")


def test_a_unit_that_is_killed_comes_back_and_answers_again(start_calve: StartCalve, project: Path) -> None:
    run = start_calve("--topology", "split", CALVE_RUN_RESTART_DELAY_SECONDS="0.05")
    url = run.line(r"till is ready on (http://\S+) after")[1]
    children = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children")
    if not children.exists():
        pytest.skip("only on Linux: finds processes in /proc")
    pids = [int(pid) for pid in children.read_text().split()]
    (money,) = [p for p in pids if "money" in Path(f"/proc/{p}/cmdline").read_text().split("\0")]
    os.kill(money, signal.SIGKILL)
    run.line(r"money was killed \(SIGKILL\); restarting in")
    run.line("money is ready")
    assert wait_for(f"{url}/answer") == "7 coins"
    assert run.stop() == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["-t", "spilt"], "--topology: no topology 'spilt'; did you mean 'split'? (known: one, split)"),
        (["-u", "mony"], "--unit: no topology has a unit 'mony'; did you mean 'money'? (known: front, money, till)"),
        (["-t", "split", "-u", "till"], "--unit: topology 'split' has no unit 'till'; known: front, money"),
    ],
)
def test_what_is_not_there_comes_with_near_misses(calve: CalveCommand, arguments: list[str], line: str) -> None:
    done = calve("run", *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"calve: error: {line}\n")


@pytest.mark.parametrize("arguments", [[], ["--topology", "split"], ["--unit", "till"]])
def test_a_port_in_use_is_one_line(calve: CalveCommand, arguments: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        # The unit that is not the edge would get the port after it, which somebody else may use.
        done = calve("run", *arguments, CALVE_HTTP_PORT=str(port), CALVE_UNIT_MONEY_HTTP_PORT="0")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if "error" in line]
    assert len(errors) == 1
    assert re.match(rf"calve: error: .*\b{port}\b.* in use", errors[0])


def test_a_fault_in_a_service_is_found_before_anything_starts(calve: CalveCommand, project: Path) -> None:
    desk = project / "till" / "desk.py"
    desk.write_text(desk.read_text().replace("purse: Purse", "purse: int"))
    done = calve("run", "--topology", "split")
    assert done.returncode == 2
    assert done.stderr.startswith("calve: error: ")
    assert done.stderr.count("\n") == 1


def test_replicas_of_a_unit_with_a_file_are_refused(calve: CalveCommand, project: Path) -> None:
    (project / "calve.toml").write_text(f"{TOML}[unit.money]\nreplicas = 2\n")
    done = calve("run", "--topology", "split")
    assert done.returncode == 2
    assert "unit 'money' asks for 2 replicas" in done.stderr
    assert done.stderr.count("\n") == 1


def test_no_project_names_the_next_step(calve: CalveCommand, project: Path) -> None:
    (project / "calve.toml").unlink()
    done = calve("run")
    assert done.returncode == 2
    assert "`calve new`" in done.stderr
