"""`make soak`: what takes longer than a test may, run on request.

Today that is the memory benchmark: a million calls in one process, a million over the wire, ten thousand connections.
"""

from __future__ import annotations

import sys

from . import memory
from .common import met, show


def main() -> int:
    """Run; returns 1 when a target was missed."""
    results = memory.run()
    show("soak", results)
    return 1 if any(met(entry) is False for entry in results) else 0


if __name__ == "__main__":
    sys.exit(main())
