"""What the tests about the repository itself look at: its files, read once."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import NamedTuple

import pytest

CODE = ("src", "tests", "examples", "bench", "docs", "scripts")
PASSED_OVER = {"__pycache__", "build", "dist", "data", "results"}


class Module(NamedTuple):
    """One Python file."""

    path: str
    """Relative to the repository, with slashes."""
    text: str
    tree: ast.Module


@pytest.fixture(scope="session")
def files(root: Path) -> list[Path]:
    """Every file of the repository but what is generated or hidden; `.ci` is neither."""
    found: list[Path] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in PASSED_OVER and (f == ".ci" or not f.startswith(".")))
        found += [Path(folder, name) for name in sorted(names) if not name.endswith((".pyc", ".db"))]
    return found


@pytest.fixture(scope="session")
def modules(root: Path, files: list[Path]) -> list[Module]:
    """Every Python file of the repository, parsed."""
    paths = [p for p in files if p.suffix == ".py" and p.relative_to(root).parts[0] in CODE]
    texts = [(p.relative_to(root).as_posix(), p.read_text(encoding="utf-8")) for p in paths]
    return [Module(path, text, ast.parse(text, path)) for path, text in texts]
