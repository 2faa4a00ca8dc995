"""What all benchmarks share: the form of a result, the description of the machine, tables, pinning."""

from __future__ import annotations

import contextlib
import itertools
import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TypedDict

from rich.console import Console
from rich.table import Table


class Result(TypedDict):
    """One claim and what was measured for it."""

    claim: str
    """What is compared, such as `wire call, 64 in flight: ours against the bare loop`."""
    value: float
    unit: str
    """`ratio`, `us`, `calls/s`, `MB`, …"""
    target: str
    """What was aimed at, such as `>= 0.5`; '' when the figure is only reported."""
    peers: dict[str, float]
    """The figures of everything that ran beside ours, ours included."""
    machine: str
    date: str


def result(claim: str, value: float, unit: str, target: str, peers: Mapping[str, float]) -> Result:
    """A result with this machine and today filled in; figures are rounded to four digits."""
    rounded = {name: float(f"{figure:.4g}") for name, figure in peers.items()}
    return Result(
        claim=claim,
        value=float(f"{value:.4g}"),
        unit=unit,
        target=target,
        peers=rounded,
        machine=machine(),
        date=date.today().isoformat(),
    )


def machine() -> str:
    """Cores, interpreter and system, without anything that names the host."""
    cores = os.cpu_count()
    return f"{cores} cores, CPython {platform.python_version()}, {platform.system()} {platform.machine()}"


def met(entry: Result) -> bool | None:
    """Whether the target holds; None when there is none."""
    if not entry["target"]:
        return None
    sign, _, limit = entry["target"].partition(" ")
    return entry["value"] >= float(limit) if sign == ">=" else entry["value"] <= float(limit)


def pin(pid: int, core: int) -> None:
    """Keep a process on one core where the system can (0 is this process); a no-op elsewhere or with one core."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > core:
        os.sched_setaffinity(pid, {core})


def family(pid: int) -> list[int]:
    """A process and everything it started that still runs."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            child, rest = entry.read_text().split(" ", 1)
            parents.setdefault(int(rest.rpartition(")")[2].split()[1]), []).append(int(child))
    found = [pid]
    for member in found:
        found += parents.get(member, [])
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time that processes and what they started have used until now, in user and system mode."""
    ticks = 0
    for pid in itertools.chain.from_iterable(map(family, pids)):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def medians(rounds: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Per key, the median over the rounds."""
    collected: dict[str, list[float]] = {}
    for figures in rounds:
        for name, figure in figures.items():
            collected.setdefault(name, []).append(figure)
    return {name: statistics.median(figures) for name, figures in collected.items()}


def show(title: str, results: Sequence[Result]) -> None:
    """Print results as a table."""
    table = Table(title=title, title_justify="left")
    for heading in ("claim", "measured", "target", "", "beside it"):
        table.add_column(heading, overflow="fold")
    for entry in results:
        verdict = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[met(entry)]
        peers = ", ".join(f"{name} {figure:g}" for name, figure in entry["peers"].items())
        table.add_row(entry["claim"], f"{entry['value']:g} {entry['unit']}", entry["target"], verdict, peers)
    Console().print(table)
