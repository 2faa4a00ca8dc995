"""Where stores are: one place for each service, found before anything is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from calve.core.errors import ConfigError
from calve.core.secret import Secret
from calve.runtime.stores import Declared, check_stores, store_place
from calve.store import PostgresTarget

from .conftest import MakeConfig

PG = "postgresql://{service}@db/shop?schema={service}"


def declared(*templates: str) -> list[Declared]:
    """Services a, b, … with these URLs."""
    return [
        Declared(name, url, f"[service.{name}] store_url", "x:1") for name, url in zip("abc", templates, strict=False)
    ]


def test_places() -> None:
    assert store_place("sqlite:///data/{service}.db", "a", Path("/app")) == Path("/app/data/a.db")
    place = store_place(PG, "a", Path("/app"))
    assert place == PostgresTarget(host="db", user="a", database="shop", schema="a")


@pytest.mark.parametrize(
    "templates",
    [
        (PG, PG),
        ("postgresql://{service}@db/{service}",) * 2,
        ("postgresql://me@db/{service}",) * 2,
        (PG, "sqlite:///{service}.db"),
        ("postgresql://db/x", "postgresql://db/y"),
        ("postgresql://db/x", "postgresql://other/x"),
        ("postgresql://db/shop?schema=a", "postgresql://db:6000/shop?schema=a"),
    ],
)
def test_places_of_their_own(templates: tuple[str, ...]) -> None:
    check_stores(declared(*templates), Path("/app"))


@pytest.mark.parametrize(
    ("templates", "text"),
    [
        (("postgresql://db/shop",) * 2, r"is the same for all services, .*; put \{service\} into it"),
        (("sqlite:///x.db",) * 2, r"put \{service\} into the file name"),
        (("sqlite:///a.db", "sqlite:///../app/a.db"), "same|would be that of"),
        (
            ("postgresql://me@db/shop?schema={service}",) * 2,
            "the same role 'me', so each could read the other's tables",
        ),
        (("postgresql://a@db/{service}", "postgresql://b@db/a"), "same for all services"),
        (
            ("postgresql://db/{service}", "postgresql://x:hunter2@db/y"),
            r"\[service.b\] store_url: the URL has a password",
        ),
        (("mysql://db/{service}",), r"x:1: \[service.a\] store_url: no store for 'mysql'; known"),
    ],
)
def test_places_that_cannot_be(templates: tuple[str, ...], text: str) -> None:
    with pytest.raises(ConfigError, match=text) as caught:
        check_stores(declared(*templates), Path("/app"))
    assert "hunter2" not in str(caught.value)


def test_a_service_may_have_a_store_elsewhere(make_config: MakeConfig) -> None:
    config = make_config(
        f"[service.wallet]\nstore_url = '{PG}'\n[unit.money]\nreplicas = 3\n", CALVE_SERVICE_WALLET_STORE_PASSWORD="s"
    )
    assert config.store_url("wallet") == "postgresql://wallet@db:5432/shop?schema=wallet"
    assert config.store_url("orders").startswith("sqlite:///")
    assert config.store_in_file("orders")
    assert not config.store_in_file("wallet")
    assert config.service["wallet"].store_password == Secret("s")
    assert "toml:10" in config.store_where("wallet")


def test_a_faulty_store_of_one_service_is_found_in_its_place(make_config: MakeConfig) -> None:
    with pytest.raises(ConfigError, match=r"toml:10: \[service.wallet\] store_url: the URL names no database"):
        make_config("[service.wallet]\nstore_url = 'postgresql://db'\n")
