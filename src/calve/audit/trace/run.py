"""Running a command with the recorder in each of its Python processes."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core.errors import ConfigError
from ..git import head_of
from .file import Trace, collect

INJECTED = Path(__file__).parent / "injected"


def record(command: Sequence[str], root: Path, environ: Mapping[str, str]) -> tuple[int, Trace]:
    """Run a command to its end, in the current folder and on this process's terminal.

    Args:
        command: With its arguments.
        root: The project; only places in it are named.
        environ: Of the command.
    Returns: its exit code, 128 + n when a signal ended it, and what was recorded, whatever the exit code is.
    Raises: ConfigError: it could not be started.
    """
    with tempfile.TemporaryDirectory(prefix="calve-trace-") as folder:
        path = os.pathsep.join(filter(None, (str(INJECTED), environ.get("PYTHONPATH"))))
        ours = {"CALVE_TRACE_FOLDER": folder, "CALVE_TRACE_ROOT": str(root.resolve()), "PYTHONPATH": path}
        try:
            process = subprocess.Popen(command, env={**environ, **ours})
        except OSError as error:
            raise ConfigError(f"{command[0]} cannot be run: {error.strerror}", fix="check its name") from error
        # Ctrl-C reaches the command by itself; it says when it has ended, and what was recorded is kept.
        handlers: dict[int, Any] = {
            signal.SIGINT: signal.SIG_IGN,
            signal.SIGTERM: lambda number, frame: process.terminate(),
        }
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            code = process.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return (128 - code if code < 0 else code), collect(Path(folder), head_of(root))
