"""How long the checks of a project take on the shop: they run before every commit, so they must not be felt.

Whole processes, from the shell's point of view: interpreter, imports, the five services, their locks. Beside it the
floor: an interpreter that imports msgspec, click and nothing else.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from .common import Result, medians, result

SHOP = Path(__file__).resolve().parent.parent / "examples" / "shop"
ROUNDS = 9
FLOOR = [sys.executable, "-c", "import click, msgspec"]

COMMANDS = {
    "calve check": ("check",),
    "calve contract check": ("contract", "check"),
}
"""What is measured, by the name that the claim gives it; each aims at less than two seconds."""


def seconds(command: list[str]) -> float:
    """Time of one command on the shop; it has to succeed."""
    started = time.perf_counter()
    subprocess.run(command, cwd=SHOP, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def run() -> list[Result]:
    """Measure all commands in turn, round by round."""
    calve = [sys.executable, "-m", "calve"]
    rounds = [
        {"imports alone": seconds(FLOOR)}
        | {name: seconds([*calve, *arguments]) for name, arguments in COMMANDS.items()}
        for _ in range(ROUNDS)
    ]
    figures = medians(rounds)
    return [result(f"`{name}` on the shop", figures[name], "s", "<= 2", figures) for name in COMMANDS]
