"""Commands to a supervisor that a test runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from calve.core.errors import CalveError
from calve.runtime.control import Request, Status, ask

from .conftest import PATIENCE_SECONDS


async def told(root: Path, do: Any, *units: str, **details: Any) -> list[str]:
    """Ask for a job. Returns: what it said. Raises CalveError."""
    return [a.say for a in await _asked(root, Request(do, units=units, **details)) if a.say is not None]


async def refusal(root: Path, do: Any, *units: str, **details: Any) -> tuple[str, int]:
    """Ask for what does not work. Returns: why, and the exit code."""
    try:
        said = await told(root, do, *units, **details)
    except CalveError as error:
        return str(error), error.exit_code
    raise AssertionError(f"it worked: {said}")


async def status(root: Path) -> Status:
    """How the run is."""
    (answer,) = await _asked(root, Request("status"))
    found: Status = answer.status
    return found


async def serves(path: str) -> int:
    """Process id of who accepts at a socket."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b"who\n")
    async with asyncio.timeout(PATIENCE_SECONDS):
        pid = int(await reader.readline())
    writer.close()
    await writer.wait_closed()
    return pid


async def _asked(root: Path, request: Request) -> list[Any]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await asyncio.to_thread(lambda: list(ask(root, request)))
