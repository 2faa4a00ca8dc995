"""What everything that belongs to one run shares: its settings, its output, how to start a process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from .config import AppConfig
from .output import Output
from .plan import Process

Command = Callable[[Process], list[str]]


class Run(NamedTuple):
    """One run of a supervisor."""

    config: AppConfig
    output: Output
    command: Command
    """Command line of a process."""
    environ: Mapping[str, str]
    """Variables of all units, over those of this process."""
    folder: Path
    """The private one."""
    stopping: asyncio.Event
    """Set when the run is to end."""
    single: bool
    """Whether it began with one process."""


async def first_of(*events: asyncio.Event, timeout_seconds: float | None = None) -> None:
    """Wait until one of several events is set, or for so long."""
    tasks = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
