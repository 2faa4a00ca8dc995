"""`python -m bench [NAME ...] [KEY=PATH ...]`: run benchmarks, print their tables, keep their results."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from .common import show

NAMES = (
    "inprocess", "wire", "rest", "adopt", "store", "postgres", "idempotency", "events", "shop", "memory", "contracts",
    "rollout", "resilience", "audit", "faults",
)  # fmt: skip
WITH_PATHS = ("audit-edges", "audit-history")
"""These need other people's projects, and run only when named, with a path to each."""
RESULTS = Path(__file__).parent / "results"


def main(arguments: list[str]) -> int:
    """Run the named benchmarks, or all that need no paths; returns the exit code."""
    names = [argument for argument in arguments if "=" not in argument]
    paths = {key: Path(path) for key, _, path in (a.partition("=") for a in arguments if "=" in a)}
    unknown = [name for name in names if name not in (*NAMES, *WITH_PATHS)]
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are: {', '.join((*NAMES, *WITH_PATHS))}", file=sys.stderr)
        return 2
    missing = [str(path) for path in paths.values() if not path.is_dir()]
    if missing:
        print(f"no folder {missing[0]}; name each as KEY=PATH", file=sys.stderr)
        return 2
    RESULTS.mkdir(exist_ok=True)
    for name in names or NAMES:
        print(f"{name} …", flush=True)
        module = importlib.import_module(f"bench.{name.replace('-', '_')}")
        results = module.run(paths) if name in WITH_PATHS else module.run()
        show(name, results)
        (RESULTS / f"{name}.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
