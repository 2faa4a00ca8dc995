"""A scaffold as files."""

from __future__ import annotations

from pathlib import Path

from ...core.errors import ConfigError
from ..findings import Findings
from .contract import contract_text
from .operations import surface
from .plan import plan_text

CALVE_TOML = """\
[app]
name = "{name}"
services = ["{service}"]
"""


def write_scaffold(found: Findings, name: str, folder: Path) -> list[Path]:
    """Write the contract of a candidate and the plan to take it out.

        calve.toml             names the service, so that `calve contract show` and `calve check` work here
        <service>/contract.py  the contract
        PLAN.md                the steps

    Where nobody calls the candidate there is no contract to draft, only a plan.

    Args:
        name: Of a candidate or a unit.
        folder: Made; has to be empty if it is there.
    Returns: the files, relative to the folder, in the order a reader would open them.
    Raises: ConfigError: no such candidate, or the folder cannot be written to or is not empty.
    """
    drawn = surface(found, name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} exists and is not an empty folder", fix="choose another with --into")
    files = {Path("PLAN.md"): plan_text(found, drawn)}
    if drawn.operations:
        files[Path(drawn.service, "contract.py")] = contract_text(drawn)
        files[Path(drawn.service, "__init__.py")] = ""
        files[Path("calve.toml")] = CALVE_TOML.format(name=drawn.service.replace("_", "-"), service=drawn.service)
    try:
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror}", fix="choose another with --into") from error
    return list(files)
