"""`calve new`, and the promise that the tests of a new project pass."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from calve.cli import main


def test_it_says_what_it_wrote_and_what_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "demo"]) == 0
    output = capsys.readouterr().out
    assert "demo/demo/greeter/service.py" in output
    assert "cd demo\n  calve run" in output


def test_a_folder_in_use_is_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "x").write_text("", encoding="utf-8")
    assert main(["new", str(tmp_path / "demo")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("calve: error: ")
    assert error.count("\n") == 1


@pytest.mark.timeout(180)
def test_the_tests_of_a_new_project_pass(tmp_path: Path) -> None:
    assert main(["new", str(tmp_path / "demo")]) == 0
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("CALVE_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path / "demo",
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "9 passed" in done.stdout, "three tests on three runners"
