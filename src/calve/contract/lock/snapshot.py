"""What is live somewhere: which unit offers which contracts, and in which version it asks others for theirs.

    {"snapshot": 1,
     "units": {"front": {"provides": [<lock>, …], "consumes": [<lock>, …]},
               "money": {"provides": [<lock of wallet>], "consumes": []}}}

A lock here is the content of a lock file, checksum included; what a unit consumes is the contract as it was when the
unit was built. `calve contract snapshot` writes it, unit by unit as they are deployed.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from ...core.errors import ConfigError
from .file import read_lock, write_lock
from .model import Description

FORMAT = 1
_ANEW = "write it anew with `calve contract snapshot`, from the code that is deployed"


class UnitContracts(msgspec.Struct, frozen=True):
    """One unit, as far as others can tell."""

    provides: dict[str, Description]
    """By service."""
    consumes: dict[str, Description]
    """By service; as this unit knows them."""


class _Unit(msgspec.Struct, forbid_unknown_fields=True):
    provides: list[dict[str, Any]] = []
    consumes: list[dict[str, Any]] = []


class _File(msgspec.Struct, forbid_unknown_fields=True):
    snapshot: int
    units: dict[str, _Unit] = {}


def write_snapshot(units: dict[str, UnitContracts]) -> str:
    """The text of a snapshot file."""

    def locks(contracts: dict[str, Description]) -> list[Any]:
        return [json.loads(write_lock(contracts[service])) for service in sorted(contracts)]

    content = {
        name: {"provides": locks(unit.provides), "consumes": locks(unit.consumes)}
        for name, unit in sorted(units.items())
    }
    return json.dumps({"snapshot": FORMAT, "units": content}, indent=1, ensure_ascii=False) + "\n"


def read_snapshot(data: bytes, where: str) -> dict[str, UnitContracts]:
    """Read and check a snapshot, unit by name.

    Raises: ConfigError: not a snapshot, of another format, or a damaged lock in it.
    """
    try:
        file = msgspec.json.decode(data, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"is no snapshot of contracts: {error}", where=where, fix=_ANEW) from error
    if file.snapshot != FORMAT:
        what = f"is of format {file.snapshot}, and this Calve reads {FORMAT}"
        raise ConfigError(what, where=where, fix=_ANEW)

    def contracts(locks: list[dict[str, Any]], unit: str, what: str) -> dict[str, Description]:
        place = f"{where}: what {unit} {what}"
        found = [read_lock(json.dumps(lock).encode(), place) for lock in locks]
        return {description.service: description for description in found}

    return {
        name: UnitContracts(contracts(unit.provides, name, "provides"), contracts(unit.consumes, name, "consumes"))
        for name, unit in file.units.items()
    }
