"""A small real project, and the command line as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PATIENCE_SECONDS = 60.0
"""For what ought to happen at once; a test that waits this long has failed."""

CALVE_TOML = """\
[app]
name = "till"
services = ["till.purse", "till.desk"]

[topology.split]
front = ["desk"]
money = ["purse"]

[http]
port = 0
"""

PURSE = '''
"""Counts coins."""
from typing import Protocol
from calve import Contract, Store, command, query

class Purse(Contract, Protocol, version="1.0"):
    """Coins."""

    @query(http="GET /coins")
    async def coins(self) -> int:
        """How many there are."""
        ...

class PurseService(Purse):
    def __init__(self, store: Store) -> None:
        self.store = store

    async def coins(self) -> int:
        return 7
'''

DESK = '''
"""Asks the purse."""
from typing import Protocol
from calve import Contract, query
from till.purse import Purse

class Desk(Contract, Protocol, version="2.1"):
    """Where one asks."""

    @query(http="GET /answer")
    async def answer(self) -> str:
        """In words."""
        ...

class DeskService(Desk):
    def __init__(self, purse: Purse) -> None:
        self.purse = purse

    async def answer(self) -> str:
        return f"{await self.purse.coins()} coins"
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder of a project with two services, one of which calls the other."""
    (tmp_path / "till").mkdir()
    (tmp_path / "till" / "__init__.py").touch()
    (tmp_path / "till" / "purse.py").write_text(PURSE)
    (tmp_path / "till" / "desk.py").write_text(DESK)
    (tmp_path / "calve.toml").write_text(CALVE_TOML)
    return tmp_path


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
