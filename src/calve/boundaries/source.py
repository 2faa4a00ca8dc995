"""The application's own modules, parsed and never imported.

    calve.toml ─ services ─> their top packages, whole ─┐
                             what those import, as far   ├─> Sources: dotted name -> Module
                             as it lies in the project ─┘

Only files of the application are parsed: a library is whatever cannot be found below the folder of calve.toml or in the
packages of the services.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.machinery import PathFinder
from pathlib import Path
from typing import NamedTuple

from ..core.errors import ConfigError
from ..core.toml import shown_path


class Place(NamedTuple):
    """A line of a file."""

    path: Path
    line: int

    def shown(self, root: Path) -> str:
        """`shop/orders/service.py:12`, relative to the folder of calve.toml where that is possible."""
        path = self.path.relative_to(root) if self.path.is_relative_to(root) else self.path
        return f"{path.as_posix()}:{self.line}"


class Module:
    """One file of the application.

    Args:
        name: Dotted name.
        path: The file.
        text: What is in it.
    Raises: SyntaxError: it is no Python.
    """

    def __init__(self, name: str, path: Path, text: str) -> None:
        self.name, self.path = name, path
        self.is_package = path.name == "__init__.py"
        self.tree = ast.parse(text, str(path))

    @property
    def package(self) -> str:
        """What relative imports start from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    def place(self, node: ast.AST) -> Place:
        """Where a node stands."""
        return Place(self.path, getattr(node, "lineno", 1))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it but a docstring."""
        return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in self.tree.body)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node, in no particular order."""
        return tuple(ast.walk(self.tree))

    def absolute(self, level: int, name: str | None) -> str:
        """The module that `from {'.' * level}{name} import …` means here; '' when it leads out of the top package."""
        if level == 0:
            return name or ""
        parts = self.package.split(".") if self.package else []
        kept = parts[: len(parts) - level + 1]
        if level > len(parts):
            return ""
        return ".".join([*kept, name] if name else kept)


class Sources(Mapping[str, Module]):
    """All modules of the application, by dotted name."""

    def __init__(self, modules: Mapping[str, Module]) -> None:
        self._modules = dict(modules)
        self._packages = {parent for name in modules for parent in parents(name)}

    def __getitem__(self, name: str) -> Module:
        return self._modules[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def knows(self, name: str) -> bool:
        """Whether a dotted name is a module or a package (also one without `__init__.py`) of the application."""
        return name in self._modules or name in self._packages


def parents(name: str) -> Iterator[str]:
    """`a.b.c` -> `a.b`, `a`."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def read_sources(root: Path, packages: Iterator[str] | list[str]) -> Sources:
    """Find and parse the modules of an application.

    Args:
        root: Folder of calve.toml.
        packages: Dotted names of its services.
    Raises: ConfigError: a service is not there, or a file cannot be read or is no Python; names the line.
    """
    modules: dict[str, Module] = {}
    for package in packages:
        top = package.partition(".")[0]
        if top not in modules:
            for name, path in _below(root, top):
                modules.setdefault(name, _parse(name, path))
        if package not in modules and not any(name.startswith(f"{package}.") for name in modules):
            raise ConfigError(
                f"module {package!r} was not found",
                where="calve.toml [app] services",
                fix="check the name, and that the folder of calve.toml is the project's root",
            )
    waiting = list(modules.values())
    while waiting:
        for name in _imported(waiting.pop()):
            for known in (name, *parents(name)):
                found = None if known in modules else _file(root, known)
                if found is not None:
                    modules[known] = _parse(known, found)
                    waiting.append(modules[known])
    return Sources(modules)


def _below(root: Path, top: str) -> Iterator[tuple[str, Path]]:
    """Every module of a top-level package, or the one file that a top-level module is."""
    spec = PathFinder.find_spec(top, [str(root)]) or PathFinder.find_spec(top)
    if spec is None:
        return
    if spec.submodule_search_locations is None:
        if spec.origin and spec.origin.endswith(".py"):
            yield top, Path(spec.origin)
        return
    for folder in map(Path, spec.submodule_search_locations):
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            if all(part.isidentifier() for part in parts):
                yield ".".join((top, *(parts[:-1] if parts[-1] == "__init__" else parts))), path


def _file(root: Path, name: str) -> Path | None:
    """The file of a module below the project's folder."""
    base = root.joinpath(*name.split("."))
    return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if name and p.is_file()), None)


def _parse(name: str, path: Path) -> Module:
    try:
        return Module(name, path, path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise ConfigError(f"no Python: {error.msg}", where=f"{shown_path(path)}:{error.lineno or 1}") from error
    except (OSError, ValueError) as error:  # a null byte, or bytes that are no UTF-8
        raise ConfigError(f"cannot be read: {error}", where=shown_path(path)) from error


def _imported(module: Module) -> Iterator[str]:
    """Names that may be modules, of every import statement."""
    for node in module.nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (base := module.absolute(node.level, node.module)):
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
