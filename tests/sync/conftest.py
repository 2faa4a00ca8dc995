"""A project whose units run in processes of their own, to be called from programs that are none."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PATIENCE_SECONDS = 60

TOML = """\
[app]
name = "till"
services = ["purse"]
[http]
port = 0
"""
PURSE = '''
"""Counts coins."""
from typing import AsyncIterator, Protocol
from calve import Contract, DomainError, current_call, query

class Empty(DomainError):
    """There are none."""
    status = 404

class Purse(Contract, Protocol, version="1.0"):
    """Coins."""
    @query(raises=[Empty])
    async def coins(self, least: int = 0) -> int: ...
    @query()
    async def wait(self) -> None: ...
    @query()
    async def who(self) -> str: ...
    @query()
    def count(self, to: int) -> AsyncIterator[int]: ...

class PurseService(Purse):
    async def coins(self, least: int = 0) -> int:
        if least > 7:
            raise Empty()
        return 7
    async def wait(self) -> None:
        import asyncio
        await asyncio.Event().wait()
    async def who(self) -> str:
        call = current_call()
        return call.principal.subject if call.principal else "nobody"
    async def count(self, to: int) -> AsyncIterator[int]:
        for number in range(to):
            yield number
'''


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the project."""
    folder = tmp_path_factory.mktemp("till")
    (folder / "calve.toml").write_text(TOML)
    (folder / "purse.py").write_text(PURSE)
    return folder


@pytest.fixture(scope="module")
def running(project: Path) -> Iterator[Path]:
    """The project while it runs. Returns: its folder."""
    with tempfile.TemporaryDirectory(prefix="c", dir="/tmp") as short:
        run = subprocess.Popen(
            [sys.executable, "-m", "calve", "run"],
            cwd=project,
            env={**os.environ, "TMPDIR": short},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert run.stdout is not None
        for line in run.stdout:
            if "till is ready" in line:
                break
        try:
            yield project
        finally:
            run.terminate()
            run.communicate(timeout=PATIENCE_SECONDS)


Program = Callable[..., str]


@pytest.fixture
def program(project: Path) -> Program:
    """Run a program in the project's folder. Returns: what it printed; it has to end with 0 and without a warning."""

    def run(text: str, **environ: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning", "-c", text],
            cwd=project,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    return run
