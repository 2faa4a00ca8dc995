"""Contracts for import-linter that freeze the boundaries between units as they are.

One `forbidden` contract for each unit: its modules may import no others but those they import today. The kernel may be
imported by everybody. What is listed in `ignore_imports` is the work to be done; take lines out, put none in.

import-linter sees packages with `__init__.py` only, and imports only: string references and tables are not held by it
(`--baseline` holds those). It looks in one folder: the one that most packages are found from.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator

from ...core.errors import ConfigError
from ..discover import MIGRATION_FOLDERS, TEST_FOLDERS
from ..findings import Findings

HEAD = """\
# Boundaries between units as they are today, for import-linter: run it in {where}
#     lint-imports --config FILE
# Every line of ignore_imports is an import that exists and crosses a boundary. Take lines out, put none in.
"""


EXEMPT_FOLDERS = TEST_FOLDERS | MIGRATION_FOLDERS


def contracts(found: Findings) -> str:
    """The file, as TOML.

    Raises: ConfigError: there are no two units that import-linter could see.
    """
    visible = set(_visible(found))
    (folder, _), *_ = Counter(_folder(found, module) for module in visible).most_common(1) or [("", 0)]
    visible = {module for module in visible if _folder(found, module) == folder}
    units = {name: _cover(found, name, visible) for name in found.graph.units}
    units = {name: modules for name, modules in units.items() if modules}
    if len(units) < 2:
        raise ConfigError("there are no two units to keep apart", fix="packages need __init__.py to be seen")
    roots = sorted({module.partition(".")[0] for modules in units.values() for module in modules})
    exempt = _exempt(found, set(roots))
    text = HEAD.format(where=folder or "the audited folder")
    text += f"[tool.importlinter]\nroot_packages = {json.dumps(roots)}\nexclude_type_checking_imports = true\n"
    for name, modules in units.items():
        others = sorted(
            m for unit, found_ in units.items() if unit != name for m in _unless_kernel(found, unit, found_)
        )
        if others:
            text += _contract(name, modules, others, [*exempt, *sorted(_crossing(found, name, visible))])
    return text


def _contract(name: str, modules: list[str], others: list[str], ignored: list[str]) -> str:
    return "\n".join(
        (
            "",
            "[[tool.importlinter.contracts]]",
            f"name = {json.dumps(f'{name} imports no more of others than it does')}",
            'type = "forbidden"',
            f"source_modules = {_list(modules)}",
            f"forbidden_modules = {_list(others)}",
            "allow_indirect_imports = true",
            'unmatched_ignore_imports_alerting = "none"',
            f"ignore_imports = {_list(ignored)}",
            "",
        )
    )


def _list(items: Iterable[str]) -> str:
    return "[" + "".join(f"\n    {json.dumps(item)}," for item in items) + "\n]"


def _unless_kernel(found: Findings, unit: str, modules: list[str]) -> list[str]:
    return [] if unit in found.graph.kernel else modules


def _visible(found: Findings) -> Iterator[str]:
    """Modules all of whose packages have an `__init__.py`."""
    files = found.modules.files
    for module in files:
        parts = module.split(".")
        around = (".".join(parts[:end]) for end in range(1, len(parts)))
        packaged = all(name in files and files[name].package for name in around)
        if packaged and (len(parts) > 1 or files[module].package):
            yield module


def _cover(found: Findings, unit: str, visible: set[str]) -> list[str]:
    """The fewest names that are the modules of a unit: a package where all that is in it belongs to the unit."""
    of = found.graph.of
    mixed = {
        ".".join(module.split(".")[:end])
        for module in visible
        if of[module] != unit
        for end in range(1, module.count(".") + 2)
    }
    whole = [m for m in found.graph.units[unit].modules if m in visible and m not in mixed and _said(m) == m]
    covered = set(whole)
    return [m for m in whole if not any(m[:at] in covered for at, c in enumerate(m) if c == ".")]


def _crossing(found: Findings, unit: str, visible: set[str]) -> set[str]:
    """The imports that exist, as import-linter writes them."""
    return {
        f"{_said(edge.source)} -> {_said(edge.target)}"
        for (source, target), edges in found.graph.cross.items()
        if source == unit and target not in found.graph.kernel
        for edge in edges
        if edge.kind == "import" and {edge.source, edge.target} <= visible
    }


def _said(module: str) -> str:
    """A module as an import expression, in which what is no identifier can only be a wildcard."""
    return ".".join(part if part.isidentifier() else "*" for part in module.split("."))


def _exempt(found: Findings, roots: set[str]) -> list[str]:
    """Tests, migrations and scripts may import what they like: their folders by name, other files one by one."""
    exempt = set()
    for file in found.project.files:
        root, *parts = file.module.split(".")
        if file.role == "code" or root not in roots:
            continue
        folder = next((part for part in parts[: None if file.package else -1] if part in EXEMPT_FOLDERS), None)
        patterns = [_said(file.module)]
        if folder is not None:
            patterns = [f"{root}{deep}.{folder}{inner}" for deep in ("", ".**") for inner in ("", ".**")]
        for pattern in patterns:
            exempt |= {f"{pattern} -> **", f"** -> {pattern}"}
    return sorted(exempt)


def _folder(found: Findings, module: str) -> str:
    """The folder on the module path that a module is found from, relative to the audited one."""
    file = found.modules.files[module]
    end = f"{module.replace('.', '/')}{'/__init__' if file.package else ''}.py"
    return file.path.removesuffix(end).rstrip("/")
