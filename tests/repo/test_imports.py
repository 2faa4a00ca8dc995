"""Who imports whom: rooms go one way, packages are declared, and extras stay optional."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

OPTIONAL = {
    "adopt": ("a2wsgi", "websockets"),
    "audit": ("networkx", "tree_sitter", "tree_sitter_python"),
    "dns": ("dns",),
    "granian": ("granian",),
    "http": ("pyqwest",),
    "otel": ("opentelemetry",),
    "postgres": ("asyncpg",),
    "pydantic": ("pydantic",),
    "testing": ("cryptography", "pytest", "pytest_asyncio"),
    "uvicorn": ("uvicorn",),
}
"""Extra -> the modules that only exist with it."""

NEEDS_EXTRA: dict[str, str] = {
    "calve.audit.reading.extract": "audit",
    "calve.audit.reading.imports": "audit",
    "calve.audit.reading.syntax": "audit",
    "calve.observe.otel_logs": "otel",
    "calve.observe.otel_spans": "otel",
    "calve.observe.otlp": "otel",
    "calve.store.postgres": "postgres",
    "calve.testing.certificates": "testing",
    "calve.testing.plugin": "testing",
    "calve.testing.store_suite": "testing",
    "calve.transport.adopt.wsgi": "adopt",
    "calve.transport.rest.client": "http",
    "calve.transport.rest.http1.websocket": "adopt",
    "calve.transport.rest.server_granian": "granian",
    "calve.transport.rest.server_uvicorn": "uvicorn",
    "calve.transport.wire.dns": "dns",
}
"""The only modules that fail to import without an extra; whoever uses them imports them on demand."""

PROBE = """
import importlib, pkgutil, sys

absent = sys.argv[1].split(",")


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Absent())
import calve

for module in pkgutil.walk_packages(calve.__path__, "calve.", onerror=lambda name: None):
    if module.name == "calve.__main__":
        continue
    try:
        importlib.import_module(module.name)
        print("ok", module.name)
    except Exception as error:
        missing = error if isinstance(error, ModuleNotFoundError) else error.__cause__
        if not isinstance(missing, ModuleNotFoundError) or missing.name.partition(".")[0] not in absent:
            raise
        print("needs", module.name, missing.name.partition(".")[0])
"""


def _project(root: Path) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", r, maxsplit=1)[0].lower().replace("_", "-") for r in requirements}


def test_rooms_are_layered_and_nothing_is_circular(root: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "import importlinter.cli as c; c.lint_imports_command()",
        "--no-logo",
        "--no-cache",
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Contracts: 2 kept, 0 broken." in done.stdout


def test_every_import_of_the_product_is_declared(root: Path) -> None:
    project = _project(root)
    extras = project["optional-dependencies"]
    declared = _names(project["dependencies"] + [r for extra in OPTIONAL for r in extras[extra]])
    # A distribution that a declared one requires by its own words (the API of an SDK) comes with it.
    declared |= _names([r for name in declared for r in importlib.metadata.requires(name) or [] if "extra ==" not in r])
    owners = importlib.metadata.packages_distributions()
    listed = (root / "docs" / "reference" / "dependencies.txt").read_text(encoding="utf-8")
    modules = {module for line in listed.splitlines() for module in line.split()[1:]}
    assert modules
    assert {m for m in modules if not declared & {o.lower().replace("_", "-") for o in owners.get(m, [])}} == set()


def test_everything_else_imports_without_the_extras(root: Path) -> None:
    extra_of = {module: extra for extra, modules in OPTIONAL.items() for module in modules}
    command = [sys.executable, "-W", "error", "-c", PROBE, ",".join(extra_of)]
    done = subprocess.run(command, cwd=root / "src", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["ok", "calve.core.codec"] in lines
    assert {line[1]: extra_of[line[2]] for line in lines if line[0] == "needs"} == NEEDS_EXTRA


def test_the_list_of_extras_is_whole(root: Path) -> None:
    extras = _project(root)["optional-dependencies"]
    assert set(OPTIONAL) == set(extras) - {"all", "bench", "dev"}
    assert extras["all"] == [f"calve[{','.join(sorted(OPTIONAL))}]"]
