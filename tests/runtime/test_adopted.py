"""What calve.toml says about services that are no package of the project, and what is wrong with it in one line."""

from __future__ import annotations

import pytest

from calve.core.errors import ConfigError

from .conftest import MakeConfig

PROJECT = """\
[app]
name = "shop"
services = ["shop.wallet"]
"""
LEGACY = '[service.legacy]\nasgi = "legacy.main:app"\n'


def test_an_adopted_application_is_a_service(make_config: MakeConfig) -> None:
    more = LEGACY + 'calls = ["wallet"]\n[topology.split]\nmoney = ["wallet"]\nold = ["*"]'
    config = make_config(more, project=PROJECT)
    assert config.adopted["legacy"].asgi == "legacy.main:app"
    assert config.adopted["legacy"].mount == "/"
    assert config.hosted == ["wallet", "legacy"]
    assert config.topology("split").unit("old").services == ("legacy",)
    assert config.topology("one").unit("shop").services == ("wallet", "legacy")


def test_it_needs_no_contract_service_beside_it(make_config: MakeConfig) -> None:
    config = make_config(LEGACY, project='[app]\nname = "shop"\n')
    assert config.hosted == ["legacy"]


def test_its_settings_come_from_the_environment_too(make_config: MakeConfig) -> None:
    config = make_config(LEGACY, project=PROJECT, CALVE_SERVICE_LEGACY_MOUNT="/old")
    assert config.adopted["legacy"].mount == "/old"


def test_the_section_of_a_listed_service_is_its_own(make_config: MakeConfig) -> None:
    config = make_config('[service.wallet]\nasgi = "anything"\nurl = "x"\n', project=PROJECT)
    assert (config.adopted, config.remotes) == ({}, {})


def test_a_remote_contract_is_hosted_by_no_unit(make_config: MakeConfig) -> None:
    more = '[service.geo]\nurl = "https://geo.example"\ncontract = "shop.geo:Geo"\ntoken = "s3cret"\nowner = "team-a"\n'
    config = make_config(more, project=PROJECT)
    assert config.remotes["geo"].contract == "shop.geo:Geo"
    assert config.hosted == ["wallet"]
    assert config.service["geo"].owner == "team-a"
    assert "s3cret" not in repr(config.remotes)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (LEGACY + 'wsgi = "legacy:app"\n', r"toml:5: \[service.legacy\] has both asgi and wsgi; keep"),
        ('[service.legacy]\nwsgi = "legacy.main"\n', r"toml:5: .* wsgi: 'legacy.main' is not 'module:attribute'"),
        (LEGACY + 'mount = "old/"\n', r"toml:6: \[service.legacy\] mount: "),
        (LEGACY + 'mont = "/old"\n', r"toml:6: \[service.legacy\] mont is not a setting; did you mean 'mount'"),
        (LEGACY + 'calls = ["walet"]\n', r"toml:6: .* calls: no service 'walet'; did you mean 'wallet'"),
        (LEGACY + '[service.other]\nwsgi = "o:app"\n', r"'legacy' and 'other' are both mounted at /; give"),
        ('[service.Legacy]\nasgi = "l:app"\n', r"toml:5: 'Legacy' cannot name a service"),
        ('[service.legacy]\nasi = "l:app"\n', r"toml:4: \[service.legacy\]: no service 'legacy'"),
        ('[service.geo]\nurl = "http://geo"\n', r"\[service.geo\] contract is not set"),
        ('[service.geo]\nurl = "geo.example"\ncontract = "g:G"\n', r"toml:5: \[service.geo\] url: "),
    ],
)
def test_one_line_for_what_is_wrong(make_config: MakeConfig, more: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_config(more, project=PROJECT)
