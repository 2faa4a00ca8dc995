"""`make soak`: what takes longer than a test may, run on request.

The memory benchmark: a million calls in one process, a million over the wire, ten thousand connections. And each fault
of a unit, for longer. And an audit of two million lines.
"""

from __future__ import annotations

import sys

from . import audit, faults, memory
from .common import met, show

FAULT_SECONDS = 20.0
"""Less than a supervisor waits before it kills a unit that stands still."""


def main() -> int:
    """Run; returns 1 when a target was missed."""
    results = memory.run() + faults.run(FAULT_SECONDS)
    results += audit.measured(10 * audit.APPS, "2 million lines", cold=90, warm=90, memory=3000, rounds=1)
    show("soak", results)
    return 1 if any(met(entry) is False for entry in results) else 0


if __name__ == "__main__":
    sys.exit(main())
