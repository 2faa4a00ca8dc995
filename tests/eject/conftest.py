"""Ejected services as plain processes, in which nothing of Calve can be imported."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import pytest

from calve.eject import eject, write
from calve.runtime import AppConfig, load_config

from .projects import MakeProject, Project

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "examples" / "shop"
PATIENCE_SECONDS = 60.0
"""For a process to start or to stop; a test that waits this long has failed."""

PLAIN = """
import runpy, signal, sys

class NoCalve:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "calve":
            raise ModuleNotFoundError(f"{name} is not for this process", name=name)

sys.meta_path.insert(0, NoCalve())
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # where the server hands the signal on to when it has stopped
sys.path[:] = [sys.argv[1], *(p for p in sys.path if p not in sys.argv[2:])]
try:
    runpy.run_module("app", run_name="__main__")
finally:
    print("imported of calve:", [name for name in sys.modules if name.partition(".")[0] == "calve"], file=sys.stderr)
"""
"""What runs in the process: the module search path has the ejected project and the libraries, and a guard before it."""


class Process:
    """One ejected service, running.

    Args:
        folder: Of its project.
        environ: Its settings.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        ours = {k: v for k, v in os.environ.items() if not k.startswith(("CALVE_", "DATABASE_", "PYTHON"))}
        command = [
            sys.executable,
            "-W",
            "error::DeprecationWarning:app",
            "-c",
            PLAIN,
            str(folder),
            str(SHOP),
            str(ROOT),
        ]
        settings = {"PORT": "0", **environ}
        self._process = subprocess.Popen(
            command, env={**ours, **settings}, cwd=folder, stderr=subprocess.PIPE, text=True
        )
        self._lines: list[str] = []
        self._url: str | None = None
        self._told = threading.Event()
        assert self._process.stderr is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stderr,), daemon=True)
        self._reader.start()

    def _read(self, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                self._lines.append(line)
                found = re.search(r"running on (http://[\d.:]+)", line)
                if found:
                    self._url = found[1]
                    self._told.set()
        self._told.set()

    @property
    def log(self) -> str:
        """What it wrote."""
        return "".join(self._lines)

    @property
    def url(self) -> str:
        """Where it serves; waits until it does."""
        assert self._told.wait(PATIENCE_SECONDS), self.log
        assert self._url is not None, self.log
        return self._url

    def stop(self) -> None:
        """Ask it to stop, and look whether it did."""
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_SECONDS)
        finally:
            self._process.kill()
            self._reader.join(PATIENCE_SECONDS)
        assert "imported of calve: []" in self.log, self.log


def shop_config(store_url: str | None = None) -> AppConfig:
    """The shop's configuration, without the machine's environment."""
    environ = {} if store_url is None else {"CALVE_STORE_URL": store_url}
    return load_config(SHOP / "calve.toml", environ=environ)


def ejected(config: AppConfig, service: str, folder: Path) -> Path:
    """Eject one service; returns the folder of its project."""
    write(eject(config, service), folder / service, force=False)
    return folder / service


@contextmanager
def serving(folder: Path, **environ: str) -> Iterator[Process]:
    """Run an ejected project."""
    with ExitStack() as stack:
        process = Process(folder, environ)
        stack.callback(process.stop)
        yield process


@pytest.fixture
def project(tmp_path: Path) -> MakeProject:
    """Make a project of packages `town.<service>`: those that have a contract are its services."""

    def make(*files: Mapping[str, str], toml: str = "") -> Project:
        merged = {path: text for some in files for path, text in some.items()}
        package = {"town/__init__.py": ""} if any(path.startswith("town/") for path in merged) else {}
        return Project(tmp_path, {**package, **merged}, toml)

    return make
