"""Calve's own options: each can be looked up, and has a meaning and a working default."""

from __future__ import annotations

import pytest

from calve.core.settings import SettingRow
from calve.runtime import AppConfig
from calve.runtime.sections import SECTIONS, PolicySettings, settings_table

from .conftest import PROJECT, MakeConfig

ROWS = settings_table()
OTHERS = """
[service.legacy]
asgi = "legacy:app"
[service.geo]
url = "http://geo"
contract = "geo:Geo"
"""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.section}.{row.name}")
def test_every_option_says_what_it_is(row: SettingRow) -> None:
    assert row.text, "no help"
    assert not row.text.endswith("."), "a noun phrase, as it is shown in brackets"
    assert row.type
    assert row.env.startswith("CALVE_")
    for ending, unit in (("_seconds", "seconds"), ("_seconds_max", "seconds"), ("_bytes_max", "bytes")):
        assert not row.name.endswith(ending) or row.unit == unit


def test_variables_are_unique() -> None:
    assert len({row.env for row in ROWS}) == len(ROWS)


def test_every_section_of_the_config_is_in_the_reference(make_config: MakeConfig) -> None:
    config = make_config(OTHERS, project=PROJECT.replace('"wallet"]\n', '"*"]\n'))
    for section, kind in SECTIONS.items():
        value = _section(config, section)
        assert type(value) is kind


def _section(config: AppConfig, section: str) -> object:
    """One section of a project whose unit is `money`, whose service is `wallet`, and which adopts an application."""
    named = {
        "unit.<name>": config.units.get("money"),
        "service.<name>": config.service["wallet"],
        "service.<adopted>": config.adopted.get("legacy"),
        "service.<remote>": config.remotes.get("geo"),
        "policy.<service>.<operation>": config.reader.load("policy.wallet.balance", PolicySettings),
    }
    return named.get(section) or getattr(config, section)


def test_defaults_can_be_written_down_as_they_are_shown(make_config: MakeConfig) -> None:
    known = {"app.name", "app.services"}
    sections: dict[str, list[str]] = {}
    for row in ROWS:
        section = row.section.replace("service.<name>", "service.wallet").replace("<name>", "money")
        section = section.replace("<adopted>", "legacy").replace("<remote>", "geo")
        if row.default not in ("", "required") and f"{section}.{row.name}" not in known:
            sections.setdefault(section, []).append(f"{row.name} = {row.default}")
    app = sections.pop("app")
    project = "\n".join(["[app]", 'name = "shop"', 'services = ["shop.wallet"]', *app, "[topology.t]", 'money = ["*"]'])
    sections["service.legacy"].append('asgi = "legacy:app"')
    sections["service.geo"] += ['url = "http://geo"', 'contract = "geo:Geo"']
    text = "\n".join(line for name, lines in sections.items() for line in (f"[{name}]", *lines))
    written, default = make_config("\n" + text, project=project), make_config(OTHERS, project=project)
    for section in SECTIONS:
        if section != "unit.<name>":
            assert _section(written, section) == _section(default, section)
    assert written.units == default.units
