"""A project on disk, and the supervisor as a process of its own with fake units under it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from calve.runtime.config import AppConfig, load_config

PROGRAM = Path(__file__).with_name("fake_unit.py")
PATIENCE_SECONDS = 30.0
"""For what ought to happen at once; a test that waits this long has failed."""

PROJECT = """\
[app]
name = "shop"
services = ["shop.catalog", "shop.orders", "shop.wallet"]

[topology.split]
front = ["orders"]
money = ["wallet"]
goods = ["catalog"]
"""

MakeConfig = Callable[..., AppConfig]


@pytest.fixture
def make_config(tmp_path: Path) -> MakeConfig:
    """Write calve.toml (the project above, and more of it) and read it with exactly the given environment."""

    def make(more: str = "", project: str = PROJECT, **environ: str) -> AppConfig:
        path = tmp_path / "calve.toml"
        path.write_text(project + more, encoding="utf-8")
        return load_config(path, environ=environ)

    return make


class Run:
    """A supervised run in a process of its own, and what it wrote so far on both outputs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._new = asyncio.Condition()
        self._readers = [asyncio.ensure_future(self._read(s)) for s in (process.stdout, process.stderr) if s]

    async def _read(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            async with self._new:
                self.lines.append(line.decode().rstrip("\n"))
                self._new.notify_all()

    async def line(self, pattern: str, *, nth: int = 1) -> re.Match[str]:
        """Wait for the nth line in which `pattern` is found."""

        def found() -> list[re.Match[str]]:
            return [m for m in (re.search(pattern, line) for line in self.lines) if m]

        async with asyncio.timeout(PATIENCE_SECONDS), self._new:
            await self._new.wait_for(lambda: len(found()) >= nth)
        return found()[nth - 1]

    async def pid(self, unit: str, *, nth: int = 1) -> int:
        """Process id of a unit, once it listens for the nth time."""
        return int((await self.line(rf"^{unit} +\| pid (\d+) listens", nth=nth))[1])

    async def socket(self, unit: str) -> str:
        """Path of a unit's socket, once it listens."""
        return (await self.line(rf"^{unit} +\| pid \d+ listens on unix:(.*)"))[1]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the supervisor alone."""
        self.process.send_signal(number)

    async def end(self) -> int:
        """Wait until the supervisor is gone and everything it wrote is read. Returns: its exit code."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            code = await self.process.wait()
            await asyncio.gather(*self._readers)
        return code


StartRun = Callable[..., Awaitable[Run]]


@pytest.fixture
def short_tmp() -> Iterator[Path]:
    """A temporary folder whose path leaves room for sockets, which may have about 100 bytes."""
    with tempfile.TemporaryDirectory(prefix="c", dir="/tmp") as folder:
        yield Path(folder)


@pytest_asyncio.fixture
async def start_run(tmp_path: Path, short_tmp: Path) -> AsyncIterator[StartRun]:
    """Start a supervised run of the project above; whatever is left of it at the end of the test is killed."""
    runs: list[Run] = []

    async def start(topology: str = "split", *, settings: str = "", **environ: str) -> Run:
        path = tmp_path / "calve.toml"
        path.write_text(f"{PROJECT}[run]\nrestart_delay_seconds = 0.05\n{settings}", encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, PROGRAM, "supervise", path, topology),
            env={**os.environ, "TMPDIR": str(short_tmp), "CALVE_LOG_FORMAT": "console", **environ},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        runs.append(Run(process))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.returncode is None:
            run.process.kill()
        await run.end()


@contextlib.contextmanager
def watched(pid: int) -> Iterator[Callable[[], Awaitable[None]]]:
    """Watch a process that is no child of ours; gives a function that waits until it is gone."""
    fd = os.pidfd_open(pid)

    async def wait_gone() -> None:
        gone = asyncio.Event()
        asyncio.get_running_loop().add_reader(fd, gone.set)
        try:
            await asyncio.wait_for(gone.wait(), PATIENCE_SECONDS)
        finally:
            asyncio.get_running_loop().remove_reader(fd)

    try:
        yield wait_gone
    finally:
        os.close(fd)
