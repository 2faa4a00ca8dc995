"""Which files make up a project, and the module each of them is.

    PATH ──> roots    folders that are on `sys.path` when the project runs: those of manage.py and pyproject.toml, src/
         ──> files    every .py below, with its dotted name counted from the nearest root around it
         ──> roles    code | test | migration | script; only code is coupled, the rest is counted

Two roots may have modules of one name: `app.main` of two projects in one repository. Their names then start with the
folder of the root, `services.api.app.main`, and their imports look there first.

Packages need no `__init__.py`. Links are followed once; a folder met a second time, by whatever name, is passed over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from ..core.errors import ConfigError
from .base import Gap

Role = Literal["code", "test", "migration", "script"]

SKIPPED_FOLDERS = frozenset(
    {"node_modules", "site-packages", "__pycache__", "build", "dist", "bower_components", "htmlcov"}
    | {"venv", "env", "virtualenv"}
)
ROOT_MARKS = ("manage.py", "setup.py", "setup.cfg", "pyproject.toml")
UNREAD = {".ipynb": "notebooks", ".pyx": "files of Cython"}
FILE_BYTES_MAX = 8 << 20
"""Larger files are data that happens to be Python."""

TEST_FOLDERS = frozenset({"test", "tests", "testing", "test_utils", "testutils", "integration_tests", "unit_tests"})
_TEST_FILE = re.compile(r"(?:test_.*|.*_tests?|tests?|conftest)\.py")
MIGRATION_FOLDERS = frozenset({"migrations", "south_migrations", "alembic"})
_SCRIPT_FOLDERS = frozenset({"docs", "doc", "examples", "example", "scripts", "script", "benchmarks", "tools", "bin"})


class SourceFile(msgspec.Struct, frozen=True, order=True):
    """One file."""

    path: str
    """Relative to the audited path, with forward slashes."""
    module: str
    """Dotted name; that of the package for an `__init__.py`."""
    role: Role
    package: bool
    """Whether it is an `__init__.py`."""
    root: str = ""
    """What its name starts with, where another root has modules of the same names."""


class Project(msgspec.Struct, frozen=True):
    """The files of a project, sorted by path."""

    root: str
    """Absolute path of what is audited."""
    files: list[SourceFile]
    gaps: list[Gap]


def discover(path: Path) -> Project:
    """Find the files of a project. Reads no file.

    Args: path: A folder: a repository, or a package in one.
    Raises: ConfigError: it is no folder, or there is no Python below it.
    """
    root = path.resolve()
    if not root.is_dir():
        what = "is no folder" if root.exists() else "does not exist"
        raise ConfigError(f"{path} {what}", fix="name the folder of a project, such as `calve audit .`")
    top = root
    while (top / "__init__.py").exists():  # a package was named: its modules are called by its full name
        top = top.parent
    gaps: list[Gap] = []
    unread: list[Path] = []
    found = list(_walk(root, gaps, unread))
    gaps += _unread(root, unread)
    roots = _roots(top, root, found)
    files = _told_apart([_source_file(root, top, roots, file) for file in found])
    if not files:
        other = "".join(f", only {gap.why} ({gap.path})" for gap in gaps if gap.kind == "not read")
        raise ConfigError(f"there is no Python file below {path}{other}", fix="name the folder that has the code")
    return Project(str(root), files, sorted([*gaps, *_hidden(files)]))


def _walk(root: Path, gaps: list[Gap], unread: list[Path]) -> Iterator[Path]:
    """Every Python file, folders in order of name."""
    seen: set[tuple[int, int]] = set()
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        shown = folder.relative_to(root).as_posix()
        try:
            about = folder.stat()
            if (about.st_dev, about.st_ino) in seen:
                gaps.append(Gap("symlink", shown, 0, "a link to a folder that is read under another name"))
                continue
            seen.add((about.st_dev, about.st_ino))
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            gaps.append(Gap("unreadable", shown, 0, error.strerror or "cannot be read"))
            continue
        if any(entry.name == "pyvenv.cfg" for entry in entries):
            continue
        entries = [entry for entry in entries if _is_text(entry, shown, gaps)]
        for entry in reversed(entries):
            skipped = entry.name in SKIPPED_FOLDERS or entry.name.startswith(".") or entry.name.endswith(".egg-info")
            if entry.is_dir() and not skipped:
                waiting.append(Path(entry.path))
        for entry in entries:
            if entry.name.endswith(tuple(UNREAD)):
                unread.append(Path(entry.path))
            if entry.name.endswith(".py") and not entry.name.startswith(".#"):
                if not entry.is_file():
                    gaps.append(Gap("unreadable", Path(entry.path).relative_to(root).as_posix(), 0, "no regular file"))
                    continue
                yield Path(entry.path)


def _is_text(entry: os.DirEntry[str], folder: str, gaps: list[Gap]) -> bool:
    """Whether a name can be written down; one that is not UTF-8 could not be imported either."""
    try:
        entry.name.encode()
    except UnicodeEncodeError:
        if entry.name.endswith(".py") or entry.is_dir():
            path = f"{folder}/{entry.name}".removeprefix("./").encode("utf-8", "replace").decode()
            gaps.append(Gap("unreadable", path, 0, "its name is not UTF-8"))
        return False
    return True


def _unread(root: Path, found: list[Path]) -> Iterator[Gap]:
    for suffix, what in UNREAD.items():
        of_kind = sorted(path.relative_to(root).as_posix() for path in found if path.suffix == suffix)
        if of_kind:
            yield Gap("not read", of_kind[0], 0, f"{len(of_kind)} {what}, which are not read")


def _roots(top: Path, root: Path, files: list[Path]) -> set[Path]:
    """Folders whose children are top-level names."""
    roots = {top}
    folders = {file.parent for file in files}
    for folder in folders | {around for inner in folders for around in inner.parents if root in around.parents}:
        if (folder / "__init__.py").exists():
            continue
        if folder.name == "src" or any((folder / mark).exists() for mark in ROOT_MARKS):
            roots.add(folder)
    return roots


def _source_file(root: Path, top: Path, roots: set[Path], file: Path) -> SourceFile:
    base = next((parent for parent in file.parents if parent in roots), top)
    parts = file.relative_to(base).with_suffix("").parts
    package = parts[-1] == "__init__"
    if package:
        parts = parts[:-1] or (base.name,)
    path = file.relative_to(root)
    at = ".".join(base.relative_to(top).parts)
    return SourceFile(path.as_posix(), ".".join(parts), _role(path, len(parts)), package, at)


def _told_apart(files: list[SourceFile]) -> list[SourceFile]:
    """Names that start with their root where another root has code of the same name, plain ones elsewhere; sorted."""
    roots: dict[str, set[str]] = {}
    for file in files:
        if file.role == "code" and not file.package:
            roots.setdefault(file.module, set()).add(file.root)
    alike = {root for of_module in roots.values() if len(of_module) > 1 for root in of_module if root}
    apart = [
        msgspec.structs.replace(file, module=f"{file.root}.{file.module}")
        if file.root in alike
        else msgspec.structs.replace(file, root="")
        for file in files
    ]
    return sorted(apart)


def _hidden(files: list[SourceFile]) -> Iterator[Gap]:
    """Code that another file of the same name hides, as a package hides a module."""
    first: dict[str, SourceFile] = {}
    for file in sorted(files, key=lambda file: (not file.package, file.path)):
        if file.role == "code" and first.setdefault(file.module, file) is not file:
            yield Gap("hidden", file.path, 0, f"{file.module} is {first[file.module].path}, too: only that is followed")


def _role(path: Path, depth: int) -> Role:
    folders = set(path.parts[:-1])
    if folders & TEST_FOLDERS or _TEST_FILE.fullmatch(path.name):
        return "test"
    if folders & MIGRATION_FOLDERS:
        return "migration"
    outermost = path.parts[0] if len(path.parts) > 1 else ""
    if outermost in _SCRIPT_FOLDERS or path.name in ("setup.py", "manage.py", "fabfile.py", "noxfile.py"):
        return "script"
    return "code"
