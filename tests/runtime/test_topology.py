"""Topologies: every service in exactly one unit, and what is said when it is not."""

from __future__ import annotations

import pytest

from calve.core.errors import ConfigError
from calve.runtime.topology import Topology, Unit

from .conftest import MakeConfig

APP = '[app]\nname = "shop"\nservices = ["shop.catalog", "shop.orders", "shop.wallet"]\n'


def units(make_config: MakeConfig, text: str) -> dict[str, tuple[str, ...]]:
    config = make_config(project=f"{APP}[topology.split]\n{text}\n")
    return {unit.name: unit.services for unit in config.topologies["split"].units}


def test_units_in_the_order_of_the_file_services_in_the_order_of_the_app(make_config: MakeConfig) -> None:
    found = units(make_config, "money = ['wallet']\nfront = ['orders', 'catalog']")
    assert list(found.items()) == [("money", ("wallet",)), ("front", ("catalog", "orders"))]


def test_a_star_takes_what_no_other_unit_names(make_config: MakeConfig) -> None:
    assert units(make_config, "rest = ['*']\nmoney = ['wallet']") == {
        "rest": ("catalog", "orders"),
        "money": ("wallet",),
    }
    assert units(make_config, "rest = ['wallet', '*']") == {"rest": ("catalog", "orders", "wallet")}


def test_the_topology_of_one_process_is_there_unless_written(make_config: MakeConfig) -> None:
    one = make_config(project=APP).topologies["one"]
    assert one == Topology("one", (Unit("shop", ("catalog", "orders", "wallet")),))
    own = make_config(project=f"{APP}[topology.one]\nall = ['*']\n").topologies
    assert [u.name for u in own["one"].units] == ["all"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("front = ['catalog', 'orders']", r"toml:4: service 'wallet' is in no unit of \[topology.split\]; add it"),
        (
            "a = ['wallet', '*']\nb = ['wallet']",
            r"toml:6: service 'wallet' is in the units 'a' and 'b'; keep it in one",
        ),
        ("a = ['wallet', 'wallet', '*']", r"toml:5: service 'wallet' is twice in 'a'; keep"),
        ("a = ['*']\nb = ['*']", r"toml:6: '\*' is in the units 'a' and 'b'"),
        ("a = ['walet', '*']", r"toml:5: unit 'a': no service 'walet'; did you mean 'wallet'\?"),
        ("a = ['shop.wallet', '*']", r"toml:5: unit 'a': no service 'shop.wallet'; did you mean 'wallet'\?"),
        ("a = ['*']\nb = []", r"toml:6: unit 'b' has no services; remove it"),
        ("a = ['catalog', 'orders', 'wallet']\nb = ['*']", r"toml:6: unit 'b' has no services; '\*' has nothing left"),
        ("a = 'wallet'", r"toml:5: unit 'a' is not a list of service names; write a = \[\"service\", …\]"),
        ("a = [1]", r"toml:5: unit 'a' is not a list of service names"),
        ("'The Unit' = ['*']", r"toml:5: 'The Unit' cannot name a unit; use lower case"),
        (f"{'a' * 41} = ['*']", r"cannot name a unit; .* at most 40"),
        ("", r"toml:4: \[topology.split\] has no units; write for example"),
    ],
)
def test_one_line_for_what_is_wrong(make_config: MakeConfig, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        units(make_config, text)


def test_a_name_that_cannot_be_one(make_config: MakeConfig) -> None:
    with pytest.raises(ConfigError, match=r"toml:4: '\.\./up' cannot name a topology"):
        make_config(project=f"{APP}[topology.'../up']\na = ['*']\n")


def test_units_by_name_and_by_service(make_config: MakeConfig) -> None:
    split = make_config().topologies["split"]
    assert split.unit("money").services == ("wallet",)
    assert split.unit_of("wallet").name == "money"
    with pytest.raises(KeyError):
        split.unit_of("nothing")


def test_a_topology_can_come_from_the_environment(make_config: MakeConfig) -> None:
    text = f"{APP}[topology.split]\nmoney = ['wallet']\nfront = ['*']\n"
    given = {"CALVE_TOPOLOGY_EACH": '{"a": ["catalog"], "b": ["*"]}', "CALVE_TOPOLOGY_SPLIT": '{"all": ["*"]}'}
    found = make_config(project=text, **given).topologies
    assert [unit.services for unit in found["each"].units] == [("catalog",), ("orders", "wallet")]
    assert [unit.name for unit in found["split"].units] == ["all"]
    assert list(found) == ["one", "split", "each"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("front", "CALVE_TOPOLOGY_EACH: not a JSON table of units: "),
        ("[]", "CALVE_TOPOLOGY_EACH: not a JSON table of units: "),
        ("{}", "CALVE_TOPOLOGY_EACH: [topology.each] has no units"),
        ('{"a": ["walet"]}', "CALVE_TOPOLOGY_EACH: unit 'a': no service 'walet'; did you mean 'wallet'?"),
        ('{"a": ["wallet"]}', "CALVE_TOPOLOGY_EACH: service 'catalog' is in no unit of [topology.each]"),
    ],
)
def test_what_is_wrong_in_the_environment_names_the_variable(make_config: MakeConfig, value: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_config(project=APP, CALVE_TOPOLOGY_EACH=value)
    assert str(caught.value).startswith(message)
