"""Crash points: nothing, unless a test asks for something."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from calve.core.crash import POINTS, VARIABLE, at_crash_points, crash_point, killing_hook
from calve.core.errors import ConfigError

NAME = "command.before_commit"


def test_a_point_does_nothing_by_itself() -> None:
    crash_point(NAME)


def test_a_test_hears_of_the_points_inside_its_block() -> None:
    outer: list[str] = []
    inner: list[str] = []
    with at_crash_points(outer.append):
        with at_crash_points(inner.append):
            crash_point(NAME)
        crash_point("command.before_answer")
    crash_point(NAME)
    assert (outer, inner) == (["command.before_answer"], [NAME])


@pytest.mark.parametrize(("setting", "reached"), [(NAME, 1), (f"{NAME}:1", 1), (f"{NAME}:3", 3)])
def test_it_kills_once_at_the_time_that_was_asked_for(setting: str, reached: int) -> None:
    times: list[int] = []
    killed: list[int] = []
    hook = killing_hook(setting, lambda: killed.append(len(times)))
    for time in range(1, 6):
        times.append(time)
        hook("command.before_answer")
        hook(NAME)
    assert killed == [reached]


@pytest.mark.parametrize("count", ["0", "-1", "x", "1.5"])
def test_a_count_is_a_number_above_zero(count: str) -> None:
    with pytest.raises(ConfigError, match="above 0") as caught:
        killing_hook(f"{NAME}:{count}", lambda: None)
    assert caught.value.where == VARIABLE


def test_an_unknown_point_comes_with_near_misses() -> None:
    with pytest.raises(ConfigError, match=r"command\.before_commit"):
        killing_hook("command.before_comit", lambda: None)


def test_the_variable_kills_the_process_for_real() -> None:
    code = f"from calve.core.crash import crash_point as c; c('command.before_mark'); print(1, flush=True); c({NAME!r})"
    run = subprocess.run([sys.executable, "-c", code], env={**os.environ, VARIABLE: NAME}, capture_output=True)
    assert (run.returncode, run.stdout) == (-signal.SIGKILL, b"1\n")


def test_every_point_is_reached_by_the_code(root: Path) -> None:
    text = "\n".join(path.read_text() for path in (root / "src").rglob("*.py"))
    assert set(re.findall(r'crash_point\("([a-z._]+)"\)', text)) == set(POINTS)
