"""What `calve new` writes: a small project whose tests pass as it stands."""

from __future__ import annotations

import keyword
import re
import sys
from importlib import resources
from pathlib import Path
from string import Template

from ..core.errors import ConfigError

# Template -> where it goes. Templates end in .tmpl so that no linter or test collector takes them for code of this
# project.
FILES = {
    "calve.toml": "calve.toml",
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "gitignore": ".gitignore",
    "contract.py": "{package}/greeter/contract.py",
    "service.py": "{package}/greeter/service.py",
    "schema.sql": "{package}/greeter/schema/0001_greeting.sql",
    "test_greeter.py": "tests/test_greeter.py",
}
EMPTY_FILES = ("{package}/__init__.py", "{package}/greeter/__init__.py")

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")


def create_project(folder: Path) -> list[Path]:
    """Write a new project into `folder`, whose last part is its name.

    Returns: the files written, relative to `folder`, in the order a reader would open them.
    Raises: ConfigError: the name does not do, or the folder exists and is not empty; nothing was written.
    """
    name = folder.name
    package = _package(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} exists and is not an empty folder", fix="choose another name, or empty it first")
    templates = resources.files("calve.cli").joinpath("template")
    written: list[Path] = []
    try:
        for template, target in FILES.items():
            text = templates.joinpath(f"{template}.tmpl").read_text(encoding="utf-8")
            path = Path(target.format(package=package))
            _write(folder / path, Template(text).substitute(name=name, package=package))
            written.append(path)
        for target in EMPTY_FILES:
            _write(folder / target.format(package=package), "")
    except OSError as error:
        raise ConfigError(
            f"cannot write {error.filename}: {error.strerror}", fix="choose a folder you may write to"
        ) from error
    return written


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _package(name: str) -> str:
    package = name.replace("-", "_")
    if not _NAME.fullmatch(name) or keyword.iskeyword(package):
        raise ConfigError(f"{name!r} cannot be the name of a project", fix="use lower-case letters, digits and dashes")
    if package in sys.stdlib_module_names or package in ("calve", "tests"):
        raise ConfigError(f"a project named {name!r} would hide the module {package!r}", fix="choose another name")
    return package
