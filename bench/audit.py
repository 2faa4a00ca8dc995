"""How long an audit of 200 000 lines takes, the first time and again, and how much memory; beside it grimp.

The project is made here: applications of Django with models, views, tasks and services that use one another, 200 lines
a module, the same every time. grimp reads the imports of the same files and nothing else, so the ratio says what the
rest costs: names, models, transactions, units, prices. `make soak` does the same for two million lines.

Each run is a process of its own, from the start of the interpreter to the verdict. Memory is the peak of the process
and of its workers together, taking all workers for as large as the largest.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from .common import Result, medians, result

APPS = 34
MODULES = 24
LINES = 209
QUERIES = 0.15
TRANSACTIONS = 0.1
"""Share of functions with a query, and of these with a transaction: about as many as Saleor has."""
ROUNDS = 3

AUDIT = """
import os, resource, sys, time
started = time.perf_counter()
from pathlib import Path
from calve.audit.findings import audit
if __name__ == "__main__":
    found = audit(Path(sys.argv[1]))
    seconds = time.perf_counter() - started
    own, workers = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(seconds, (own + workers * (os.cpu_count() or 1)) / 1024, sum(facts.lines for facts in found.facts.values()))
"""
GRIMP = """
import resource, sys, time
started = time.perf_counter()
import grimp
sys.path.insert(0, sys.argv[1])
grimp.build_graph("shop", cache_dir=None)
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 0)
"""


class Run(NamedTuple):
    """What one process took."""

    seconds: float
    megabytes: float
    lines: float


def run() -> list[Result]:
    """Measure an audit of 200 000 lines."""
    return measured(APPS, "200 000 lines", cold=6, warm=1.5, memory=700)


def measured(apps: int, size: str, *, cold: float, warm: float, memory: float, rounds: int = ROUNDS) -> list[Result]:
    """Measure audits of a project of so many applications, of about 6 000 lines each."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        write_project(root, apps)
        found = []
        for number in range(rounds):
            first, again = (_process(AUDIT, root, Path(folder) / f"cache{number}") for _ in range(2))
            peer = _process(GRIMP, root, Path(folder))
            found.append(
                {"cold s": first.seconds, "warm s": again.seconds, "grimp s": peer.seconds, "lines": first.lines}
                | {"MB": first.megabytes, "warm MB": again.megabytes, "grimp MB": peer.megabytes}
            )
    figures = medians(found)
    return [
        result(f"audit of {size}, nothing known", figures["cold s"], "s", f"<= {cold}", figures),
        result(f"audit of {size}, again", figures["warm s"], "s", f"<= {warm}", figures),
        result(f"audit of {size}, memory", figures["MB"], "MB", f"<= {memory}", figures),
        result(f"audit of {size}: times of grimp", figures["cold s"] / figures["grimp s"], "ratio", "", figures),
    ]


def _process(code: str, root: Path, cache: Path) -> Run:
    script = cache.parent / "run.py"
    script.write_text(code, encoding="utf-8")
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, str(script), str(root)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return Run(*map(float, done.stdout.split()))


def write_project(root: Path, apps: int) -> None:
    """Write applications that use those before them, each with models, views, tasks and services."""
    choice = random.Random(1)
    (root / "shop").mkdir(parents=True)
    (root / "shop" / "__init__.py").write_text("")
    for app in range(apps):
        folder = root / "shop" / f"app{app:03}"
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        (folder / "models.py").write_text(_models(app, choice))
        for number in range(MODULES - 1):
            (folder / f"part{number:02}.py").write_text(_module(app, number, choice))


def _models(app: int, choice: random.Random) -> str:
    text = ["from django.db import models\n"]
    for number in range(12):
        text.append(f"\nclass Thing{number}(models.Model):")
        text += [f"    field{n} = models.CharField(max_length={n + 10}, blank=True)" for n in range(12)]
        other = choice.randrange(app + 1)
        text.append(f'    other = models.ForeignKey("app{other:03}.Thing{choice.randrange(12)}", models.CASCADE)\n')
    return "\n".join(text) + "\n"


def _module(app: int, number: int, choice: random.Random) -> str:
    others = [choice.randrange(max(app, 1)) for _ in range(3)]
    text = ["import logging", "from django.db import transaction"]
    text += [f"from shop.app{o:03} import models as models{n}, part{number:02} as o{n}" for n, o in enumerate(others)]
    text += [f"from . import part{n:02}" for n in range(number)][-3:]
    text += ["from .models import Thing0, Thing1, Thing2\n", "log = logging.getLogger(__name__)\n"]
    count = 0
    while len(text) < LINES - 12:
        text += [
            f"\ndef work{count}(request, amount: int, *, name: str = 'name {count}') -> int:",
            '    """Do one step of the work, and note it."""',
            "    if amount < 0 or not request.user.is_active:",
            f"        raise ValueError(f'amount of {{name}} is {{amount}}, at least {count}')",
            f"    total = sum(o{count % 3}.work0(request, value) for value in range(amount) if value % {count + 2})",
            *(_query(count, choice) if choice.random() < QUERIES else ["    own = {'name': name, 'total': total}"]),
            "    log.info('did %s of %s', total, own)",
            "    return total + amount\n",
        ]
        count += 1
    return "\n".join(text) + "\n"


def _query(count: int, choice: random.Random) -> list[str]:
    """A read of another application, and sometimes a transaction with it."""
    n, thing = count % 3, choice.randrange(12)
    read = f"    own = models{n}.Thing{thing}.objects.filter(other__field1=name, field2='x').first()"
    if choice.random() > TRANSACTIONS:
        return [read]
    return [
        read,
        "    with transaction.atomic():",
        f"        Thing{n}.objects.create(field1=name, field3=str(total))",
        f"        models{n}.Thing{thing}.objects.filter(pk=own.pk).update(field4=own.field1)",
    ]
