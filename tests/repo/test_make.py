"""The entry points: few verbs, all of them listed, and CI running what the README says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

VERBS_MAX = 12


def _verbs(root: Path) -> set[str]:
    phony = re.search(r"^\.PHONY: (.*)$", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert phony is not None
    return set(phony[1].split())


def test_help_lists_every_verb_and_they_are_few(root: Path) -> None:
    shown = subprocess.run(["make", "help"], cwd=root, capture_output=True, text=True, check=True).stdout
    listed = re.findall(r"^  make (\w+) +\S", shown, re.MULTILINE)
    assert set(listed) == _verbs(root)
    assert len(listed) <= VERBS_MAX


def test_ci_runs_the_test_command_of_the_readme(root: Path) -> None:
    script = (root / ".ci" / "run").read_text(encoding="utf-8")
    assert "make test" in (root / "README.md").read_text(encoding="utf-8")
    assert re.search(r"^make test$", script, re.MULTILINE)
    assert "export CALVE_REQUIRE_SERVICES=1" in script
    assert (root / ".ci" / "run").stat().st_mode & 0o100


def test_an_old_python_is_told_so(root: Path, tmp_path: Path) -> None:
    script = (root / "scripts" / "environment.py").read_text(encoding="utf-8")
    future = tmp_path / "environment.py"
    future.write_text(script.replace("OLDEST = (3, 11)", "OLDEST = (99, 0)"), encoding="utf-8")
    done = subprocess.run([sys.executable, str(future)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Python 3.11 or newer is needed" in done.stderr
    assert not (tmp_path.parent / ".venv").exists()


def test_no_python_at_all_is_one_clear_line(root: Path) -> None:
    command = ["make", "-B", "PYTHON=", ".venv/.ready"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("make: no Python 3.11 or newer on PATH")
