"""The contracts of units: what each provides and consumes, by the code at hand; and snapshot files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..contract.lock.snapshot import UnitContracts, read_snapshot, write_snapshot
from ..core.errors import ConfigError
from .contract_locks import callees, describe_project

if TYPE_CHECKING:
    from ..runtime import AppConfig


def unit_contracts(project: AppConfig, units: dict[str, tuple[str, ...]]) -> dict[str, UnitContracts]:
    """What units provide and consume. Imports the implementations: consumption is injection.

    Args:
        units: Services by unit.
    """
    calls = callees(project)
    described = {name: d.description for name, d in describe_project(project, list(project.services)).items()}
    found = {}
    for unit, services in units.items():
        own = [service for service in services if service in described]  # an adopted one has no contract, but calls
        called = sorted({callee for service in services for callee in calls[service]} - set(own))
        found[unit] = UnitContracts({s: described[s] for s in own}, {s: described[s] for s in called})
    return found


def load_snapshot(path: Path) -> dict[str, UnitContracts]:
    """Read a snapshot file. Raises ConfigError: it cannot be read, or is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        fix = "name a file that `calve contract snapshot --output FILE` wrote"
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path), fix=fix) from error
    return read_snapshot(data, str(path))


def save_snapshot(path: Path, units: dict[str, UnitContracts]) -> None:
    """Write a snapshot file, whole or not at all. Raises ConfigError: it cannot be written."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_text(write_snapshot(units), encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(path)) from error
