"""How long a rollout of a unit with two replicas takes, under load, as it comes: with the second that a new process is
watched, and the half second that each old one goes on serving. Nothing that can be set is set for the bench.

Beside it, how long one process of the unit needs to be ready, which is what a rollout cannot do without, twice.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from calve.testing.load import LoadRequest, SteadyLoad, describe_failures

from .common import Result, medians, result

ROUNDS = 3
PER_SECOND = 50.0

TOML = """\
[app]
name = "till"
services = ["till"]

[topology.one]
till = ["till"]

[unit.till]
replicas = 2

[http]
port = 0
"""

TILL = '''
"""Counts coins."""
from typing import Protocol
from calve import Contract, query

class Till(Contract, Protocol, version="1.0"):
    """Coins."""

    @query(http="GET /coins")
    async def coins(self) -> int: ...

class TillService(Till):
    async def coins(self) -> int:
        return 7
'''


def run() -> list[Result]:
    """Roll out a few times. Returns: seconds, and how many requests failed."""
    rounds, failed = [], 0
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        (folder / "calve.toml").write_text(TOML)
        (folder / "till.py").write_text(TILL)
        process = _start(folder)
        try:
            url, seconds = _ready(process)
            with SteadyLoad(url, [LoadRequest("coins", "GET", "/coins")], per_second=PER_SECOND) as load:
                for _ in range(ROUNDS):
                    started = time.perf_counter()
                    subprocess.run(_calve("rollout"), cwd=folder, check=True, stdout=subprocess.DEVNULL)
                    rounds.append({"rollout of 2": time.perf_counter() - started, "start of 1": seconds})
            failed = len(load.failed())
            print(describe_failures(load.failed()), end="")
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()
    peers = medians(rounds)
    return [
        result("rollout of a unit of two replicas, under load", peers["rollout of 2"], "s", "<= 10", peers),
        result("requests that failed during rollouts", failed, "requests", "<= 0", {"requests": len(load.samples)}),
    ]


def _calve(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "calve", *arguments]


def _start(folder: Path) -> subprocess.Popen[str]:
    environ = {**os.environ, "CALVE_LOG_FORMAT": "console", "TMPDIR": "/tmp"}
    return subprocess.Popen(
        _calve("run"), cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def _ready(process: subprocess.Popen[str]) -> tuple[str, float]:
    """Where it serves, and how long a process of it took to be ready, seconds."""
    assert process.stderr is not None
    seconds = 0.0
    for line in process.stderr:
        if match := re.search(r"till\.1 is ready on \S+ after (\S+) s", line):
            seconds = float(match[1])
        if match := re.search(r"till is ready on (\S+) after", line):
            return match[1], seconds
    raise RuntimeError("it did not become ready")
