"""Every example does what it says: its commands are run as written, and print what `expected.txt` says.

The commands are the lines of the docstring that start with `$`. One that ends in `&` runs in the background and is
waited for until it says that it is ready; `kill %1` stops the first of them; `...` in expected.txt stands for anything.
"""

from __future__ import annotations

import ast
import doctest
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = {
    path.relative_to(EXAMPLES).parts[0]: path
    for path in sorted(EXAMPLES.rglob("*.py"))
    if "\n    $ " in path.read_text(encoding="utf-8") and path.relative_to(EXAMPLES).parts[0] != "shop"
}
COMMAND_SECONDS = 60

CURL = """\
#!{python}
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[-1]).read().decode())
"""


class Session:
    """A shell of little brain in the folder of an example.

    Args:
        folder: Where commands run.
        environ: What they see.
    """

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self._folder, self._environ = folder, environ
        self.jobs: list[subprocess.Popen[str]] = []

    def run(self, command: str) -> str:
        """Run one command. Returns what it printed; nothing for one in the background."""
        if command == "kill %1":
            self.stop(self.jobs[0])
            return ""
        if command.endswith("&"):
            self._start(command.removesuffix("&"))
            return ""
        done = subprocess.run(
            command,
            shell=True,
            cwd=self._folder,
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        return done.stdout

    def _start(self, command: str) -> None:
        # `exec`, so that the signal reaches the program and not a shell in between.
        job = subprocess.Popen(
            f"exec env {command}" if "=" in command.split()[0] else f"exec {command}",
            shell=True,
            cwd=self._folder,
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.jobs.append(job)
        assert job.stdout is not None
        said = []
        for line in job.stdout:
            said.append(line)
            if "ready" in line or "Uvicorn running" in line:
                return
        pytest.fail(f"{command} ended with {job.wait()}:\n{''.join(said)}")

    @staticmethod
    def stop(job: subprocess.Popen[str]) -> None:
        """Ask a background job to end and wait for it."""
        if job.poll() is None:
            job.send_signal(signal.SIGTERM)
        job.communicate(timeout=COMMAND_SECONDS)


@contextmanager
def session(name: str, tmp_path: Path) -> Iterator[Session]:
    """A session in a copy of the example, so that no data is left beside the original."""
    folder, tools = tmp_path / "x", tmp_path / "bin"
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("data", ".calve", "__pycache__"))
    tools.mkdir()
    (tools / "curl").write_text(CURL.format(python=sys.executable), encoding="utf-8")
    (tools / "curl").chmod(0o755)
    path = os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]])
    started = Session(folder, {**os.environ, "PATH": path, "CALVE_HTTP_PORT": "0", "CALVE_LOG_LEVEL": "warning"})
    try:
        yield started
    finally:
        for job in started.jobs:
            started.stop(job)


def commands(program: Path) -> list[str]:
    """The commands of a program's docstring."""
    text = ast.get_docstring(ast.parse(program.read_text(encoding="utf-8"))) or ""
    return [line.strip().removeprefix("$ ") for line in text.splitlines() if line.startswith("    $ ")]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_example_prints_what_it_promises(name: str, tmp_path: Path) -> None:
    with session(name, tmp_path) as shell:
        printed = "".join(shell.run(command) for command in commands(PROGRAMS[name]))
    expected = (EXAMPLES / name / "expected.txt").read_text(encoding="utf-8")
    assert doctest.OutputChecker().check_output(expected, printed, doctest.ELLIPSIS), printed


def test_every_folder_is_an_example_with_a_program() -> None:
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir() and path.name not in ("shop", "__pycache__")}
    assert folders == set(PROGRAMS)


def test_programs_stay_short() -> None:
    for name, path in PROGRAMS.items():
        code = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        assert len(code) <= 60, f"{name}: {len(code)} lines"
