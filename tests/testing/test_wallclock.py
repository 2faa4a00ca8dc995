"""The wall clock of another process is set; its monotonic clock and everybody else's time go on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from calve.testing.postgres import Missing
from calve.testing.wallclock import ShiftedClocks

TELL = (
    "import time, datetime\nwhile input():\n print(time.time(), datetime.datetime.now().timestamp(), time.monotonic())"
)


def test_one_process_s_time_of_day_jumps(tmp_path: Path) -> None:
    try:
        clocks = ShiftedClocks(tmp_path)
    except Missing as missing:
        pytest.skip(str(missing))
    with subprocess.Popen(
        [sys.executable, "-uc", TELL],
        env={**os.environ, **clocks.environ()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for hours in (0, 1, -1):
            if hours:
                clocks.shift(process.pid, timedelta(hours=hours))
            process.stdin.write("tell\n")
            process.stdin.flush()
            wall, date, monotonic = map(float, process.stdout.readline().split())
            assert abs(wall - time.time() - 3600 * hours) < 60
            assert abs(date - time.time() - 3600 * hours) < 60
            assert abs(monotonic - time.monotonic()) < 60
        process.stdin.write("\n")
