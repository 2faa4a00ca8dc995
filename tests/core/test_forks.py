"""Real forks: what is called in the child and in the parent, and what a child of a unit may not do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from calve.core import forks

PROGRAM = """
import os, signal, sys
from calve.core.forks import become_child, leave_if_forked, release, watch_forks

class Guard:
    def forked(self):
        become_child()
        os.write(1, b"let go ")
        release([taken])
        raise RuntimeError("does not matter")
    def fork_seen(self):
        os.write(1, b"seen ")

def status(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

leave_if_forked()
before = os.fork()                  # nobody watches yet
if before == 0:
    leave_if_forked()
    os._exit(1)
assert status(before) == 1
read, taken = os.pipe()
guard = Guard()
watch_forks(guard)
watch_forks(guard)
signal.signal(signal.SIGTERM, lambda *_: os._exit(99))
{child}
"""


def run(child: str) -> subprocess.CompletedProcess[str]:
    """Run a program that forks."""
    text = PROGRAM.replace("{child}", child)
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", text]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_child_lets_go_and_the_parent_knows() -> None:
    done = run(
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    again = os.fork()\n"
        "    if again == 0: os._exit(0)\n"
        "    os._exit(status(again))\n"
        "assert status(pid) == 0\n"
        "os.write(taken, b'x'); print(os.read(read, 1))"
    )
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == ["b'x'", "go", "let", "seen"], "a fork of the fork has nothing to let go of"


@pytest.mark.parametrize(
    ("error", "code"), [("", forks.EXIT_CODE), ("SystemExit(3)", 3), ("SystemExit()", 0), ("SystemExit('no')", 1)]
)
def test_one_that_comes_back_is_ended(error: str, code: int) -> None:
    done = run(f"pid = os.fork()\nif pid == 0: leave_if_forked({error})\nassert status(pid) == {code}, status(pid)")
    assert done.returncode == 0, done.stderr
    assert ("came back to serve" in done.stderr) == (not error)


def test_a_signal_for_the_child_is_the_child_s_from_its_first_moment() -> None:
    done = run(
        "for _ in range(50):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        while True: signal.pause()\n"
        "    os.kill(pid, signal.SIGTERM)\n"
        "    assert status(pid) == -signal.SIGTERM, status(pid)"
    )
    assert done.returncode == 0, done.stderr


def test_released_numbers_stay_taken() -> None:
    read, write = os.pipe()
    forks.release([write, 10_000])
    assert os.read(read, 1) == b"", "nobody writes any more"
    assert os.write(write, b"x") == 1
    assert not os.get_inheritable(write)
    os.close(read)
    os.close(write)


def test_a_process_that_is_no_fork_stays() -> None:
    forks.leave_if_forked(SystemExit(1))
    assert signal.getsignal(signal.SIGTERM) is not None
