"""Plans: order, ports and replicas."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calve.core.errors import ConfigError
from calve.runtime.plan import Plan, ServiceFacts, make_plan, start_order, unit_needs

from .conftest import MakeConfig

FACTS = {
    "orders": ServiceFacts("Orders 1.0", frozenset({"wallet", "catalog"})),
    "wallet": ServiceFacts("Wallet 1.0", frozenset({"wallet"})),
    "catalog": ServiceFacts("Catalog 1.0", stores=False),
}


def plan(
    make_config: MakeConfig, more: str = "", facts: dict[str, ServiceFacts] | None = FACTS, name: str = "split"
) -> Plan:
    config = make_config(more)
    return make_plan(config, config.topologies[name], facts)


def ports(made: Plan) -> dict[str, int]:
    return {process.name: process.http_port for process in made.processes}


def test_what_is_needed_starts_first(make_config: MakeConfig) -> None:
    made = plan(make_config)
    assert [(p.name, p.after) for p in made.processes] == [
        ("money", ()),
        ("goods", ()),
        ("front", ("money", "goods")),
    ]
    assert made.edge == "front"


def test_without_facts_units_start_at_once_in_the_order_of_the_topology(make_config: MakeConfig) -> None:
    made = plan(make_config, facts=None)
    assert [(p.name, p.after) for p in made.processes] == [("front", ()), ("money", ()), ("goods", ())]


def test_a_unit_needs_no_other_for_what_it_hosts(make_config: MakeConfig) -> None:
    needs = unit_needs(make_config().topologies["split"], FACTS)
    assert needs == {"front": {"money", "goods"}, "money": set(), "goods": set()}


def test_a_circle_is_cut_where_the_order_of_the_topology_says() -> None:
    needs = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}
    assert start_order(needs) == ["d", "c", "b", "a"]


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdef")), min_size=1))
def test_any_graph_has_an_order_and_an_acyclic_one_the_right_one(needs: dict[str, set[str]]) -> None:
    order = start_order(needs)
    assert sorted(order) == sorted(needs)
    acyclic = {name: {n for n in others if n < name and n in needs} for name, others in needs.items()}
    order = start_order(acyclic)
    assert all(order.index(n) < order.index(name) for name, others in acyclic.items() for n in others)


def test_ports_are_counted_from_the_edge(make_config: MakeConfig) -> None:
    assert ports(plan(make_config)) == {"front": 8000, "money": 8001, "goods": 8002}
    assert ports(plan(make_config, "[http]\nedge = 'goods'\n")) == {"goods": 8000, "front": 8001, "money": 8002}
    assert ports(plan(make_config, "[http]\nport = 0\n")) == {"front": 0, "money": 0, "goods": 0}
    assert ports(plan(make_config, "[unit.front]\nhttp_port = 80\n")) == {"front": 80, "money": 8000, "goods": 8001}
    assert ports(plan(make_config, "[unit.money]\nhttp_port = 0\n")) == {"front": 8000, "money": 0, "goods": 8001}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("[http]\nport = 65535\n", r"toml:10: no port is left for 'money' after 65535; choose a lower port"),
        (
            "[unit.money]\nhttp_port = 8000\n",
            r"toml:10: port 8000 is given to both 'front' and 'money'; choose another",
        ),
    ],
)
def test_ports_that_cannot_be(make_config: MakeConfig, more: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan(make_config, more)


def test_replicas_of_a_unit_without_stores(make_config: MakeConfig) -> None:
    made = plan(make_config, "[unit.goods]\nreplicas = 2\n")
    assert ports(made) == {"front": 8000, "money": 8001, "goods.1": 8002, "goods.2": 8002}
    front = next(p for p in made.processes if p.name == "front")
    assert front.after == ("money", "goods.1", "goods.2")


def test_the_edge_is_the_first_of_its_replicas(make_config: MakeConfig) -> None:
    made = plan(make_config, "[unit.goods]\nreplicas = 2\n[http]\nedge = 'goods'\n")
    assert made.edge == "goods.1"
    assert ports(made) == {"goods.1": 8000, "goods.2": 8000, "front": 8001, "money": 8002}


@pytest.mark.parametrize("facts", [FACTS, None])
def test_replicas_of_a_unit_whose_store_is_a_file(
    make_config: MakeConfig, facts: dict[str, ServiceFacts] | None
) -> None:
    message = (
        r"toml:10: unit 'money' asks for 3 replicas, but the store of 'wallet' is a SQLite file,"
        r" which one process owns; set replicas = 1"
    )
    with pytest.raises(ConfigError, match=message):
        plan(make_config, "[unit.money]\nreplicas = 3\n", facts)


def test_replicas_of_a_unit_whose_store_is_on_a_server(make_config: MakeConfig) -> None:
    made = plan(make_config, "[unit.money]\nreplicas = 3\n[store]\nurl = 'postgresql://db/{service}'\n")
    assert [process.name for process in made.processes if process.unit.name == "money"] == [
        "money.1",
        "money.2",
        "money.3",
    ]
