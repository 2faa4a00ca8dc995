"""Settings of an audit: `[audit]` of calve.toml, and the answers of `calve assess`.

    [audit]
    history_years = 2                      # how far back git is read; 3 by default

    [audit.units]                          # unit -> prefixes of modules; overrides what the audit would choose
    orders = ["shop.orders", "shop.graphql.orders"]

    [audit.effort]                         # days per item, lowest and highest; see calve.audit.pricing.effort
    saga = [2, 5]

The audited project needs no calve.toml, and none of the other sections of one that it has are looked at.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec

from ..core.errors import ConfigError
from ..core.suggest import did_you_mean
from ..core.toml import TomlFile
from .findings import AuditOptions
from .judging.answers import FILE_NAME as ANSWERS_FILE
from .judging.answers import Answers, read_answers
from .pricing.effort import Effort

CONFIG_FILE = "calve.toml"
_KEYS = ("units", "effort", "history_years")
_YEARS_MAX = 50.0


def read_options(project: Path, *, config: Path | None = None, answers: Path | None = None) -> AuditOptions:
    """Read the settings of an audit.

    Args:
        project: The audited folder.
        config: A calve.toml; by default the one in the folder, if there is one.
        answers: The file of `calve assess`; by default the one in the folder, if there is one.
    Raises: ConfigError: a file that was named cannot be read, or something in it is wrong; names the line.
    """
    said = Answers()
    if answers is not None or (project / ANSWERS_FILE).is_file():
        said = read_answers(answers or project / ANSWERS_FILE)
    if config is None and not (project / CONFIG_FILE).is_file():
        return AuditOptions(answers=said)
    file = TomlFile.read(config or project / CONFIG_FILE)
    section = file.table("audit")
    for key in section:
        if key not in _KEYS:
            raise ConfigError(f"unknown key {key!r}; {did_you_mean(key, _KEYS)}", where=file.where("audit", key))
    defaults = AuditOptions()
    return AuditOptions(
        answers=said,
        units=_units(file),
        effort=_effort(file),
        history_years=_years(file, section.get("history_years", defaults.history_years)),
    )


def _units(file: TomlFile) -> dict[str, list[str]]:
    units = file.table("audit.units")
    for name, prefixes in units.items():
        where = file.where("audit.units", name)
        if not isinstance(prefixes, list) or not prefixes or not all(isinstance(p, str) and p for p in prefixes):
            raise ConfigError(f"unit {name!r} is no list of module names", where=where, fix='write ["shop.orders"]')
    return units


def _effort(file: TomlFile) -> Effort:
    said: dict[str, Any] = file.table("audit.effort")
    known = Effort.__struct_fields__
    for name, value in said.items():
        where = file.where("audit.effort", name)
        if name not in known:
            raise ConfigError(f"unknown key {name!r}; {did_you_mean(name, known)}", where=where)
        try:
            low, high = msgspec.convert(value, tuple[float, float])
        except msgspec.ValidationError as error:
            raise ConfigError(f"{name} is no pair of days", where=where, fix="write [low, high]") from error
        if not (0 <= low <= high and math.isfinite(high)):
            raise ConfigError(f"{name} = [{low:g}, {high:g}] is no range", where=where, fix="0 <= low <= high")
    return msgspec.convert(said, Effort)


def _years(file: TomlFile, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _YEARS_MAX:
        where = file.where("audit", "history_years")
        raise ConfigError(f"history_years = {value!r}", where=where, fix=f"a number above 0, at most {_YEARS_MAX:g}")
    return float(value)
