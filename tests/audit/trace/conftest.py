"""Projects run with the recorder, each once for all tests: a run takes seconds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from audit_projects import Files, write
from traced_projects import DJANGO, SQLALCHEMY

from calve.audit.trace.file import DEFAULT_PATH, Trace, read_trace

Traced = tuple[Path, Trace]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
PATIENCE_SECONDS = 100.0


def run_traced(root: Path, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`calve audit trace -- COMMAND` in a folder, which is on the module path."""
    return subprocess.run(
        [sys.executable, "-m", "calve", "audit", "trace", "--", *command],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def _traced(root: Path, files: Files) -> Traced:
    done = run_traced(write(root, files), *PYTEST)
    assert done.returncode == 0, done.stdout + done.stderr
    return root, read_trace(root / DEFAULT_PATH)


@pytest.fixture(scope="session")
def django_traced(tmp_path_factory: pytest.TempPathFactory) -> Traced:
    """The shop on Django after its tests."""
    return _traced(tmp_path_factory.mktemp("traced-django"), DJANGO)


@pytest.fixture(scope="session")
def sqlalchemy_traced(tmp_path_factory: pytest.TempPathFactory) -> Traced:
    """The bank on SQLAlchemy and Starlette after its tests."""
    return _traced(tmp_path_factory.mktemp("traced-sqlalchemy"), SQLALCHEMY)


@pytest.fixture
def traced() -> Run:
    """Runs a command with the recorder."""
    return run_traced
