"""A small real project, and the command line as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..till import write_till

PATIENCE_SECONDS = 60.0
"""For what ought to happen at once; a test that waits this long has failed."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder of a project with two services, one of which calls the other."""
    return write_till(tmp_path, stored=True)


@pytest.fixture
def short_tmp() -> Iterator[Path]:
    """A temporary folder whose path leaves room for sockets, which may have about 100 bytes."""
    with tempfile.TemporaryDirectory(prefix="c", dir="/tmp") as folder:
        yield Path(folder)


CalveCommand = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def calve(project: Path) -> CalveCommand:
    """Run `calve …` to its end in the project's folder."""

    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "calve", *arguments],
            cwd=project,
            env={**os.environ, "COLUMNS": "120", "NO_COLOR": "1", **environ},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    return run
