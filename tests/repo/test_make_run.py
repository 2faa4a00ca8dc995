"""`make run`, as a newcomer types it: the shop answers on its port, in one process or as three, and stops cleanly.

It runs on a copy, so that the developer's own data stay what they are.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest


def _free_ports(count: int) -> int:
    """The first of so many ports in a row that are free now."""
    while True:
        with contextlib.ExitStack() as probes:
            first = 0
            try:
                for number in range(count):
                    probe = probes.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", first + number if first else 0))
                    first = first or probe.getsockname()[1]
            except (OSError, OverflowError):
                continue
            return first


@pytest.fixture
def tree(root: Path, tmp_path: Path) -> Path:
    """The Makefile and the shop, without data."""
    shutil.copy(root / "Makefile", tmp_path)
    shutil.copytree(root / "examples" / "shop", tmp_path / "examples" / "shop", ignore=shutil.ignore_patterns("data"))
    return tmp_path


@contextlib.contextmanager
def _make_run(tree: Path, arguments: str, port: int) -> Iterator[subprocess.Popen[str]]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CALVE_", "MAKE", "MFLAGS"))}
    command = ["make", "-o", ".venv/.runs", f"BIN={Path(sys.executable).parent}", "run", f"ARGS={arguments}"]
    with subprocess.Popen(
        command,
        cwd=tree,
        env={**environment, "CALVE_HTTP_PORT": str(port), "PYTHONWARNINGS": "error"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _json(url: str) -> object:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


@pytest.mark.parametrize("arguments", ["", "--topology split"])
def test_the_shop_answers_and_stops(tree: Path, arguments: str) -> None:
    port = _free_ports(3)
    address = f"http://127.0.0.1:{port}"
    with _make_run(tree, arguments, port) as process:
        assert process.stdout is not None
        seen = []
        for line in process.stdout:
            seen.append(line)
            if address in line:
                break
        assert address in seen[-1], "".join(seen)
        _json(f"{address}/health/ready")
        assert "/products" in str(_json(f"{address}/openapi.json"))
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stdout.read()
        process.wait(timeout=30)
    assert "Traceback" not in "".join(seen) + rest
