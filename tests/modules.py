"""Modules that tests write and import: while such a test runs no module of another project is in its way, and nothing
of it is left afterwards.

Projects share names (`bank`, `shop`), and an interpreter knows one module of each. So a test that writes modules has
the modules of all other projects hidden until it ends, and a test file that leaves modules of temporary folders, or a
changed `sys.path`, fails: whatever runs next may depend on neither.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

OURS = tuple(f"{folder}{os.sep}" for folder in (Path(__file__).parents[1], Path(sys.prefix), Path(sys.base_prefix)))


class Projects:
    """Where modules come from that belong to one project only: folders on pytest's path and temporary ones."""

    def __init__(self, folders: tuple[str, ...]) -> None:
        self.folders = folders
        self.temporary = (f"{tempfile.gettempdir()}{os.sep}",)

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Have no module of a project imported when the block begins; forget what it imports."""
        path, known = list(sys.path), self.imported()
        _forget(known)
        importlib.invalidate_caches()
        try:
            yield
        finally:
            _forget(self.imported())
            sys.modules.update(known)
            sys.path[:] = path

    def imported(self) -> dict[str, ModuleType]:
        """The modules of all projects, by name."""
        modules = list(sys.modules.items())
        return {name: module for name, module in modules if _below(module, self.folders) or self.made(module)}

    def made(self, module: ModuleType) -> bool:
        """Whether a test has written it. This repository and its environment may be in a temporary folder, too."""
        return _below(module, self.temporary) and not _below(module, OURS)


@pytest.fixture(scope="session")
def projects(pytestconfig: pytest.Config) -> Projects:
    """Those of this repository and temporary ones."""
    return Projects(tuple(f"{path}{os.sep}" for path in pytestconfig.getini("pythonpath")))


@pytest.fixture
def own_modules(projects: Projects) -> Iterator[None]:
    """No module of a project is imported when the test begins; what it imports is forgotten when it ends."""
    with projects.hidden():
        yield


@pytest.fixture
def importable(own_modules: None, tmp_path: Path) -> Path:
    """A folder whose modules can be imported, whatever else has their names."""
    sys.path.insert(0, str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module", autouse=True)
def modules_are_left_as_they_were(projects: Projects) -> Iterator[None]:
    """Of every test file, in the examples too."""
    path, known = list(sys.path), projects.imported()
    yield
    now = projects.imported()
    left = sorted(name for name, module in now.items() if name not in known and projects.made(module))
    moved = [folder for folder in sys.path if folder not in path]
    lost = sorted(name for name, module in known.items() if sys.modules.get(name) is not module)
    sys.path[:] = path
    _forget(left)
    sys.modules.update(known)
    assert not left, f"modules of a temporary folder are left imported: {left}; use the fixture `own_modules`"
    assert not moved, f"sys.path still has {moved}; use the fixture `own_modules`"
    assert not lost, f"modules of other projects were forgotten or replaced: {lost}; use the fixture `own_modules`"


def _below(module: ModuleType | None, folders: tuple[str, ...]) -> bool:
    file = getattr(module, "__file__", None)
    found = [file] if isinstance(file, str) else list(getattr(module, "__path__", ()))  # of a namespace, all folders
    return bool(found) and all(path.startswith(folders) for path in found)


def _forget(names: Iterable[str]) -> None:
    for name in names:
        sys.modules.pop(name, None)
