"""A pool of threads that does not keep a process from ending."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from calve.transport.adopt.threads import DaemonPool

HANGING = """
import threading
from calve.transport.adopt.threads import DaemonPool
begun = threading.Event()
DaemonPool(1, "x").submit(lambda: (begun.set(), threading.Event().wait()))
begun.wait()
print("end")
"""


def test_threads_are_made_when_they_are_needed_and_used_again() -> None:
    pool, names = DaemonPool(3, "x"), set[str]()
    for _ in range(20):
        names.add(pool.submit(lambda: threading.current_thread().name).result())
    assert len(names) <= 3
    barrier = threading.Barrier(3)
    assert sorted(f.result() for f in [pool.submit(barrier.wait) for _ in range(3)]) == [0, 1, 2]
    pool.shutdown()


def test_work_beyond_the_threads_waits_its_turn() -> None:
    pool, go_on = DaemonPool(1, "x"), threading.Event()
    first = pool.submit(go_on.wait)
    later = [pool.submit(int, str(n)) for n in range(10)]
    dropped = pool.submit(int, "x")
    assert dropped.cancel()
    go_on.set()
    assert first.result()
    assert [f.result() for f in later] == list(range(10))
    with pytest.raises(ValueError, match="invalid"):
        pool.submit(int, "x").result()
    pool.shutdown()
    with pytest.raises(RuntimeError):
        pool.submit(int)


def test_a_thread_that_hangs_does_not_keep_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "end\n"
