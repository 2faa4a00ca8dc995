"""`python -m bench [NAME ...]`: run benchmarks, print their tables, keep their results."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from .common import show

NAMES = (
    "inprocess", "wire", "rest", "adopt", "store", "postgres", "idempotency", "events", "shop", "memory", "contracts",
    "rollout", "resilience", "faults",
)  # fmt: skip
RESULTS = Path(__file__).parent / "results"


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; returns the exit code."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    RESULTS.mkdir(exist_ok=True)
    for name in names or NAMES:
        print(f"{name} …", flush=True)
        results = importlib.import_module(f"bench.{name}").run()
        show(name, results)
        (RESULTS / f"{name}.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
